package main

import (
	"bytes"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"
)

type report struct{ b bytes.Buffer }

func newReport(c *config) *report {
	r := &report{}
	fmt.Fprintf(&r.b, "# Fetch: side by side\n\n`go run ./fetch` in bench/, %s, %d cores, %d rounds of %d requests, keep-alive GET of %d bytes on loopback. The server has a session of its own, as a service does. The ratios count; the figures are this machine's.\n",
		time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), c.rounds, c.requests, bodySize)
	return r
}

func (r *report) bytes() []byte { return r.b.Bytes() }

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func (r *report) overhead(concurrency int, times, work map[string][]float64) {
	fmt.Fprintf(&r.b, "\n## Time per request, concurrency %d\n\n| | µs | holdfast takes | of processor, µs | holdfast takes |\n| --- | ---: | ---: | ---: | ---: |\n", concurrency)
	ours, oursWork := median(times["holdfast"]), median(work["holdfast"])
	for _, name := range []string{"barest loop", "loop with deadline and trace", "holdfast"} {
		t, w := median(times[name]), median(work[name])
		fmt.Fprintf(&r.b, "| %s | %.1f | %.2f | %.1f | %.2f |\n", name, t, ours/t, w, oursWork/w)
	}
}

func (r *report) throughput(rates, work map[string][]float64) {
	fmt.Fprintf(&r.b, "\n## Requests a second, whole programs, concurrency %d\n\n| | requests/s | of holdfast | of processor, µs a request |\n| --- | ---: | ---: | ---: |\n", throughputConcurrency)
	ours := median(rates["holdfast fetch"])
	for _, name := range slices.Sorted(maps.Keys(rates)) {
		fmt.Fprintf(&r.b, "| %s | %.0f | %.2f | ", name, median(rates[name]), median(rates[name])/ours)
		if work[name] == nil {
			r.b.WriteString("|\n")
		} else {
			fmt.Fprintf(&r.b, "%.1f |\n", median(work[name]))
		}
	}
	for _, name := range []string{"curl --parallel", "wrk (the server's ceiling)"} {
		if rates[name] == nil {
			fmt.Fprintf(&r.b, "\n%s: not installed.\n", name)
		}
	}
}

// queue tells what a URL costs, in the client's processes and by the clock.
func (r *report) queue(costs map[string][]cost) {
	fmt.Fprintf(&r.b, "\n## A job that processes share, concurrency %d\n\n| | URLs/s | of fetch -i | CPU µs a URL, clients |\n| --- | ---: | ---: | ---: |\n", throughputConcurrency)
	rate := func(name string) float64 {
		var all []float64
		for _, c := range costs[name] {
			all = append(all, 1/c.wall.Seconds())
		}
		return median(all)
	}
	plain := rate("fetch -i")
	for _, name := range []string{"fetch -i", "fetch enqueue", "fetch --queue, one process", "fetch --queue, two processes"} {
		var cpu []float64
		for _, c := range costs[name] {
			cpu = append(cpu, float64(c.cpu.Nanoseconds())/1000)
		}
		fmt.Fprintf(&r.b, "| %s | %.0f | %.2f | %.1f |\n", name, rate(name), rate(name)/plain, median(cpu))
	}
	r.b.WriteString("\nEngine, server and clients share the machine, so the engine's work is in the ratio; two processes cannot be faster than one here. The engine does not wait for the disk (`--no-sync`).\n")
}

// inner tells of parts that have targets of their own.
func (r *report) inner(figures map[string][]float64) {
	scan, decide := median(figures[scanBench]), median(figures[decideBench])
	plain, ledger := median(figures[plainBench]), median(figures[ledgerBench])
	r.b.WriteString("\n## Parts\n\n| | | target |\n| --- | ---: | ---: |\n")
	fmt.Fprintf(&r.b, "| %s | %.0f MB/s | at least 300 |\n", scanBench, scan)
	fmt.Fprintf(&r.b, "| %s | %.2f µs | at most 2 |\n", decideBench, decide/1000)
	fmt.Fprintf(&r.b, "| %s | %.1f µs | |\n| %s | %.1f µs | |\n", plainBench, plain/1000, ledgerBench, ledger/1000)
	fmt.Fprintf(&r.b, "| throughput that faults and ledger cost | %.0f %% | at most 15 |\n", (1-plain/ledger)*100)
	r.b.WriteString("\nThe first two on one core, from memory; the lab server and its eight connections a core share the machine.\n")
}

func (r *report) memory(c *config, peaks [10]int64, took time.Duration) {
	fmt.Fprintf(&r.b, "\n## Memory: %d URLs, concurrency 256, every second origin gated: %v\n\n%.0f URLs a second. Highest resident memory in each tenth of the list, MiB:\n\n|", c.memory, c.gated, float64(c.memory)/took.Seconds())
	for n := range peaks {
		fmt.Fprintf(&r.b, " %d |", n+1)
	}
	r.b.WriteString("\n|" + string(bytes.Repeat([]byte(" ---: |"), len(peaks))) + "\n|")
	for _, p := range peaks {
		fmt.Fprintf(&r.b, " %.0f |", float64(p)/(1<<20))
	}
	r.b.WriteString("\n")
}
