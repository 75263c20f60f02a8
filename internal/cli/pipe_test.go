package cli

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// waitsForInput are commands that read PIPE, and what they may leave behind when
// they are interrupted.
var waitsForInput = map[string]struct {
	command string
	leaves  string
}{
	"logs":       {"merge logs sorted PIPE --by 1 -o out", ""},
	"logs sort":  {"merge logs PIPE --by 1 --sort -o out", ""},
	"pair":       {"merge pair numbers PIPE -o out", ""},
	"worker":     {"merge worker --id A --data PIPE --inbox in --outbox out --output o --state s", ""},
	"job worker": {"merge worker --nats nats://127.0.0.1:1 --job j --id 0 --data PIPE --output o", ""},
	"explain":    {"merge explain PIPE", ""},
	"events":     {"audit --events PIPE --output rows.csv --out report", ""},
	"rows":       {"audit --output PIPE --out report", ""},
	"dedupe":     {"dedupe PIPE out", ""},
	"whatif":     {"whatif --events events.jsonl --workers PIPE --output rows.csv --out report", ""},
	"record":     {"record --source jsonl -i PIPE --state-dir state --log log", "log state"}, // appended to
	"record gz":  {"record --source jsonl -i PIPE.gz --state-dir state --log log", "log state"},
	"score":      {"record score --log PIPE --seed 1", ""},
	"fetch":      {"fetch -i PIPE --log log --summary out", "log log.lock out"}, // appended to, and the sums so far,
	"enqueue":    {"fetch enqueue -i PIPE --queue nats://127.0.0.1:1", ""},
	"validate":   {"fetch validate --log PIPE --lab-seed 1", ""},
	"trail":      {"fetch explain http://h/ --log PIPE", ""},
}

// A command that waits for whoever writes its input, to come or to go on, ends at
// the first SIGINT, with status 130 and one line, and leaves no output.
func TestInterruptedInput(t *testing.T) {
	t.Parallel()
	for name, c := range waitsForInput {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, way := range []struct {
				input string
				wait  func(w *waitingCommand)
			}{
				{"pipe", (*waitingCommand).untilRead},
				{"pipe", (*waitingCommand).aWhile},
				{"-", (*waitingCommand).aWhile},
			} {
				if way.input == "-" && (strings.Contains(c.command, "PIPE.gz") || strings.Contains(c.command, "--log PIPE") || strings.Contains(c.command, "explain") || strings.Contains(c.command, "merge pair") || strings.Contains(c.command, "enqueue")) {
					continue // these read files only, or connect first
				}
				if testing.Short() && i == 2 {
					continue
				}
				w := &waitingCommand{T: t, words: strings.Fields(strings.ReplaceAll(c.command, "PIPE", way.input))}
				w.start()
				way.wait(w)
				said := w.interrupt()
				if got := w.c.ProcessState.ExitCode(); got != ExitInterrupted || strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "holdfast: interrupted") {
					t.Errorf("%v, way %d: status %d: %q", w.words, i, got, said)
				}
				w.left(c.leaves)
			}
		})
	}
}

type waitingCommand struct {
	*testing.T
	words []string
	dir   string
	c     *exec.Cmd
	said  bytes.Buffer
	late  time.Duration
}

var inputFiles = map[string]string{"sorted": "a\nb\n", "numbers": "1\n2\n", "rows.csv": "symbol,timestamp,price\n", "events.jsonl": ""}

func (w *waitingCommand) start() {
	w.Helper()
	w.dir = w.TempDir()
	for _, name := range []string{"pipe", "pipe.gz"} {
		if err := syscall.Mkfifo(filepath.Join(w.dir, name), 0o666); err != nil {
			w.Fatal(err)
		}
	}
	for name, text := range inputFiles {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o666); err != nil {
			w.Fatal(err)
		}
	}
	w.c = program(w.T, w.words...)
	w.c.Dir = w.dir
	w.said.Reset()
	w.c.Stderr = &w.said
	in, idle, err := os.Pipe()
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { idle.Close() })
	w.c.Stdin = in
	if err := w.c.Start(); err != nil {
		w.Fatal(err)
	}
	in.Close()
}

// untilRead opens the pipe for writing, which works when it is opened for reading.
func (w *waitingCommand) untilRead() {
	w.Helper()
	name := "pipe"
	for _, word := range w.words {
		if word == "pipe.gz" {
			name = word
		}
	}
	for {
		f, err := os.OpenFile(filepath.Join(w.dir, name), os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err == nil {
			w.Cleanup(func() { f.Close() })
			return
		}
		if w.Context().Err() != nil {
			w.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}

// aWhile lets it come to its input. That cannot be seen from outside: what comes
// too early kills it, and interrupt begins anew.
func (w *waitingCommand) aWhile() {
	w.late += 200 * time.Millisecond
	time.Sleep(w.late)
}

// interrupt sends SIGINT once and waits.
func (w *waitingCommand) interrupt() string {
	w.Helper()
	for {
		_ = w.c.Process.Signal(os.Interrupt)
		stuck := time.AfterFunc(20*time.Second, func() { _ = w.c.Process.Kill() })
		_ = w.c.Wait()
		if status, ok := w.c.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGINT && w.late > 0 {
			w.start()
			w.aWhile()
			continue
		}
		if !stuck.Stop() {
			w.Errorf("%v: SIGINT is ignored", w.words)
		}
		return w.said.String()
	}
}

// left expects no new file but what is named, or lies below it.
func (w *waitingCommand) left(names string) {
	w.Helper()
	err := fs.WalkDir(os.DirFS(w.dir), ".", func(path string, e fs.DirEntry, err error) error {
		top, _, _ := strings.Cut(path, "/")
		if _, input := inputFiles[top]; !input && err == nil && e.Type().IsRegular() && !slices.Contains(strings.Fields(names), top) {
			w.Errorf("%v: %s is left", w.words, path)
		}
		return err
	})
	if err != nil {
		w.Error(err)
	}
}
