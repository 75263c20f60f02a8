package match

import (
	"cmp"
	"container/heap"
	"slices"

	"holdfast/replay/tick"
)

// live is an event that leftover rows may belong to.
type live struct {
	*Event
	free  supply
	owned []int      // rows of each member
	in    *component // nil: no open component needs its slots
}

// edge is an event that a row may belong to.
type edge struct {
	to   *live
	cost cost  // without the slot
	rank int64 // place among the row's edges by |dt|, event time and id (R38)
}

// pending is a row on its way to a match.
type pending struct {
	Row
	edges  []edge  // that are solved for
	pruned []edge  // too dear; they count in posteriors only (R36)
	near   []*live // beyond the band but near enough for a rescue (R37)
}

// least is the cost of an edge if nobody else wanted the event.
func (m *model) least(e edge) cost { return e.cost + m.prior.nth(e.to.free, 0) }

// pruneCost is how much dearer than the row's cheapest an edge may be (R36).
const pruneCost = 4_605

// prune moves the dear edges aside.
func (m *model) prune(p *pending) {
	best := far
	for _, e := range p.edges {
		best = min(best, m.least(e))
	}
	kept := p.edges[:0:0]
	for _, e := range p.edges {
		if m.least(e) > best+pruneCost {
			p.pruned = append(p.pruned, e)
		} else {
			kept = append(kept, e)
		}
	}
	p.edges = kept
}

// component is a set of rows and events that compete for slots.
type component struct {
	rows   []*pending
	events []*live
	edges  int
	until  tick.Nanos // rows up to here may still join
	done   bool
	seq    int64 // age, to break ties
}

// absorb takes over the members of another component.
func (c *component) absorb(d *component) {
	for _, e := range d.events {
		e.in = c
	}
	c.rows = append(c.rows, d.rows...)
	c.events = append(c.events, d.events...)
	c.edges += d.edges
	c.until = max(c.until, d.until)
	d.done = true
}

// size decides which of two components absorbs the other.
func (c *component) size() int { return len(c.rows) + len(c.events) }

// order sorts the members by value, so that a solution does not depend on how
// the component came together.
func (c *component) order() {
	slices.SortFunc(c.rows, comparePending)
	slices.SortFunc(c.events, func(a, b *live) int { return compareEvents(a.Event, b.Event) })
}

func comparePending(a, b *pending) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Price, b.Price), cmp.Compare(a.N, b.N))
}

func compareEvents(a, b *Event) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), compareIDs(a.IDs[0], b.IDs[0]))
}

// agenda holds what waits for time to pass, earliest first.
type agenda []task

type task struct {
	due tick.Nanos
	seq int64
	run func()
}

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].due < a[j].due || a[i].due == a[j].due && a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(task)) }
func (a *agenda) Pop() any {
	n := len(*a) - 1
	x := (*a)[n]
	(*a)[n] = task{}
	*a = (*a)[:n]
	return x
}

func (a *agenda) at(due tick.Nanos, seq int64, run func()) { heap.Push(a, task{due, seq, run}) }
