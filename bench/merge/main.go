// Command merge runs holdfast's merging beside its peers and writes
// RESULTS.md: merge logs beside GNU sort -m, the digit sort and the codes of
// merge pair beside slices.Sort, its messages beside the information bound, and
// its default strategy beside the naive one.
//
// Contestants must give the same bytes before their time counts. They take
// turns within each round, in an order that changes from round to round, so
// that a noisy minute hits all of them; the median of the rounds counts, and
// of the ratios within each round. It promises nothing about another machine.
// What it needs: GNU sort. In bench/:
//
//	go run ./merge
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

type config struct {
	holdfast string
	rounds   int
	lines    int
	dir      string
	out      string
}

// sections are the parts of the report, in their order.
var sections = []func(*config, *report) error{mergeLogs, digits, codes, bound, pairs, idle}

func main() {
	if len(os.Args) > 2 && os.Args[1] == starterFlag {
		c, err := start(os.Args[2:])
		fail(err)
		fmt.Println(int64(c.wall), int64(c.cpu), c.memory)
		return
	}
	var c config
	flag.StringVar(&c.holdfast, "holdfast", "", "the program to measure (default: built from this checkout)")
	flag.IntVar(&c.rounds, "rounds", 11, "rounds in which the contestants take turns")
	flag.IntVar(&c.lines, "lines", 2_000_000, "lines in all files together")
	flag.StringVar(&c.dir, "dir", "data", "folder for the files")
	flag.StringVar(&c.out, "out", "merge/RESULTS.md", "file for the results")
	flag.Parse()
	fail(c.report())
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "merge:", err)
		os.Exit(1)
	}
}

func (c *config) report() (err error) {
	if c.holdfast == "" {
		c.holdfast, err = c.build("holdfast", "build", "./cmd/holdfast")
	} else {
		c.holdfast, err = filepath.Abs(c.holdfast)
	}
	if err != nil {
		return err
	}
	r := newReport(c, time.Now())
	for _, section := range sections {
		if err := section(c, r); err != nil {
			return err
		}
	}
	return os.WriteFile(c.out, r.b.Bytes(), 0o666)
}
