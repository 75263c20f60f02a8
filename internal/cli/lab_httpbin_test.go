package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"holdfast/lab/flakyhttp/ledger"
)

// TestLabHTTPBin starts the real program, asks it for an answer and for faults,
// and interrupts it.
func TestLabHTTPBin(t *testing.T) {
	t.Parallel()
	for _, asJSON := range []bool{false, true} {
		t.Run(fmt.Sprintf("json=%v", asJSON), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, "ledger.jsonl")
			given := []string{"lab", "httpbin", "--ledger", file, fmt.Sprintf("--json=%v", asJSON)}
			if !asJSON {
				given = append(given, "--ca", filepath.Join(dir, "ca.pem"))
			}
			c, out := startHoldfast(t, given...)
			base, temporary := readBase(t, out, asJSON)

			for path, want := range map[string]int{"/get?_id=1": 200, "/fault/status/503?_id=2": 503, "/fault/nope": 404} {
				r, err := http.Get(base + path)
				if err != nil {
					t.Fatal(err)
				}
				r.Body.Close()
				if r.StatusCode != want {
					t.Errorf("%s: status %d, want %d", path, r.StatusCode, want)
				}
			}
			if _, err := http.Get(base + "/fault/fin?_id=3"); err == nil {
				t.Error("fin: no error")
			}
			if err := c.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, out)
			c.Wait()
			if got := c.ProcessState.ExitCode(); got != ExitInterrupted {
				t.Errorf("exit status %d, want %d", got, ExitInterrupted)
			}
			if _, err := os.Stat(temporary); temporary != "" && err == nil {
				t.Errorf("%s is left", temporary)
			}
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			all, bad, err := ledger.Read(f)
			if err != nil || len(bad) > 0 || len(all) < 4 { // the client may have sent the last one again
				t.Fatalf("%d entries, %v, %v", len(all), bad, err)
			}
			for i, e := range all[:3] {
				if e.Seq != uint64(i+1) || !strings.HasPrefix(e.URL, base+"/") || e.End != ledger.Complete {
					t.Errorf("the ledger says %+v", e)
				}
			}
			for _, e := range all[3:] {
				if !strings.HasSuffix(e.URL, "_id=3") || e.Status != 0 || e.End != ledger.Truncated {
					t.Errorf("fin: the ledger says %+v", e)
				}
			}
		})
	}
}

// startHoldfast starts the program, which this test's binary is under its name. It
// is killed at the end of the test if it still runs.
func startHoldfast(t *testing.T, args ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), program, args...)
	c.Args[0] = "holdfast"
	c.Stderr = io.Discard
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(out)
}

// readBase reads where the server is from its first line, and, of JSON, where
// its CA's file is.
func readBase(t *testing.T, out *bufio.Reader, asJSON bool) (base, ca string) {
	t.Helper()
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if !asJSON {
		return strings.TrimSpace(line), ""
	}
	var ports struct {
		URL  string
		URLs map[string]string
		CA   string
	}
	if err := json.Unmarshal([]byte(line), &ports); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	for _, name := range []string{"http", "tls", "h2", "h2c", "reset", "silent", "tls_expired", "tls_wrong_name"} {
		if ports.URLs[name] == "" {
			t.Errorf("no port %s", name)
		}
	}
	if ports.URL != ports.URLs["http"] {
		t.Errorf("url is %s, the main port %s", ports.URL, ports.URLs["http"])
	}
	if _, err := os.Stat(ports.CA); err != nil {
		t.Error(err)
	}
	return ports.URL, ports.CA
}
