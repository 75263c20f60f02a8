package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// An innerBench is a benchmark of one of holdfast's packages.
type innerBench struct {
	what, pkg, name string
	cores           int
	unit            string // of its figure
}

const (
	scanBench   = "resume: reading the log"
	decideBench = "scheduler: one decision, 100,000 URLs waiting at 10,000 origins"
	plainBench  = "lab server: go-httpbin alone, a request"
	ledgerBench = "lab server: with faults and ledger, a request"
)

var innerBenches = []innerBench{
	{scanBench, "./fetch", "BenchmarkResumeScan", 1, "MB/s"},
	{decideBench, "./fetch/pace", "BenchmarkDecision", 1, "ns/op"},
	{plainBench, "./lab/flakyhttp", "BenchmarkGet/go-httpbin", 2, "ns/op"},
	{ledgerBench, "./lab/flakyhttp", "BenchmarkGet/with-ledger", 2, "ns/op"},
}

// inner runs benchmarks of parts that no other program has, in turns.
func inner(c *config, r *report) error {
	figures := map[string][]float64{}
	built := map[string]string{}
	for range c.rounds {
		for _, b := range innerBenches {
			if built[b.pkg] == "" {
				binary, err := c.testBinary(b.pkg)
				if err != nil {
					return err
				}
				built[b.pkg] = binary
			}
			figure, err := b.run(c, built[b.pkg])
			if err != nil {
				return fmt.Errorf("%s: %w", b.name, err)
			}
			figures[b.what] = append(figures[b.what], figure)
		}
	}
	r.inner(figures)
	return nil
}

func (c *config) testBinary(pkg string) (string, error) {
	binary := filepath.Join(c.dir, filepath.Base(pkg)+".test")
	build := exec.Command("go", "test", "-c", "-o", binary, pkg)
	build.Dir, build.Stderr = "..", os.Stderr // in the module of holdfast
	return binary, build.Run()
}

func (b *innerBench) run(c *config, binary string) (float64, error) {
	cmd := exec.Command(binary, "-test.run", "^$", "-test.bench", "^"+b.name+"$", "-test.benchtime", "1s", "-test.cpu", strconv.Itoa(b.cores))
	cmd.Dir, cmd.Stderr = c.dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(`\s([0-9.]+) ` + regexp.QuoteMeta(b.unit)).FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("no %s in %q", b.unit, out)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}
