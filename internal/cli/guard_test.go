package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"holdfast/engine/enginetest"
	"holdfast/guard"
)

// program runs holdfast as a process of its own.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(name, args...)
	c.Args[0] = "holdfast"
	return c
}

// TestGuard is a user's session: an engine, a first drain that makes the
// streams, messages, drains; a flag that does not fit what is there.
func TestGuard(t *testing.T) {
	t.Parallel()
	url := newEngineProcess(t).url
	drain := func(want int, more ...string) (guard.Counters, string) {
		t.Helper()
		c := program(t, append([]string{"guard", "--nats", url, "--from", "ticks.raw", "--to", "TICKS", "--key", "symbol,at", "--drain", "--json"}, more...)...)
		var out, words bytes.Buffer
		c.Stdout, c.Stderr = &out, &words
		_ = c.Run()
		var counts guard.Counters
		if got := c.ProcessState.ExitCode(); got != want {
			t.Fatalf("exit status %d, want %d: %s", got, want, words.String())
		}
		if want == ExitOK {
			if err := json.Unmarshal(out.Bytes(), &counts); err != nil || strings.Count(out.String(), "\n") != 1 {
				t.Fatalf("%q: %v", out.String(), err)
			}
		}
		return counts, words.String()
	}
	if _, words := drain(ExitEnvironment); !strings.Contains(words, "messages sent while no relay runs would be lost") {
		t.Error(words)
	}
	drain(ExitOK, "--capture")

	conn := enginetest.Connect(t, url)
	for i := range 30 {
		body := fmt.Sprintf(`{"symbol":"S%d","at":%d,"price":1.5}`, i%10, i%10)
		if i == 29 {
			body = `{"symbol":"S9"}`
		}
		if _, err := conn.JS.Publish(t.Context(), "ticks.raw", []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	counts, words := drain(ExitOK)
	if counts.Received != 30 || counts.Accepted != 10 || counts.Duplicates != 19 || counts.Dead != 1 {
		t.Errorf("%+v", counts)
	}
	if !strings.Contains(words, "holdfast: relaying ticks.raw of stream TICKS_SOURCE to TICKS") {
		t.Error(words)
	}
	if _, words := drain(ExitUsage, "--mode", "window"); !strings.Contains(words, "was made with --mode subject") {
		t.Error(words)
	}
	if _, words := drain(ExitUsage, "--partitions", "3"); !strings.Contains(words, "lie in 1") {
		t.Error(words)
	}
	if _, words := drain(ExitNotHeld, "--max-keys", "10"); !strings.Contains(words, "--max-keys allows") {
		t.Error(words)
	}
}

// TestGuardNodes is the proof on three servers, of which one is killed. It
// takes ten seconds, most of it waiting for leaders.
func TestGuardNodes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("elections of three servers take their time")
	}
	c := program(t, "guard", "--selftest", "--keys", "1000", "--relays", "2", "--kills", "3", "--nodes", "3", "--json", "--quiet")
	var words bytes.Buffer
	c.Stderr = &words
	out, err := c.Output()
	if err != nil || !strings.Contains(string(out), `"distinct_keys":1000,"sink":1000,"missing":0,"extra":0`) || !strings.Contains(string(out), `"kills":3,"nodes_lost":1`) {
		t.Errorf("%s: %v: %s", out, err, words.String())
	}
}
