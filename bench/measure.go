package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cost is what one run took.
type cost struct {
	wall   time.Duration
	cpu    time.Duration // of all its processes
	memory int64         // peak resident bytes; of a pipeline, its largest process
}

// memoryLimit ends a contestant that would take the machine down.
const memoryLimit = 12 << 30

// measure runs a command. Another process starts it and waits for it: Linux
// counts the memory of whoever starts a process as memory of that process.
func measure(command []string) (cost, error) {
	self, err := os.Executable()
	if err != nil {
		return cost{}, err
	}
	var report, words bytes.Buffer
	starter := exec.Command(self, append([]string{starterFlag}, command...)...)
	starter.Stdout, starter.Stderr = &report, &words
	if err := starter.Run(); err != nil {
		return cost{}, errors.New(strings.TrimPrefix(strings.TrimSpace(words.String()), "bench: "))
	}
	var c cost
	_, err = fmt.Sscan(report.String(), (*int64)(&c.wall), (*int64)(&c.cpu), &c.memory)
	return c, err
}

// starterFlag makes this program start a command, wait, and print its cost.
const starterFlag = "-start"

// start is that process.
func start(command []string) (cost, error) {
	var words bytes.Buffer
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = &words, &words
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return cost{}, err
	}
	done := make(chan struct{})
	exceeded := make(chan bool, 1)
	go func() { exceeded <- watch(cmd.Process.Pid, done) }()
	err := cmd.Wait()
	c := cost{wall: time.Since(begin)}
	close(done)
	if <-exceeded {
		return c, fmt.Errorf("more than %d GiB of memory", memoryLimit>>30)
	}
	if err != nil {
		return c, fmt.Errorf("%w: %.300s", err, words.String())
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	c.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	c.memory = usage.Maxrss * 1024 // Linux counts KiB, and the largest of the processes waited for
	return c, nil
}

// watch kills the process group of pid if one of its processes grows beyond
// memoryLimit.
func watch(pid int, done <-chan struct{}) bool {
	for {
		select {
		case <-done:
			return false
		case <-time.After(200 * time.Millisecond):
		}
		if residentOfGroup(pid) > memoryLimit {
			syscall.Kill(-pid, syscall.SIGKILL)
			return true
		}
	}
}

// residentOfGroup is the resident memory of the largest process of a group.
func residentOfGroup(group int) (most int64) {
	processes, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, p := range processes {
		if _, err := strconv.Atoi(p.Name()); err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + p.Name() + "/stat")
		if err != nil {
			continue
		}
		// pid (name) state ppid pgrp ...; field 24 is the resident set in pages.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) < 22 || fields[2] != strconv.Itoa(group) {
			continue
		}
		pages, _ := strconv.ParseInt(fields[21], 10, 64)
		most = max(most, pages*int64(os.Getpagesize()))
	}
	return most
}

// median of the runs, each figure by itself.
func median(runs []cost) cost {
	middle := func(figure func(cost) int64) int64 {
		all := make([]int64, len(runs))
		for i, r := range runs {
			all[i] = figure(r)
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return cost{
		wall:   time.Duration(middle(func(c cost) int64 { return int64(c.wall) })),
		cpu:    time.Duration(middle(func(c cost) int64 { return int64(c.cpu) })),
		memory: middle(func(c cost) int64 { return c.memory }),
	}
}
