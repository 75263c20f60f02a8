package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An interrupt in the middle of the race ends everything: status 130, and no
// worker is left. So does the death of the demo itself, there and while its
// fetch is under way, whose server dies with it.
func TestDemoEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sig     syscall.Signal
		working string // a file that grows when it is time
	}{
		{syscall.SIGINT, "race/none/worker-1.log"}, {syscall.SIGKILL, "race/none/worker-1.log"}, {syscall.SIGKILL, "fetch/fetch.jsonl"},
	} {
		sig := c.sig
		dir := t.TempDir()
		var words bytes.Buffer
		demo := program(t, "demo", dir, "--quiet", "--events", "1000")
		demo.Stderr = &words
		if err := demo.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- demo.Wait() }()
		for working := filepath.Join(dir, filepath.FromSlash(c.working)); ; {
			if info, err := os.Stat(working); err == nil && info.Size() > 0 {
				break
			}
			select {
			case err := <-ended:
				t.Fatalf("the demo ended before there was %s: %v: %s", c.working, err, words.String())
			case <-time.After(10 * time.Millisecond):
			}
		}
		if len(processesOf(t, dir)) < 2 {
			t.Error("there is nobody to be left behind")
		}
		if err := demo.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		<-ended
		if status := demo.ProcessState.ExitCode(); sig == syscall.SIGINT && (status != ExitInterrupted || !strings.Contains(words.String(), "interrupted")) {
			t.Errorf("status %d: %s", status, words.String())
		}
		for sig == syscall.SIGKILL && len(processesOf(t, dir)) > 0 { // they notice by themselves
			if t.Context().Err() != nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if left := processesOf(t, dir); len(left) > 0 {
			t.Errorf("left: %q", left)
		}
	}
}

// processesOf lists the running processes whose command line names a folder.
func processesOf(t *testing.T, dir string) (all []string) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range lines {
		if text, err := os.ReadFile(name); err == nil && bytes.Contains(text, []byte(dir)) {
			all = append(all, string(bytes.ReplaceAll(text, []byte{0}, []byte{' '})))
		}
	}
	return all
}

// With --json there is one object, which says the same.
func TestDemoJSON(t *testing.T) {
	if testing.Short() {
		t.Skip("a demo of its own")
	}
	t.Parallel()
	var words bytes.Buffer
	demo := program(t, "demo", t.TempDir(), "--quiet", "--json", "--events", "200", "--seed", "18446744073709551615")
	demo.Stderr = &words
	out, err := demo.Output()
	if err != nil {
		t.Errorf("%v: %s%s", err, words.String(), out)
	}
	var d struct {
		Claims     []claim
		Failed     int
		Safeguards []verdictJSON
		Report     string
	}
	if err := json.Unmarshal(out, &d); err != nil || bytes.Count(out, []byte("\n")) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	if len(d.Claims) != 25 || d.Failed != 0 || len(d.Safeguards) != 7 || d.Report == "" {
		t.Errorf("%+v", d)
	}
}
