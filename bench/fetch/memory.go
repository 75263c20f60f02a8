package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// memory fetches a list that comes down a pipe, and looks at the resident memory
// of the process all the time.
func memory(c *config, r *report) error {
	server, err := startResponder(c.gated)
	if err != nil {
		return err
	}
	defer server.stop()
	summary := filepath.Join(c.dir, "memory.json")
	cmd := exec.Command(c.binary, "fetch", "-i", "-", "--log", filepath.Join(c.dir, "memory.jsonl"), "--summary", summary, "--quiet",
		"--concurrency", "256", "--per-host", "256")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	sent := make(chan int, 1)
	go write(in, server.url, c.memory, sent)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var peaks [10]int64 // of each tenth of the list
	written := 0
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		select {
		case n := <-sent:
			written = n
		case <-tick.C:
			tenth := min(written*10/c.memory, 9)
			peaks[tenth] = max(peaks[tenth], resident(cmd.Process.Pid))
		case err := <-ended:
			if err != nil {
				return err
			}
			return done(c, r, summary, peaks, time.Since(start))
		}
	}
}

// write sends URLs of sixteen hosts, all of them this machine.
func write(in io.WriteCloser, base string, n int, sent chan int) {
	defer in.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(base, "http://"), ":")
	w := bufio.NewWriter(in)
	for i := range n {
		if _, err := fmt.Fprintf(w, "http://127.0.0.%d:%s/page/%d\n", i%16+1, port, i); err != nil {
			return
		}
		if i%1000 == 0 {
			select {
			case <-sent:
			default:
			}
			sent <- i
		}
	}
	w.Flush()
}

// resident is the memory of a process, in bytes; 0 if it cannot be seen.
func resident(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	var size, pages int64
	fmt.Sscan(string(text), &size, &pages)
	return pages * int64(os.Getpagesize())
}

func done(c *config, r *report, summary string, peaks [10]int64, took time.Duration) error {
	text, err := os.ReadFile(summary)
	if err != nil {
		return err
	}
	var s struct {
		Total      int `json:"total_urls"`
		Successful int
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	if s.Total != c.memory || s.Successful != c.memory {
		return fmt.Errorf("%d of %d succeeded, want %d", s.Successful, s.Total, c.memory)
	}
	r.memory(c, peaks, took)
	return nil
}
