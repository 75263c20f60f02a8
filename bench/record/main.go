// Command record runs the recorder's journal beside other write-ahead logs and
// writes RESULTS.md: appending at each durability level, scanning, the whole
// recorder, and what each journal makes of the same damage to its files.
//
// All contestants take turns within each round, so that a noisy minute hits
// all of them; the median of the rounds counts. It promises nothing about
// another machine or disk. In bench/:
//
//	go run ./record
package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"
)

const recordSize = 64 // bytes of a record, its number included

type config struct {
	rounds  int
	records int           // of the scanned journal
	slice   time.Duration // that one contestant appends in one round
	growth  int           // packets of the longest stream whose growth is looked at
	trials  int           // positions of each kind of damage
	dir     string
	out     string
	only    string // the one step to run; its results go to standard output
	level   string // part of the name of the levels to append at
	journal string // part of the name of the peers that take part
}

func main() {
	var c config
	flag.IntVar(&c.rounds, "rounds", 10, "rounds in which the contestants take turns")
	flag.IntVar(&c.records, "records", 1_000_000, "records of the journal that is scanned")
	flag.DurationVar(&c.slice, "slice", 150*time.Millisecond, "time that a contestant appends in a round, at one level")
	flag.IntVar(&c.trials, "trials", 20, "positions at which bits are flipped")
	flag.IntVar(&c.growth, "growth", 10_000_000, "packets of the longest stream whose growth is looked at")
	flag.StringVar(&c.dir, "dir", "", "folder on the disk to measure; empty: the one for temporary files")
	flag.StringVar(&c.out, "out", "record/RESULTS.md", "file for the results")
	flag.StringVar(&c.only, "only", "", "run one step, append, scan, whole, asked, limits or damage, and print its results instead")
	flag.StringVar(&c.level, "level", "", "append only at the levels whose names hold this")
	flag.StringVar(&c.journal, "journal", "", "measure only peers whose names hold this")
	flag.Parse()
	if err := c.run(); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func (c *config) run() (err error) {
	if c.dir, err = os.MkdirTemp(c.dir, "holdfast-record"); err != nil {
		return err
	}
	defer os.RemoveAll(c.dir)
	all := contestants()
	ours := all[0]
	all = slices.DeleteFunc(all, func(p *contestant) bool { return p != ours && !strings.Contains(p.name, c.journal) })
	r := newReport(c, all)
	for _, s := range []step{{"append", appendAll}, {"scan", scanAll}, {"whole", endToEnd}, {"asked", askedPerNeeded}, {"limits", limits}, {"damage", faults}} {
		if c.only != "" && c.only != s.name {
			continue
		}
		if err := s.run(c, all, r); err != nil {
			return err
		}
	}
	if c.only != "" {
		_, err = os.Stdout.Write(r.bytes())
		return err
	}
	return os.WriteFile(c.out, r.bytes(), 0o666)
}

// A step measures one thing and writes its part of the report.
type step struct {
	name string
	run  func(*config, []*contestant, *report) error
}

// record is the one with a number: the number and bytes that follow from it.
func record(dst []byte, n uint64) []byte {
	rng := rand.NewPCG(n, 1)
	dst = binary.LittleEndian.AppendUint64(dst, n)
	for range recordSize/8 - 1 {
		dst = binary.LittleEndian.AppendUint64(dst, rng.Uint64())
	}
	return dst
}

// batchOf is the records from first on.
func batchOf(first uint64, n int) [][]byte {
	b := make([][]byte, n)
	for i := range b {
		b[i] = record(nil, first+uint64(i))
	}
	return b
}
