package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A part is a benchmark within a package of holdfast, which reaches what no
// other package can. Parts run in turns, each in a process of its own.
type part struct {
	pkg, bench string
	name       string
	costs      []partCost
}

type partCost struct {
	ns            float64
	bytes, allocs int64
}

func (p *part) median() partCost {
	all := slices.Clone(p.costs)
	slices.SortFunc(all, func(a, b partCost) int { return int(a.ns) - int(b.ns) })
	return all[len(all)/2]
}

// over is the median of the ratios within each round: the sum of some parts
// over p.
func (p *part) over(some ...*part) float64 {
	ratios := make([]float64, len(p.costs))
	for i, c := range p.costs {
		for _, s := range some {
			ratios[i] += s.costs[i].ns / c.ns
		}
	}
	slices.Sort(ratios)
	return median(ratios)
}

// build builds something of holdfast as a file in the folder of c.
func (c *config) build(name string, command ...string) (string, error) {
	dir, err := filepath.Abs(c.dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	binary, last := filepath.Join(dir, name), len(command)-1
	cmd := exec.Command("go", append(command[:last:last], "-o", binary, command[last])...)
	cmd.Dir = ".." // the module of holdfast
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go %s: %w: %.300s", strings.Join(command, " "), err, out)
	}
	return binary, nil
}

var benchLine = regexp.MustCompile(`(?m)^Benchmark\S+\s+\d+\s+([0-9.]+) ns/op(?:\s+(\d+) B/op\s+(\d+) allocs/op)?`)

// run runs the parts in turns.
func (c *config) run(parts []*part) error {
	binaries := map[string]string{}
	for _, p := range parts {
		if binaries[p.pkg] == "" {
			binary, err := c.build(filepath.Base(p.pkg)+".test", "test", "-c", p.pkg)
			if err != nil {
				return err
			}
			binaries[p.pkg] = binary
		}
	}
	for round := range c.rounds {
		for i := range parts {
			p := parts[(i+round)%len(parts)]
			out, err := exec.Command(binaries[p.pkg], "-test.run=^$", "-test.bench="+p.bench, "-test.benchtime=0.3s", "-test.benchmem").CombinedOutput()
			m := benchLine.FindAllSubmatch(out, -1)
			if err != nil || len(m) != 1 {
				return fmt.Errorf("%s %s gives %d results: %v: %.300s", p.pkg, p.bench, len(m), err, out)
			}
			cost := partCost{}
			cost.ns, _ = strconv.ParseFloat(string(m[0][1]), 64)
			cost.bytes, _ = strconv.ParseInt(string(m[0][2]), 10, 64)
			cost.allocs, _ = strconv.ParseInt(string(m[0][3]), 10, 64)
			p.costs = append(p.costs, cost)
		}
	}
	return nil
}

// digits measures the digit sort.
func digits(c *config, r *report) error {
	fmt.Fprintln(os.Stderr, "digit sort")
	r.printf("\n## digit sort of int32\n\nUniform values.\n\n")
	r.printf("| values | digits, ns a value | slices.Sort, ns a value | times as fast | target |\n| --- | --- | --- | --- | --- |\n")
	for _, n := range []int{5000, 1_000_000} {
		ours := &part{pkg: "./merge", bench: fmt.Sprintf("^BenchmarkSort$/^digits$/^%d$", n)}
		theirs := &part{pkg: "./merge", bench: fmt.Sprintf("^BenchmarkSort$/^slices$/^%d$", n)}
		if err := c.run([]*part{ours, theirs}); err != nil {
			return err
		}
		r.printf("| %d | %.1f | %.1f | %.1f | 3 |\n", n, ours.median().ns/float64(n), theirs.median().ns/float64(n), ours.over(theirs))
	}
	return nil
}

// codes measures the coder of sets.
func codes(c *config, r *report) error {
	fmt.Fprintln(os.Stderr, "set codes")
	const n = 1_000_000
	encode := &part{pkg: "./merge/setcode", bench: "^BenchmarkEncode$", name: "encode, counted"}
	decode := &part{pkg: "./merge/setcode", bench: "^BenchmarkDecode$", name: "decode, counted"}
	adaptive := &part{pkg: "./merge/setcode", bench: "^BenchmarkEncodeAdaptive$", name: "encode, adaptive"}
	sort := &part{pkg: "./merge/setcode", bench: "^BenchmarkSlicesSort$", name: "slices.Sort of the same values"}
	parts := []*part{encode, decode, adaptive, sort}
	if err := c.run(parts); err != nil {
		return err
	}
	r.printf("\n## codes of a set of 10^6 uniform int32\n\n| | ns a value | buffers allocated | bytes |\n| --- | --- | --- | --- |\n")
	for _, p := range parts {
		m := p.median()
		r.printf("| %s | %.1f | %d | %d |\n", p.name, m.ns/n, m.allocs, m.bytes)
	}
	r.printf("\nEncode and decode together take %.1f times as long as slices.Sort (target: at most 16).\n", sort.over(encode, decode))
	return nil
}

// idle measures a step that finds nothing new. Tests of merge and merge/runner
// see to it that it writes and allocates nothing; here is what it takes.
func idle(c *config, r *report) error {
	fmt.Fprintln(os.Stderr, "idle step")
	core := &part{pkg: "./merge", bench: "^BenchmarkIdle$", name: "of the core"}
	worker := &part{pkg: "./merge/runner", bench: "^BenchmarkIdle$", name: "of a worker on its files"}
	parts := []*part{core, worker}
	if err := c.run(parts); err != nil {
		return err
	}
	r.printf("\n## a step that finds nothing new\n\n| | ns | allocations |\n| --- | --- | --- |\n")
	for _, p := range parts {
		m := p.median()
		r.printf("| %s | %.0f | %d |\n", p.name, m.ns, m.allocs)
	}
	return nil
}
