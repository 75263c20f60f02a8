package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// cost is what one run took.
type cost struct {
	wall, cpu time.Duration
	memory    int64 // peak resident bytes
}

// starterFlag makes this program start a command, wait, and print its cost.
const starterFlag = "-start"

// measure runs a command with its output thrown away. Another process starts
// it and waits for it: Linux counts the memory of whoever starts a process as
// memory of that process.
func measure(command []string) (c cost, err error) {
	self, err := os.Executable()
	if err != nil {
		return cost{}, err
	}
	var report, words bytes.Buffer
	starter := exec.Command(self, append([]string{starterFlag}, command...)...)
	starter.Stdout, starter.Stderr = &report, &words
	if err := starter.Run(); err != nil {
		return cost{}, errors.New(strings.TrimSpace(words.String()))
	}
	_, err = fmt.Sscan(report.String(), (*int64)(&c.wall), (*int64)(&c.cpu), &c.memory)
	return c, err
}

// start is that process.
func start(command []string) (cost, error) {
	var words bytes.Buffer
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = &words // Stdout nil: /dev/null
	begin := time.Now()
	err := cmd.Run()
	c := cost{wall: time.Since(begin)}
	if err != nil {
		return c, fmt.Errorf("%w: %.300s", err, words.String())
	}
	c.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	c.memory = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss * 1024 // Linux counts KiB
	return c, nil
}

// sorted is one figure of all runs, ascending.
func sorted[N int64 | float64](costs []cost, figure func(i int, c cost) N) []N {
	all := make([]N, len(costs))
	for i, c := range costs {
		all[i] = figure(i, c)
	}
	slices.Sort(all)
	return all
}

func median[N int64 | float64](all []N) N { return all[len(all)/2] }
