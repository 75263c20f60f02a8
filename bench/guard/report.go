package main

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"holdfast/bench/machine"
)

// A report is RESULTS.md while it grows.
type report struct{ b bytes.Buffer }

func (r *report) printf(format string, args ...any) { fmt.Fprintf(&r.b, format, args...) }

func newReport(c *config, now time.Time) *report {
	r := &report{}
	r.printf("# holdfast guard beside plain publish loops\n\nWritten by `go run ./guard%s` in `bench/` on %s; again with `make bench-guard`.\n", machine.Flags(), now.UTC().Format(time.DateOnly))
	r.printf("Medians of %d round(s) in which the contestants took turns, servers and contestants on one machine. Ratios are medians of the ratios within each round.\n", c.rounds)
	r.printf("A rate is taken from the times of the sink's first and last message; each sink was counted before.\n")
	r.printf("\nMachine: %s.\n", machine.Describe())
	r.printf("Load average when the run began: %s.\n", machine.Load())
	if machine.Busy() {
		r.printf("\n**The machine was busy: these figures are not final. Write them again on a quiet one.**\n")
	}
	return r
}

// rates tells of one race; publish and blind are those by which the others are
// measured.
func (r *report) rates(title string, keys int, all []*contestant, publish, blind int) {
	r.printf("\n## %s\n\n%d keys in messages of %d bytes.\n\n", title, keys, len(body(1)))
	r.printf("| | keys/s | slowest - fastest | CPU µs a key | of publishing with a window | of relaying without keys |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, p := range all {
		cpu := "-"
		if c := median(p.cpus); c > 0 {
			cpu = fmt.Sprintf("%.1f", c)
		}
		r.printf("| %s | %.0f | %.0f - %.0f | %s | %.2f | %.2f |\n", p.name, median(p.rates), slices.Min(p.rates), slices.Max(p.rates), cpu, ratio(p, all[publish]), ratio(p, all[blind]))
	}
}

func (r *report) memory(mode string, keys int, m remembered) {
	kib := func(b int64) string { return fmt.Sprintf("%.2f", float64(b)/1024/float64(keys)) }
	r.printf("\n## Memory of the server, `--mode %s`\n\n%d keys in one sink, one server.\n\n| | MiB | KiB a key |\n| --- | --- | --- |\n", mode, keys)
	r.printf("| without keys | %d | - |\n", m.empty>>20)
	r.printf("| right after they came, message ids and caches among them | %d | %s |\n", m.fresh>>20, kib(m.fresh-m.empty))
	r.printf("| after a restart | %d | %s |\n", m.restarted>>20, kib(m.restarted-m.empty))
	r.printf("| on disk | %d | %s |\n", m.disk>>20, kib(m.disk))
}

// ratio is the median over the rounds of a's rate in b's.
func ratio(a, b *contestant) float64 {
	var all []float64
	for i := range a.rates {
		all = append(all, a.rates[i]/b.rates[i])
	}
	return median(all)
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
