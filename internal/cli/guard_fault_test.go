package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"holdfast/engine/enginetest"
	"holdfast/guard"
	"holdfast/internal/soak"
)

// runGuard runs holdfast guard to its end.
func runGuard(t *testing.T, url string, more ...string) (c guard.Counters, words string, status int) {
	t.Helper()
	out, words, status := holdfast(t, append([]string{"guard", "--nats", url, "--from", "in", "--to", "OUT", "--key", "id", "--json", "--quiet"}, more...)...)
	if out != "" {
		if err := json.Unmarshal([]byte(out), &c); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
	}
	return c, words, status
}

// oneLineFault expects status 4 and one line on stderr that says so.
func oneLineFault(t *testing.T, words string, status int, says string) {
	t.Helper()
	var last string
	for line := range strings.Lines(words) {
		if !strings.HasPrefix(line, "holdfast: warning: ") {
			last += line
		}
	}
	if status != ExitEnvironment || strings.Count(last, "\n") != 1 || !regexp.MustCompile("^holdfast: .*"+says).MatchString(strings.TrimSuffix(last, "\n")) || strings.Contains(words, "secret") {
		t.Errorf("status %d, %q; want 4 and one line with %q", status, words, says)
	}
}

// Faults of the engine that a user meets at the start: one line with the remedy,
// status 4, and nothing is made or acknowledged.
func TestGuardRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	conf := write("nats.conf", `accounts {
  A: { jetstream: enabled, users: [{user: a, password: secret}, {user: bound, password: secret, permissions: {publish: {deny: ["OUT.>"]}}}] }
  B: { users: [{user: b, password: secret}] }
  C: { jetstream: {max_store: 1MB, max_streams: 1}, users: [{user: c, password: secret}] }
}`)
	creds := write("user.creds", "-----BEGIN NATS USER JWT-----\neyJ0\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n"+
		"SU"+"ABUTZPY6QJHZNXKNGD46222TVIDVKMKBFSXIQTDOQJYU65JYRP3NA44E\n------END USER NKEY SEED------\n")
	e := newEngineProcess(t, "--config", conf)
	token := newEngineProcess(t, "--config", write("token.conf", `authorization { token: "secret" }`))
	for name, c := range map[string]struct {
		url  string
		more []string
		says string
	}{
		"nobody there":    {"nats://u:secret@127.0.0.1:1", nil, `no server answers: check the address, or start one with: holdfast engine --dir DIR$`},
		"JetStream off":   {withoutJetStream(t), nil, `JetStream is off: start the server with -js`},
		"password":        {e.as("a:secret2"), nil, `refuses the credentials: check --creds, or user and password`},
		"token":           {token.as("secret2"), nil, `refuses the credentials`},
		"creds":           {e.url, []string{"--creds", creds}, `refuses the credentials`},
		"creds missing":   {e.url, []string{"--creds", creds + "2"}, `--creds: .*no such file.*check the path$`},
		"no TLS there":    {"tls" + strings.TrimPrefix(e.as("a:secret"), "nats"), nil, `speaks no TLS`},
		"account without": {e.as("b:secret"), nil, `JetStream is off \(for this account\): .*enable JetStream for the account$`},
		"account limits":  {e.as("c:secret"), []string{"--capture"}, `no room left \(maximum number of streams reached\): raise the account's limits`},
		"no replicas":     {e.as("a:secret"), []string{"--capture", "--replicas", "3"}, `too few servers \(replicas > 1 not supported in non-clustered mode\): start the servers`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, words, status := runGuard(t, c.url, append(c.more, "--drain")...)
			oneLineFault(t, words, status, c.says)
		})
	}
	// Told while it runs: the sink may not be written.
	t.Run("sink forbidden", func(t *testing.T) {
		t.Parallel()
		own := newEngineProcess(t, "--config", conf)
		if _, words, status := runGuard(t, own.as("a:secret"), "--capture", "--drain"); status != ExitOK {
			t.Fatal(words)
		}
		conn := enginetest.Connect(t, own.as("a:secret"))
		if _, err := conn.JS.Publish(t.Context(), "in", []byte(`{"id":1}`)); err != nil {
			t.Fatal(err)
		}
		_, words, status := runGuard(t, own.as("bound:secret"), "--drain")
		oneLineFault(t, words, status, `the user may not do that \(Permissions Violation for Publish to "OUT`)
		if c, words, status := runGuard(t, own.as("a:secret"), "--drain"); status != ExitOK || c.Accepted != 1 {
			t.Errorf("status %d, %+v: %s", status, c, words)
		}
	})
}

// Streams that are there and have another shape: named with what is wrong, and
// left as they are.
func TestGuardShapes(t *testing.T) {
	t.Parallel()
	e := newEngineProcess(t, "--no-sync")
	if _, words, status := runGuard(t, e.url, "--capture", "--drain"); status != ExitOK {
		t.Fatal(words)
	}
	e.publish("in", 0, 5)
	for name, c := range map[string]struct {
		more []string
		says string
	}{
		"sink of other subjects": {[]string{"--from", "new", "--capture", "--to", "OUT_SOURCE"}, `stream OUT_SOURCE: the stream has another shape \(it captures in, not OUT_SOURCE.0.\*: --prefix says`},
		"source taken":           {[]string{"--to", "SECOND"}, `another shape \(multiple non-filtered consumers not allowed on workqueue stream|another shape \(filtered consumer not unique on workqueue stream\): delete the consumer that is in the way`},
		"subjects taken":         {[]string{"--to", "THIRD", "--prefix", "OUT"}, `another shape \(subjects overlap with an existing stream\): another stream has its subjects`},
		"no sink to expect in":   {[]string{"--to", "FOURTH", "--mode", "expect"}, `stream FOURTH: there is no such stream: --mode expect is for a sink that is there`},
	} {
		t.Run(name, func(t *testing.T) {
			_, words, status := runGuard(t, e.url, append(c.more, "--drain")...)
			oneLineFault(t, words, status, c.says)
		})
	}
	if _, words, status := runGuard(t, e.url, "--from", "OUT.0.*"); status != ExitUsage || !strings.Contains(words, "is what --to OUT itself writes") {
		t.Errorf("a relay that feeds itself: status %d: %s", status, words)
	}
	if c, words, status := runGuard(t, e.url, "--drain"); status != ExitOK || c.Accepted != 5 {
		t.Errorf("status %d, %+v: %s", status, c, words)
	}
}

// The server comes back with other credentials: it is told at once, whatever
// --outage says.
func TestGuardCredentialsChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	conf := filepath.Join(dir, "nats.conf")
	token := func(text string) {
		if err := os.WriteFile(conf, []byte(`authorization { token: "`+text+`" }`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	token("secret1")
	e := newEngineProcess(t, "--config", conf)
	r := startRelay(t, e.as("secret1"), "--capture", "--outage", "1h")
	e.kill()
	token("secret2")
	e.start()
	words, status := r.end(0)
	oneLineFault(t, words, status, `the server refuses the credentials: check --creds`)
}

// withoutJetStream is a server that answers as nats-server does without -js:
// nobody is there for requests.
func withoutJetStream(t *testing.T) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	serve := func(c net.Conn) {
		defer c.Close()
		fmt.Fprintf(c, "INFO {\"server_id\":\"S\",\"version\":\"2.15.2\",\"proto\":1,\"headers\":true,\"max_payload\":1048576}\r\n")
		for lines := bufio.NewScanner(c); lines.Scan(); {
			switch f := strings.Fields(lines.Text()); {
			case len(f) == 0:
			case f[0] == "PING":
				fmt.Fprintf(c, "PONG\r\n")
			case f[0] == "PUB" && len(f) == 4:
				fmt.Fprintf(c, "HMSG %s 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", f[2])
			}
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return "nats://" + l.Addr().String()
}

// The server is killed again and again under load and comes back: relays wait,
// and each key is stored once.
func TestGuardEngineRestarts(t *testing.T) {
	t.Parallel()
	e := newEngineProcess(t, "--no-sync")
	if _, words, status := runGuard(t, e.url, "--capture", "--drain"); status != ExitOK {
		t.Fatal(words)
	}
	const keys = 600
	parts := soak.Rounds(1, 3)
	var relays []*relayProcess
	for range 2 {
		r := startRelay(t, e.url, "--in-flight", "50")
		defer r.end(syscall.SIGKILL)
		relays = append(relays, r)
	}
	for i := range parts {
		e.publish("in", i*keys/parts, (i+1)*keys/parts)
		e.publish("in", i*keys/parts, min(i*keys/parts+20, keys)) // again
		e.kill()
		e.start()
	}
	for _, r := range relays {
		if words, status := r.end(syscall.SIGTERM); status != ExitInterrupted {
			t.Errorf("a relay ended with %d: %s", status, words)
		}
	}
	if c, words, status := runGuard(t, e.url, "--drain", "--ack-wait", "1s"); status != ExitOK {
		t.Errorf("status %d, %+v: %s", status, c, words)
	}
	sinkHolds(t, e.url, keys)
}

// A relayProcess is holdfast guard without end.
type relayProcess struct {
	c     *exec.Cmd
	words chan string // what it said, once it is gone
}

// startRelay returns when it relays.
func startRelay(t *testing.T, url string, more ...string) *relayProcess {
	t.Helper()
	r := &relayProcess{program(t, append([]string{"guard", "--nats", url, "--from", "in", "--to", "OUT", "--key", "id", "--ack-wait", "1s"}, more...)...), make(chan string, 1)}
	out, err := r.c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "holdfast: relaying in ") {
		_ = r.c.Wait()
		t.Fatal(lines.Text())
	}
	go func() {
		var said strings.Builder
		for lines.Scan() {
			if !strings.HasPrefix(lines.Text(), "relayed: ") {
				said.WriteString(lines.Text() + "\n")
			}
		}
		r.words <- said.String()
	}()
	return r
}

// end sends a signal, if any, and waits.
func (r *relayProcess) end(signal syscall.Signal) (words string, status int) {
	if signal != 0 {
		_ = r.c.Process.Signal(signal)
	}
	if r.c.ProcessState == nil {
		words = <-r.words
		_ = r.c.Wait()
	}
	return words, r.c.ProcessState.ExitCode()
}

// sinkHolds expects the bodies of engineProcess.publish, each once.
func sinkHolds(t *testing.T, url string, keys int) {
	t.Helper()
	s, err := enginetest.Connect(t, url).JS.Stream(t.Context(), "OUT")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for n := uint64(1); n <= s.CachedInfo().State.LastSeq; n++ {
		m, err := s.GetMsg(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		var body struct{ ID int }
		if err := json.Unmarshal(m.Data, &body); err != nil || seen[body.ID] {
			t.Errorf("%s is stored twice, or %v", m.Data, err)
		}
		seen[body.ID] = true
	}
	if len(seen) != keys {
		t.Errorf("%d keys are stored, want %d", len(seen), keys)
	}
}

// A server that does not come back: status 4 after --outage, and the same
// command again misses nothing.
func TestGuardOutage(t *testing.T) {
	t.Parallel()
	e := newEngineProcess(t, "--no-sync")
	if _, words, status := runGuard(t, e.url, "--capture", "--drain"); status != ExitOK {
		t.Fatal(words)
	}
	r := startRelay(t, e.url, "--outage", "1s")
	e.publish("in", 0, 300)
	e.kill()
	words, status := r.end(0)
	oneLineFault(t, words, status, `nothing was stored for 1s: (nats://127.0.0.\d:\d+|stream OUT): no server answers .*: (start it again|check the address, .*)`)
	e.start()
	if c, words, status := runGuard(t, e.url, "--drain", "--ack-wait", "1s"); status != ExitOK {
		t.Errorf("status %d, %+v: %s", status, c, words)
	}
	sinkHolds(t, e.url, 300)
}

// The engine's disk is full, really: engine and guard end with status 4, and
// with more room nothing is missing.
func TestGuardDiskFull(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "3m")
	e := newEngineProcess(t, "--dir", filepath.Join(disk, "store"), "--max-store", "64MiB", "--no-sync")
	if _, words, status := runGuard(t, e.url, "--capture", "--drain", "--ack-wait", "1s"); status != ExitOK {
		t.Fatal(words)
	}
	const keys = 900
	e.publish("in", 0, keys)
	if err := os.WriteFile(filepath.Join(disk, "ballast"), make([]byte, 1<<20), 0o666); err != nil {
		t.Fatal(err)
	}
	_, words, status := runGuard(t, e.url, "--drain", "--outage", "1s", "--ack-wait", "1s")
	oneLineFault(t, words, status, "nothing was stored for 1s: ")
	_ = e.c.Wait()
	oneLineFault(t, e.said.String(), e.c.ProcessState.ExitCode(), `no room left \(.*no space left on device\): free some space and start the server again; nothing that was acknowledged is lost`)
	if err := os.Remove(filepath.Join(disk, "ballast")); err != nil {
		t.Fatal(err)
	}
	remount(t, disk, "size=16m")
	e.start()
	if c, words, status := runGuard(t, e.url, "--drain", "--ack-wait", "1s"); status != ExitOK {
		t.Errorf("status %d, %+v: %s", status, c, words)
	}
	sinkHolds(t, e.url, keys)
}

// The engine's own limit: guard says which, and goes on where it was.
func TestGuardStoreFull(t *testing.T) {
	t.Parallel()
	e := newEngineProcess(t, "--max-store", "1MiB", "--no-sync")
	if _, words, status := runGuard(t, e.url, "--capture", "--drain", "--ack-wait", "1s"); status != ExitOK {
		t.Fatal(words)
	}
	// What is relayed leaves the source and makes room, so there must be none.
	if _, words, status := holdfast(t, "guard", "--nats", e.url, "--from", "ballast", "--to", "BALLAST", "--key", "id", "--capture", "--drain"); status != ExitOK {
		t.Fatal(words)
	}
	const keys = 100
	e.publish("in", 0, keys)
	e.fill("ballast")
	_, words, status := runGuard(t, e.url, "--drain", "--outage", "1s", "--ack-wait", "1s")
	oneLineFault(t, words, status, `nothing was stored for 1s: stream OUT: the engine has no room left \(.*\): free some space or raise the limits; nothing that was acknowledged is lost`)
	e.kill()
	e.args = append(e.args, "--max-store", "64MiB")
	e.start()
	if c, words, status := runGuard(t, e.url, "--drain", "--ack-wait", "1s"); status != ExitOK {
		t.Errorf("status %d, %+v: %s", status, c, words)
	}
	sinkHolds(t, e.url, keys)
}
