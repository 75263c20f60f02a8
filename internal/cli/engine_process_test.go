package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"holdfast/engine"
	"holdfast/engine/enginetest"
)

// An engineProcess is holdfast engine, to be killed and started again. One that
// is there at the test's end is interrupted, and must say so.
type engineProcess struct {
	*testing.T
	args []string
	url  string
	c    *exec.Cmd
	said bytes.Buffer
}

// newEngineProcess starts one on a folder of its own, unless the flags name one.
func newEngineProcess(t *testing.T, flags ...string) *engineProcess {
	t.Helper()
	e := &engineProcess{T: t, args: append([]string{"engine", "--listen", enginetest.Host + ":0"}, flags...)}
	if !slices.Contains(flags, "--dir") {
		e.args = append(e.args, "--dir", filepath.Join(t.TempDir(), "store"))
	}
	e.start()
	t.Cleanup(func() {
		if e.c.ProcessState != nil {
			return
		}
		_ = e.c.Process.Signal(syscall.SIGTERM)
		if err := e.c.Wait(); e.c.ProcessState.ExitCode() != ExitInterrupted {
			t.Errorf("the engine ended with %v: %s", err, e.said.String())
		}
	})
	// Its address from now on.
	e.args = append(e.args, "--listen", e.url[strings.LastIndex(e.url, "/")+1:])
	return e
}

// newEngineNodes are n of them that hold replicas; url is that of all.
func newEngineNodes(t *testing.T, n int) (nodes []*engineProcess, url string) {
	t.Helper()
	peers, err := freeAddresses(n)
	if err != nil {
		t.Fatal(err)
	}
	var urls []string
	for i, peer := range peers {
		e := newEngineProcess(t, "--no-sync", "--name", fmt.Sprint("node", i), "--peer", peer, "--routes", strings.Join(peers, ","))
		nodes, urls = append(nodes, e), append(urls, e.url)
	}
	return nodes, strings.Join(urls, ",")
}

// start returns when clients can come.
func (e *engineProcess) start() {
	e.Helper()
	e.c = program(e.T, e.args...)
	e.said.Reset()
	e.c.Stderr = &e.said
	out, err := e.c.StdoutPipe()
	if err != nil {
		e.Fatal(err)
	}
	if err := e.c.Start(); err != nil {
		e.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = e.c.Wait()
		e.Fatalf("%v: %s", err, e.said.String())
	}
	e.url = strings.TrimSpace(line)
}

func (e *engineProcess) kill() {
	_ = e.c.Process.Signal(syscall.SIGKILL)
	_ = e.c.Wait()
}

// as gives the URL for a user.
func (e *engineProcess) as(user string) string {
	return strings.Replace(e.url, "://", "://"+user+"@", 1)
}

func (e *engineProcess) publish(subject string, from, to int) {
	e.Helper()
	conn := enginetest.Connect(e.T, e.url)
	defer conn.Close()
	for i := from; i < to; i++ {
		if _, err := conn.JS.Publish(e.Context(), subject, fmt.Appendf(nil, `{"id":%d,"pad":"%01000d"}`, i, i)); err != nil {
			e.Fatal(err)
		}
	}
}

// fill publishes until nothing more fits.
func (e *engineProcess) fill(subject string) {
	e.Helper()
	conn := enginetest.Connect(e.T, e.url)
	defer conn.Close()
	var err error
	for err == nil {
		_, err = conn.JS.Publish(e.Context(), subject, make([]byte, 1000))
	}
	if err = engine.Explain(subject, err); !errors.Is(err, engine.ErrFull) {
		e.Fatal(err)
	}
}
