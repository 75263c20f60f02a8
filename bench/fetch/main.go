// Command fetch runs holdfast's fetch beside other HTTP clients against the same
// local server and writes RESULTS.md: time per request beside bare loops over
// net/http, throughput beside wrk, vegeta and curl, a job that processes share
// beside a plain list, parts that have targets of their own (resume, scheduler,
// lab server), and memory over a list of millions of URLs.
//
// All contestants take turns within each round, so that a noisy minute hits all
// of them; the median of the rounds counts. It promises nothing about another
// machine. It needs nginx, and shows wrk and curl where they are installed
// (Debian's packages have these names). In bench/:
//
//	go run ./fetch
//	go run ./fetch -memory 10000000 -rounds 0      the memory run alone
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

type config struct {
	rounds   int
	requests int // of one contestant in a round
	memory   int // URLs of the memory run
	gated    bool
	out      string
	dir      string
	binary   string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		serve()
		return
	}
	if len(os.Args) == 5 && os.Args[1] == "vegeta" {
		if err := runAttack(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "vegeta:", err)
			os.Exit(1)
		}
		return
	}
	var c config
	flag.IntVar(&c.rounds, "rounds", 7, "rounds in which the contestants take turns")
	flag.IntVar(&c.requests, "requests", 50_000, "requests of one contestant in a round")
	flag.IntVar(&c.memory, "memory", 1_000_000, "URLs of the memory run; 0: none")
	flag.BoolVar(&c.gated, "gated", false, "memory run: every second origin asks for a pause")
	flag.StringVar(&c.out, "out", "fetch/RESULTS.md", "file for the results")
	flag.Parse()
	if err := c.run(); err != nil {
		fmt.Fprintln(os.Stderr, "fetch:", err)
		os.Exit(1)
	}
}

func (c *config) run() (err error) {
	if c.dir, err = os.MkdirTemp("", "holdfast-fetch"); err != nil {
		return err
	}
	defer os.RemoveAll(c.dir)
	c.binary = filepath.Join(c.dir, "holdfast")
	build := exec.Command("go", "build", "-o", c.binary, "./cmd/holdfast")
	build.Dir, build.Stderr = "..", os.Stderr // in the module of holdfast
	if err := build.Run(); err != nil {
		return fmt.Errorf("building holdfast: %w", err)
	}
	r := newReport(c)
	if c.rounds > 0 {
		web, err := startNginx(c.dir)
		if err != nil {
			return err
		}
		defer web.stop()
		if err := overhead(c, web.url, r); err != nil {
			return err
		}
		if err := throughput(c, web.url, r); err != nil {
			return err
		}
		if err := queue(c, web.url, r); err != nil {
			return err
		}
		if err := inner(c, r); err != nil {
			return err
		}
	}
	if c.memory > 0 {
		if err := memory(c, r); err != nil {
			return err
		}
	}
	return os.WriteFile(c.out, r.bytes(), 0o666)
}
