// Command bench runs holdfast dedupe and its peers side by side on generated
// files of the dmr2025 shape, and writes what it measured to RESULTS.md.
//
// Two jobs: keep the last row of each (symbol, timestamp), CSV to CSV; and list
// each repeated key with its count and max - min of the price. A contestant's
// result is compared with one made by a plain Go map before its time counts.
// Each peer first runs each of its formulations once; its fastest one enters.
// Then all contestants take turns, so that a noisy minute hits all of them.
//
// It promises nothing about another machine. What it needs (in Debian: miller,
// mawk, nodejs, npm):
//
//	go build -o bench/data/holdfast ./cmd/holdfast
//	npm ci --prefix bench
//	cd bench && go run . -holdfast data/holdfast
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"holdfast/bench/machine"
)

type config struct {
	holdfast string
	rows     []int
	runs     int
	dir      string
	out      string
	only     string
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == starterFlag {
		took, err := start(os.Args[2:])
		fail(err)
		fmt.Println(int64(took.wall), int64(took.cpu), took.memory)
		return
	}
	var c config
	rows := flag.String("rows", "1000000,10000000", "sizes of the files, in rows")
	flag.StringVar(&c.holdfast, "holdfast", "data/holdfast", "the program to measure")
	flag.IntVar(&c.runs, "runs", 5, "runs of each contestant; the median counts")
	flag.StringVar(&c.dir, "dir", "data", "folder for the files")
	flag.StringVar(&c.out, "out", "RESULTS.md", "file for the results")
	flag.StringVar(&c.only, "only", "", "contestants to run besides holdfast, as DuckDB,Polars; empty: all")
	flag.Parse()
	err := c.parseRows(*rows)
	if err == nil {
		err = c.run()
	}
	fail(err)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (c *config) parseRows(list string) error {
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return fmt.Errorf("-rows %s: not a number of rows", s)
		}
		c.rows = append(c.rows, n)
	}
	return nil
}

func (c *config) run() error {
	if err := os.MkdirAll(c.dir, 0o777); err != nil {
		return err
	}
	holdfast, err := filepath.Abs(c.holdfast)
	if err != nil {
		return err
	}
	all := contestants(holdfast, c.only)
	r := results{machine: machine.Describe(), contestants: all, runs: c.runs}
	for _, rows := range c.rows {
		in := filepath.Join(c.dir, fmt.Sprintf("rows-%d.csv", rows))
		if err := generate(in, rows); err != nil {
			return err
		}
		for _, j := range jobs {
			fmt.Fprintf(os.Stderr, "%s, %d rows\n", j.name, rows)
			t, err := c.contest(j, in, rows, all)
			if err != nil {
				return err
			}
			r.tables = append(r.tables, t)
			if err := os.WriteFile(c.out, r.markdown(), 0o666); err != nil {
				return err
			}
		}
	}
	return nil
}
