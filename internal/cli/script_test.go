package cli

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"holdfast/engine"
	"holdfast/lab/flakyhttp"
)

// status runs a command that must end with the given exit status:
//
//	status 3 holdfast audit broken
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// count expects a file to have so many lines:
//
//	count 251 audit/duplicates.csv
func count(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: count N file")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := strings.Count(ts.ReadFile(args[1]), "\n"); got != want {
		ts.Fatalf("%s has %d lines, want %d", args[1], got, want)
	}
}

// engineUp starts an engine for the rest of the script: $NATS is its URL.
//
//	engine
func engineUp(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: engine")
	}
	s, err := engine.Start(context.Background(), engine.Config{Dir: ts.MkAbs("engine"), NoSync: true})
	ts.Check(err)
	ts.Defer(func() { s.Close() })
	ts.Setenv("NATS", s.URL())
}

// up runs holdfast engine with these flags until clients can come, and interrupts
// it.
//
//	up --dir store
func up(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: up [flag...]")
	}
	name, err := os.Executable()
	ts.Check(err)
	c := exec.Command(name, append([]string{"engine"}, args...)...)
	c.Args[0], c.Dir = "holdfast", ts.MkAbs(".")
	var said strings.Builder
	c.Stderr = &said
	out, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	url, _ := bufio.NewReader(out).ReadString('\n')
	_ = c.Process.Signal(os.Interrupt)
	_ = c.Wait()
	if got := c.ProcessState.ExitCode(); got != ExitInterrupted || !strings.HasPrefix(url, "nats://") || !strings.Contains(said.String(), "the same command starts it again") {
		ts.Fatalf("exit status %d, URL %q: %s", got, url, said.String())
	}
}

// lab starts the lab's server for the rest of the script: $LAB is its base,
// $LABTLS that of TLS, $LABCA its authority's file; words of a file that are
// LAB become the base.
//
//	lab urls.txt
func lab(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: lab [file...]")
	}
	s, err := flakyhttp.Start(flakyhttp.Config{CAFile: ts.MkAbs("lab-ca.pem")})
	ts.Check(err)
	ts.Defer(func() { s.Close() })
	ts.Setenv("LAB", s.URL())
	ts.Setenv("LABTLS", s.TLSURL())
	ts.Setenv("LABCA", s.CAFile())
	for _, name := range args {
		text := strings.ReplaceAll(ts.ReadFile(name), "LAB", s.URL())
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o666))
	}
}
