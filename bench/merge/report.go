package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"holdfast/bench/machine"
)

// A report is RESULTS.md while it grows.
type report struct{ b bytes.Buffer }

func (r *report) printf(format string, args ...any) { fmt.Fprintf(&r.b, format, args...) }

func newReport(c *config, now time.Time) *report {
	r := &report{}
	r.printf("# holdfast's merging beside its peers\n\nWritten by `go run ./merge%s` in `bench/` on %s.\n", machine.Flags(), now.UTC().Format(time.DateOnly))
	r.printf("Medians of %d rounds in which the contestants took turns; files in the page cache, output to /dev/null.\n", c.rounds)
	r.printf("Ratios are medians of the ratios within each round. Outputs were compared before.\n")
	r.printf("\nMachine: %s, %s.\n", machine.Describe(), gnuVersion())
	r.printf("Load average when the run began: %s (more than the number of cores: the figures say more about the others).\n", machine.Load())
	return r
}

func gnuVersion() string {
	b, _ := exec.Command("sort", "--version").Output()
	line, _, _ := strings.Cut(string(b), "\n")
	return line
}

// merged tells of one shape.
func (r *report) merged(s shape, lines int, size int64, all []*contestant) {
	r.printf("\n## merge logs: %s\n\n%d lines of %d bytes on average, RFC 3339 times first.\n\n", s.name, lines, size/int64(lines))
	r.printf("| | wall s | fastest - slowest | CPU s | peak MB | MB/s | wall, times holdfast's |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	best := 0
	ratios := make([]float64, len(all))
	for i, p := range all {
		wall := sorted(p.costs, func(_ int, c cost) int64 { return int64(c.wall) })
		cpu := sorted(p.costs, func(_ int, c cost) int64 { return int64(c.cpu) })
		memory := sorted(p.costs, func(_ int, c cost) int64 { return c.memory })
		ratios[i] = median(sorted(p.costs, func(j int, c cost) float64 { return float64(c.wall) / float64(all[0].costs[j].wall) }))
		r.printf("| `%s` | %.3f | %.3f - %.3f | %.3f | %.0f | %.0f | %.2f |\n", p.name, seconds(median(wall)), seconds(wall[0]), seconds(wall[len(wall)-1]),
			seconds(median(cpu)), float64(memory[len(memory)-1])/1e6, float64(size)/1e6/seconds(median(wall)), ratios[i])
		if i >= peers && (best == 0 || ratios[i] < ratios[best]) {
			best = i
		}
	}
	r.printf("\nAgainst the fastest peer, `%s`: %.2f times as fast (target %s). Without looking for runs it takes %.2f times as long.\n", all[best].name, ratios[best], s.target, ratios[1])
}

func seconds(ns int64) float64 { return time.Duration(ns).Seconds() }
