package main

import (
	"bytes"
	"fmt"
	"strings"
)

// results are all tables of a run.
type results struct {
	machine     string
	contestants []contestant
	runs        int
	tables      []table
}

func (r *results) markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# holdfast dedupe beside its peers

Written by `+"`go run . -runs %d`"+` in `+"`bench/`"+` (see main.go for what it needs). Times are medians of %d
runs in which the contestants took turns, warm cache, all cores; memory is the peak resident set of the process, of a
pipeline that of its largest one. Every result was compared with one made by a plain map before its time counted.
Each peer runs in the fastest of its formulations, which were tried once each (last tables). holdfast also syncs its
output to the disk before it renames it; the peers do not.

Machine: %s.

`, r.runs, r.runs, r.machine)
	for _, c := range r.contestants {
		fmt.Fprintf(&b, "- %s: %s\n", c.name, versionOf(c))
	}
	for _, t := range r.tables {
		t.write(&b)
	}
	b.WriteString("\n## All formulations, one run each\n\n| job | rows | contestant | formulation | wall s | CPU s | peak MB | |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, t := range r.tables {
		for _, e := range t.entries {
			for _, h := range e.heats {
				fmt.Fprintf(&b, "| %s | %d | %s | %s | %.2f | %.2f | %d | %s |\n",
					t.job.name, t.rows, e.name, h.formulation, h.wall.Seconds(), h.cpu.Seconds(), h.memory>>20, inCell(h.fault))
			}
		}
	}
	return b.Bytes()
}

// write adds the table of one job, with what the targets ask for.
func (t *table) write(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n## %s, %d rows (%.0f MB)\n\n%s.\n\n", t.job.name, t.rows, float64(t.bytes)/1e6, strings.ToUpper(t.job.what[:1])+t.job.what[1:])
	b.WriteString("| contestant | formulation | wall s | fastest - slowest | CPU s | peak MB | runs |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	var fastest *entry
	for i, e := range t.entries {
		if e.fault != "" {
			fmt.Fprintf(b, "| %s | %s | out: %s | | | | |\n", e.name, e.formulation.name, inCell(e.fault))
			continue
		}
		m := median(e.runs)
		low, high := m.wall, m.wall
		for _, r := range e.runs {
			low, high = min(low, r.wall), max(high, r.wall)
		}
		fmt.Fprintf(b, "| %s | %s | %.2f | %.2f - %.2f | %.2f | %d | %d |\n",
			e.name, e.formulation.name, m.wall.Seconds(), low.Seconds(), high.Seconds(), m.cpu.Seconds(), m.memory>>20, len(e.runs))
		if i > 0 && (fastest == nil || m.wall < median(fastest.runs).wall) {
			fastest = e
		}
	}
	if own := t.entries[0]; fastest != nil && own.fault == "" {
		ours, peer := median(own.runs), median(fastest.runs)
		fmt.Fprintf(b, "\nAgainst the fastest peer (%s): %.1f times its speed (target 1.5), %.2f of its memory (target 0.25).\n",
			fastest.name, peer.wall.Seconds()/ours.wall.Seconds(), float64(ours.memory)/float64(peer.memory))
	}
}

func inCell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ").Replace(s)
}
