package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// startEngine runs holdfast engine, which does not wait for the disk: what is
// compared is the way of a URL through the queue, not the disk's speed.
func startEngine(c *config) (*process, error) {
	dir, err := os.MkdirTemp(c.dir, "engine")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(c.binary, "engine", "--dir", dir, "--no-sync")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{stop: func() { cmd.Process.Signal(os.Interrupt); cmd.Wait() }}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("holdfast engine: %w", err)
	}
	p.url = strings.TrimSpace(url)
	return p, nil
}

// A cost is what one URL of a run took.
type cost struct{ wall, cpu time.Duration }

// queue measures fetch --queue beside fetch -i on the same list and server. All
// take turns in a round; each round of a queue is a job of its own.
func queue(c *config, url string, r *report) error {
	e, err := startEngine(c)
	if err != nil {
		return err
	}
	defer e.stop()
	list := filepath.Join(c.dir, "list")
	if err := os.WriteFile(list, []byte(strings.Repeat(url+"\n", c.requests)), 0o666); err != nil {
		return err
	}
	slots := fmt.Sprint(throughputConcurrency)
	fetch := func(log string, more ...string) []string {
		return append([]string{"fetch", "--log", filepath.Join(c.dir, log), "--summary", "", "--quiet", "--concurrency", slots, "--per-host", slots}, more...)
	}
	costs := map[string][]cost{}
	for n := range c.rounds {
		for _, p := range []struct {
			name string
			run  [][]string // processes at once
		}{
			{"fetch -i", [][]string{fetch("a", "-i", list)}},
			{"fetch enqueue", [][]string{{"fetch", "enqueue", "-i", list, "--queue", e.url, "--job", fmt.Sprint("one", n), "--quiet"}}},
			{"fetch --queue, one process", [][]string{fetch("a", "--queue", e.url, "--job", fmt.Sprint("one", n))}},
			{"", [][]string{{"fetch", "enqueue", "-i", list, "--queue", e.url, "--job", fmt.Sprint("two", n), "--quiet"}}},
			{"fetch --queue, two processes", [][]string{fetch("a", "--queue", e.url, "--job", fmt.Sprint("two", n)), fetch("b", "--queue", e.url, "--job", fmt.Sprint("two", n))}},
		} {
			took, err := c.together(p.run)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			costs[p.name] = append(costs[p.name], took)
		}
	}
	r.queue(costs)
	return nil
}

// together runs processes at once, and says what one of c.requests URLs took.
func (c *config) together(all [][]string) (cost, error) {
	for _, name := range []string{"a", "b"} {
		os.Remove(filepath.Join(c.dir, name))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var sum cost
	var failed error
	start := time.Now()
	for _, args := range all {
		wg.Go(func() {
			cmd := exec.Command(c.binary, args...)
			out, err := cmd.CombinedOutput()
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = fmt.Errorf("%w: %s", err, out)
				return
			}
			sum.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		})
	}
	wg.Wait()
	n := time.Duration(c.requests)
	return cost{time.Since(start) / n, sum.cpu / n}, failed
}
