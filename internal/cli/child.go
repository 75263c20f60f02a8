package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
)

// A child is a process of this binary.
type child struct {
	cmd   *exec.Cmd
	ready chan struct{} // closed when it says that it works
	gone  chan struct{} // closed at its end

	mu   sync.Mutex
	line string // its latest
}

func (a *app) start(given ...string) (*child, error) {
	cmd, err := tiedProcess(context.Background(), given...)
	if err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, ready: make(chan struct{}), gone: make(chan struct{})}
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.cmd.Stdout, c.cmd.Stderr = in, in
	err = c.cmd.Start()
	in.Close()
	if err != nil {
		out.Close()
		return nil, err
	}
	go c.read(out)
	return c, nil
}

// read keeps the latest line, and waits for the one that says that it works.
func (c *child) read(out io.ReadCloser) {
	defer out.Close()
	lines, ready := bufio.NewScanner(out), false
	for lines.Scan() {
		c.mu.Lock()
		c.line = lines.Text()
		c.mu.Unlock()
		if !ready && (strings.HasPrefix(c.last(), "holdfast: relaying ") || strings.HasPrefix(c.last(), "nats://")) {
			ready = true
			close(c.ready)
		}
	}
	_ = c.cmd.Wait()
	close(c.gone)
}

func (c *child) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.line
}

// wait returns when the child works.
func (c *child) wait(ctx context.Context) error {
	select {
	case <-c.ready:
		return nil
	case <-c.gone:
		return c.ended()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ended is the child's last word if it is gone.
func (c *child) ended() error {
	select {
	case <-c.gone:
		return fmt.Errorf("%v: %s", c.cmd.ProcessState, c.last())
	default:
		return nil
	}
}

// kill is kill -9, and returns when it is done.
func (c *child) kill() {
	_ = c.cmd.Process.Signal(syscall.SIGKILL)
	<-c.gone
}

func killAll(all []*child) {
	for _, c := range all {
		c.kill()
	}
}
