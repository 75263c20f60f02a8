package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// engines are processes of holdfast engine: one, or three that are peers.
type engines struct {
	all  []*exec.Cmd
	urls string
	nc   *nats.Conn
	js   jetstream.JetStream
}

func (c *config) start(ctx context.Context, dir string, nodes int, more ...string) (*engines, error) {
	e := &engines{}
	routes, err := freeAddresses(nodes)
	if err != nil {
		return nil, err
	}
	var urls []string
	for i, peer := range routes {
		args := append([]string{"engine", "--dir", filepath.Join(dir, "node"+strconv.Itoa(i))}, more...)
		if nodes > 1 {
			args = append(args, "--name", "node"+strconv.Itoa(i), "--peer", peer, "--routes", strings.Join(routes, ","))
		}
		cmd := exec.CommandContext(ctx, c.holdfast, args...)
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		var words bytes.Buffer
		cmd.Stderr = &words
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		e.all = append(e.all, cmd)
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			e.stop()
			return nil, fmt.Errorf("engine %d: %w: %s", i, err, words.String())
		}
		urls = append(urls, strings.TrimSpace(line))
	}
	e.urls = strings.Join(urls, ",")
	if e.nc, err = nats.Connect(e.urls); err != nil {
		e.stop()
		return nil, err
	}
	if e.js, err = jetstream.New(e.nc, jetstream.WithPublishAsyncMaxPending(window), jetstream.WithPublishAsyncTimeout(5*time.Minute)); err != nil {
		e.stop()
		return nil, err
	}
	return e, nil
}

// freeAddresses are free when they are found.
func freeAddresses(n int) (all []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		all = append(all, l.Addr().String())
	}
	return all, nil
}

// stop ends the servers in order, so that their stores can be used again.
func (e *engines) stop() {
	if e.nc != nil {
		e.nc.Close()
	}
	for _, cmd := range e.all {
		_ = cmd.Process.Signal(os.Interrupt)
	}
	for _, cmd := range e.all {
		_ = cmd.Wait()
	}
}

// resident is the memory of the first server in bytes.
func (e *engines) resident() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.all[0].Process.Pid))
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(`VmRSS:\s*(\d+) kB`).FindSubmatch(b)
	if m == nil {
		return 0, fmt.Errorf("no VmRSS")
	}
	kb, err := strconv.ParseInt(string(m[1]), 10, 64)
	return kb << 10, err
}

// make makes a stream, however long the servers need to elect a leader.
func (e *engines) make(ctx context.Context, s jetstream.StreamConfig) (err error) {
	for range 100 {
		if _, err = e.js.CreateStream(ctx, s); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	return err
}
