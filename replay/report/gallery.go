package report

import (
	"maps"
	"slices"

	"holdfast/replay"
)

// Example is a duplicate with the case of its event, to tell a story of.
type Example struct {
	Case      replay.EventCase
	Duplicate replay.Duplicate
}

// Gallery chooses one worked example for each cause: the one of the best grade,
// of these the one whose row is most surely the event's, of these the first
// that was added. The zero value is ready. It never holds more than one
// example a cause.
type Gallery struct {
	best map[replay.Cause]Example
}

// Add offers the duplicates of one event. Nothing of c and f is kept but
// copies.
func (g *Gallery) Add(c *replay.EventCase, f *replay.Findings) {
	for i := range f.Duplicates {
		d := &f.Duplicates[i]
		if best, ok := g.best[d.Cause]; ok && !better(d, &best.Duplicate) {
			continue
		}
		if g.best == nil {
			g.best = map[replay.Cause]Example{}
		}
		g.best[d.Cause] = Example{Case: cloneCase(c), Duplicate: cloneDuplicate(d)}
	}
}

// better reports that d makes a clearer example than e.
func better(d, e *replay.Duplicate) bool {
	if d.Grade != e.Grade {
		return d.Grade > e.Grade
	}
	return d.Label > e.Label
}

// Examples are in the order of the table of causes (R50).
func (g *Gallery) Examples() []Example {
	var list []Example
	for _, c := range slices.Sorted(maps.Keys(g.best)) {
		list = append(list, g.best[c])
	}
	return list
}

func cloneCase(c *replay.EventCase) replay.EventCase {
	n := *c
	n.Attempts = slices.Clone(c.Attempts)
	n.Rows = slices.Clone(c.Rows)
	n.Quotes = slices.Clone(c.Quotes)
	return n
}

func cloneDuplicate(d *replay.Duplicate) replay.Duplicate {
	n := *d
	n.EventIDs = slices.Clone(d.EventIDs)
	n.Also = slices.Clone(d.Also)
	n.Alternatives = slices.Clone(d.Alternatives)
	n.Attempts = slices.Clone(d.Attempts)
	n.EventAlternatives = slices.Clone(d.EventAlternatives)
	return n
}
