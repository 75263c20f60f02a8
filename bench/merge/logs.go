package main

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// A shape is a set of files: lines of about 130 bytes in the order of the time
// at their front, spread over k files in runs of about so many.
type shape struct {
	k, run int
	name   string
	target string
}

var shapes = []shape{
	{16, 1, "16 files, random interleaving", "1.3"},
	{64, 1, "64 files, random interleaving", "2"},
	{16, 50, "16 files, runs of about 50 lines", "1.2"},
}

// generate writes the files of a shape and gives their paths; equal arguments
// give equal bytes. No time stands twice, so that all ways to sort agree.
func generate(dir string, s shape, lines int) (paths []string, bytes int64, err error) {
	dir = filepath.Join(dir, fmt.Sprintf("logs-%d-%d-%d", s.k, s.run, lines))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, 0, err
	}
	files := make([]*bufio.Writer, s.k)
	for i := range files {
		paths = append(paths, filepath.Join(dir, fmt.Sprintf("%02d.log", i)))
		f, err := os.Create(paths[i])
		if err != nil {
			return nil, 0, err
		}
		defer f.Close()
		files[i] = bufio.NewWriterSize(f, 1<<16)
	}
	r := rand.New(rand.NewPCG(uint64(s.k), uint64(s.run)))
	at := time.Date(2025, 7, 14, 9, 15, 0, 0, time.UTC)
	levels := []string{"INFO", "WARN", "DEBUG", "ERROR"}
	var line []byte
	for i, left, file := 0, 0, 0; i < lines; i++ {
		if left == 0 {
			file, left = r.IntN(s.k), 1
			if s.run > 1 {
				left += int(r.ExpFloat64()*float64(s.run-1) + 0.5)
			}
		}
		left--
		at = at.Add(time.Duration(1+int(r.ExpFloat64()*2000)) * time.Microsecond)
		line = at.AppendFormat(line[:0], "2006-01-02T15:04:05.000000Z")
		line = fmt.Appendf(line, " %s svc-%02d request id=%016x path=/v1/orders/%08d status=%d bytes=%d latency=%dus\n",
			levels[r.IntN(4)], file, r.Uint64(), r.IntN(1e8), 200+100*r.IntN(4), r.IntN(1e5), r.IntN(1e6))
		files[file].Write(line)
		bytes += int64(len(line))
	}
	for _, f := range files {
		if err := f.Flush(); err != nil {
			return nil, 0, err
		}
	}
	return paths, bytes, nil
}

// A contestant is one way to merge.
type contestant struct {
	name    string
	command []string // before the files
	after   []string // behind them
	costs   []cost
}

func mergeContestants(c *config, s shape) []*contestant {
	out := []string{"-o", "-", "--quiet"}
	gnu := func(flags ...string) *contestant {
		name := "sort"
		for _, f := range flags {
			name += " " + f
		}
		return &contestant{name: name, command: append([]string{"env", "LC_ALL=C", "sort"}, flags...)}
	}
	ours := []string{c.holdfast, "merge", "logs"}
	return []*contestant{
		{name: "holdfast merge logs --by 1", command: ours, after: append([]string{"--by", "1"}, out...)},
		{name: "the same, without looking for runs", command: ours, after: append([]string{"--by", "1", "--no-batch"}, out...)},
		{name: "holdfast merge logs --by 1:time", command: ours, after: append([]string{"--by", "1:time"}, out...)},
		{name: "holdfast merge logs --by 1 --dedupe 5", command: ours, after: append([]string{"--by", "1", "--dedupe", "5"}, out...)},
		gnu("-m"),
		gnu("-m", "-s", "-k1,1"),
		gnu("-m", fmt.Sprintf("--batch-size=%d", s.k)),
		gnu("-m", "-s", "-k1,1", fmt.Sprintf("--batch-size=%d", s.k)),
	}
}

// peers are where GNU sort begins among the contestants.
const peers = 4

func (p *contestant) args(paths []string) []string {
	all := append([]string{}, p.command...)
	return append(append(all, paths...), p.after...)
}

// mergeLogs measures merge logs on all shapes.
func mergeLogs(c *config, r *report) error {
	for _, s := range shapes {
		fmt.Fprintln(os.Stderr, s.name)
		paths, size, err := generate(c.dir, s, c.lines)
		if err != nil {
			return err
		}
		all := mergeContestants(c, s)
		if err := agree(all, paths); err != nil {
			return err
		}
		for round := range c.rounds {
			for i := range all {
				p := all[(i+round)%len(all)]
				took, err := measure(p.args(paths))
				if err != nil {
					return fmt.Errorf("%s: %w", p.name, err)
				}
				p.costs = append(p.costs, took)
			}
		}
		r.merged(s, c.lines, size, all)
	}
	return nil
}

// agree runs everybody once and compares what they give.
func agree(all []*contestant, paths []string) error {
	var want []byte
	for _, p := range all {
		args := p.args(paths)
		hash := md5.New()
		var words bytes.Buffer
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Stdout, cmd.Stderr = hash, &words
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w: %.300s", p.name, err, words.String())
		}
		if got := hash.Sum(nil); want == nil {
			want = got
		} else if !bytes.Equal(got, want) {
			return fmt.Errorf("%s gives another result than %s", p.name, all[0].name)
		}
	}
	return nil
}
