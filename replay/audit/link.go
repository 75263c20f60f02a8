package audit

import (
	"iter"

	"holdfast/replay"
	"holdfast/replay/match"
)

// linked is what matching says of every row.
type linked struct {
	byOwner *table[replay.Match] // rows with an event, by owner and N
	orphans *table[replay.Match] // rows without, by N
	totals  match.Totals
	grouped bitset // the rows that share their (symbol, time) with another row
}

// link finds the event of every row: equal rows first (R30), then, by what
// those teach, the others (R31-R38).
func (a *audit) link() error {
	bySymbol := newTable(a.w, keyCaseEvent, encodeCase, decodeCase)
	for c := range a.joined.all() {
		if !c.Unknown {
			bySymbol.add(c)
		}
	}
	cases := bySymbol.done()
	defer cases.close()

	byOwner := newTable(a.w, keyMatchOwner, encodeMatch, decodeMatch)
	orphans := newTable(a.w, keyMatchN, encodeMatch, decodeMatch)
	emit := func(m replay.Match) {
		if m.Owner == "" {
			orphans.add(m)
		} else {
			byOwner.add(m)
		}
	}

	slots, leftover, anchors := a.exact(cases, emit)
	clock, located := a.locate(leftover, anchors)
	items := merge(slots.all(), located.all(),
		func(v match.Event) match.Item { return match.Item{Event: &v} },
		func(r match.Row) match.Item { return match.Item{Row: &r} },
		func(v match.Event, r match.Row) bool {
			return r.Symbol < v.Symbol || r.Symbol == v.Symbol && r.Time < v.Time
		})
	a.step("match", 0, 0)
	var err error
	a.link_.totals, err = match.Link(items, a.matchConfig(clock), emit)
	a.w.fail(err)
	slots.close()
	located.close()
	anchors.close()
	a.link_.byOwner, a.link_.orphans = byOwner.done(), orphans.done()
	return a.w.err
}

// exact runs the multiset pass over all events and rows, and sorts what it
// leaves: the events with their free slots, the rows without an equal event,
// and the anchors of the file's order (R34a).
func (a *audit) exact(cases *table[replay.EventCase], emit func(replay.Match)) (*table[match.Event], *table[match.Row], *table[match.Anchor]) {
	a.step("match equal rows", 0, 0)
	slots := newTable(a.w, keySlot, encodeSlot, decodeSlot)
	leftover := newTable(a.w, keyLeftoverN, encodeLeftover, decodeLeftover)
	anchors := newTable(a.w, func(e *encoder, x match.Anchor) { e.keyInt(x.N) },
		func(e *encoder, x match.Anchor) { e.int(x.N); e.time(x.Time); e.time(x.End) },
		func(d *decoder) match.Anchor { return match.Anchor{N: d.int(), Time: d.time(), End: d.time()} })

	items := merge(cases.all(), a.watchGroups(a.in.rows.all()), slotItem, rowItem, rowFirst)
	match.Exact(items, func(g match.Group) {
		for _, v := range g.Events {
			slots.add(v)
			if x, ok := match.AnchorOf(v); ok {
				anchors.add(x)
			}
		}
		for _, m := range g.Matched {
			emit(m)
		}
		for _, r := range g.Leftover {
			leftover.add(r)
		}
	})
	a.in.rows.close()
	return slots.done(), leftover.done(), anchors.done()
}

// locate gives each leftover row the commit times around it in the file, and
// puts the rows back into the order of matching.
func (a *audit) locate(leftover *table[match.Row], anchors *table[match.Anchor]) (*match.Clock, *table[match.Row]) {
	located := newTable(a.w, keyLeftover, encodeLeftover, decodeLeftover)
	clock := match.NewClock(anchors.all())
	clock.Locate(leftover.all(), located.add)
	leftover.close()
	if a.cfg.NoPosition {
		clock = nil
	}
	return clock, located.done()
}

func (a *audit) matchConfig(clock *match.Clock) match.Config {
	return match.Config{
		Tolerance: a.cfg.Tolerance, Clock: clock, Adjacency: a.cfg.Adjacency, HaveWorkers: a.cfg.Workers != "",
	}
}

func slotItem(c replay.EventCase) match.Item {
	return match.Item{Event: &match.Event{
		IDs: []string{c.Event.ID}, Symbol: c.Event.Symbol, Time: c.Event.Time, Price: c.Event.Price,
		Attempts: c.Attempts, Counts: []int{len(c.Attempts)},
	}}
}

func rowItem(r replay.Row) match.Item { return match.Item{Row: &match.Row{Row: r}} }

// rowFirst puts events before rows where symbol, time and price are equal.
func rowFirst(c replay.EventCase, r replay.Row) bool {
	v := c.Event
	switch {
	case r.Symbol != v.Symbol:
		return r.Symbol < v.Symbol
	case r.Time != v.Time:
		return r.Time < v.Time
	default:
		return r.Price < v.Price
	}
}

// watchGroups passes rows through and remembers those whose (symbol, time) is
// not theirs alone.
func (a *audit) watchGroups(rows iter.Seq[replay.Row]) iter.Seq[replay.Row] {
	return func(yield func(replay.Row) bool) {
		var last replay.Row
		for r := range rows {
			if last.N > 0 && r.Symbol == last.Symbol && r.Time == last.Time {
				a.link_.grouped.set(last.N)
				a.link_.grouped.set(r.N)
			}
			if last = r; !yield(r) {
				return
			}
		}
	}
}

// bitset holds one bit a row: 12.5 MB for 10^8 rows.
type bitset []uint64

func (b *bitset) set(n int64) {
	for int64(len(*b)) <= n/64 {
		*b = append(*b, 0)
	}
	(*b)[n/64] |= 1 << (n % 64)
}

func (b bitset) has(n int64) bool { return n/64 < int64(len(b)) && b[n/64]>>(n%64)&1 == 1 }
