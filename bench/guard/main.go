// Command guard runs holdfast guard beside plain publish loops on the same
// engine and the same messages, and writes RESULTS.md: keys a second for 1, 2
// and 4 relays, and what a key costs the server in memory.
//
// A loop that publishes does less than a relay: it reads no source, knows no
// keys, acknowledges nothing. So it says what the engine can take, and the loop
// that relays without looking says what the reading costs. Rates are taken from
// the times at which the sink stored its first and its last message. The
// contestants take turns within each round, in an order that changes from round
// to round; medians of the rounds count, and of the ratios within each round.
// Each must have stored every key once before its time counts. It promises
// nothing about another machine, and on one that does other work its figures
// say little. What it needs, in bench/:
//
//	go build -o data/holdfast ../cmd/holdfast
//	go run ./guard
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

type config struct {
	holdfast string
	rounds   int
	keys     int
	stored   int
	nodes    int
	dir      string
	out      string
}

// sections are the parts of the report, in their order.
var sections = []func(context.Context, *config, *report) error{
	func(ctx context.Context, c *config, r *report) error { return rates(ctx, c, r, 1, c.keys) },
	func(ctx context.Context, c *config, r *report) error {
		if c.nodes < 3 {
			return nil
		}
		return rates(ctx, c, r, 3, c.keys/4)
	},
	synced,
	memory,
}

func main() {
	var c config
	flag.StringVar(&c.holdfast, "holdfast", "data/holdfast", "the program to measure")
	flag.IntVar(&c.rounds, "rounds", 5, "rounds in which the contestants take turns")
	flag.IntVar(&c.keys, "keys", 100_000, "keys that each relays")
	flag.IntVar(&c.stored, "stored", 1_000_000, "keys in the sink whose memory is measured")
	flag.IntVar(&c.nodes, "nodes", 3, "3: measure three servers with three replicas too; 1: one server only")
	flag.StringVar(&c.dir, "dir", "data/guard", "folder for the stores")
	flag.StringVar(&c.out, "out", "guard/RESULTS.md", "file for the results")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := c.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "guard:", err)
		os.Exit(1)
	}
}

func (c *config) run(ctx context.Context) (err error) {
	if c.holdfast, err = filepath.Abs(c.holdfast); err != nil {
		return err
	}
	if err := os.MkdirAll(c.dir, 0o777); err != nil {
		return err
	}
	r := newReport(c, time.Now())
	for _, section := range sections {
		if err := section(ctx, c, r); err != nil {
			return err
		}
	}
	return os.WriteFile(c.out, r.b.Bytes(), 0o666)
}
