package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// entry is a contestant in a contest, with the formulation that was fastest.
type entry struct {
	name string
	formulation
	heats []heat
	runs  []cost
	fault string // why it is out; "" if it is not
}

// heat is the one run of a formulation that decides which one enters.
type heat struct {
	formulation string
	cost
	fault string
}

// table is the outcome of one job on one file.
type table struct {
	job     job
	rows    int
	bytes   int64
	entries []*entry
}

// contest runs one job on one file.
func (c *config) contest(j job, in string, rows int, all []contestant) (table, error) {
	info, err := os.Stat(in)
	if err != nil {
		return table{}, err
	}
	t := table{job: j, rows: rows, bytes: info.Size()}
	want, err := expect(j, in)
	if err != nil {
		return table{}, err
	}
	for _, contestant := range all {
		t.entries = append(t.entries, c.heats(j, in, contestant, want))
	}
	for run := range c.runs {
		for _, e := range t.entries {
			if e.fault != "" || run > 0 && e.slow(t.entries[0]) {
				continue
			}
			cost, err := c.once(e.formulation, j, in, want)
			if err != nil {
				e.fault = err.Error()
				continue
			}
			e.runs = append(e.runs, cost)
		}
	}
	return t, nil
}

// slow spares the machine a second run of what one run has settled.
func (e *entry) slow(holdfast *entry) bool {
	return len(e.runs) > 0 && len(holdfast.runs) > 0 && e.runs[0].wall > 20*holdfast.runs[0].wall
}

// heats runs each formulation of the job once.
func (c *config) heats(j job, in string, of contestant, want digest) *entry {
	e := &entry{name: of.name, fault: "no formulation"}
	best := -1
	for _, f := range of.formulations {
		if !strings.HasPrefix(f.name, j.kind) {
			continue
		}
		h := heat{formulation: f.name}
		var err error
		if h.cost, err = c.once(f, j, in, want); err != nil {
			h.fault = err.Error()
			e.fault = h.fault
		}
		fmt.Fprintf(os.Stderr, "  %-12s %-28s %8.2f s %6d MB %s\n", of.name, f.name, h.wall.Seconds(), h.memory>>20, h.fault)
		e.heats = append(e.heats, h)
		if err == nil && (best < 0 || h.wall < e.heats[best].wall) {
			best, e.formulation = len(e.heats)-1, f
		}
	}
	if best >= 0 {
		e.fault = ""
	}
	return e
}

// once runs a formulation and compares its result with the expected one.
func (c *config) once(f formulation, j job, in string, want digest) (cost, error) {
	out := filepath.Join(c.dir, "out.csv")
	os.Remove(out) // nobody gains or loses by an old file
	took, err := measure(f.command(in, out))
	if err != nil {
		return took, err
	}
	got, err := digestOf(j, out)
	if err == nil && got != want {
		err = fmt.Errorf("wrong result: %d lines, expected %d", got.lines, want.lines)
	}
	return took, err
}
