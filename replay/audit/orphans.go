package audit

import (
	"holdfast/replay"
	"holdfast/replay/tick"
)

// lateBands is how many bands after its event a row may still be found by its
// symbol and price (N7).
const lateBands = 10

// hinted is an orphan with what its neighbourhood offers.
type hinted struct {
	row   int64
	hints replay.OrphanHints
}

// judgeOrphans says what the rows without an event are, from the events around them.
func (a *audit) judgeOrphans(c *collector) {
	if a.link_.orphans.len() == 0 {
		return
	}
	a.step("orphans", 0, 0)
	near, foreign := a.nearHints(), a.foreignHints()
	defer near.close()
	defer foreign.close()
	nears, foreigns := peek(near.all()), peek(foreign.all())
	defer nears.stop()
	defer foreigns.stop()
	for m := range a.link_.orphans.all() {
		var h replay.OrphanHints
		if nears.ok && nears.head.row == m.Row.N {
			h = nears.take().hints
		}
		for foreigns.ok && foreigns.head.row == m.Row.N {
			h.Foreign = foreigns.take().hints.Foreign
		}
		c.tally.Orphan(replay.ClassifyOrphan(m, h))
		if c.grouped.has(m.Row.N) {
			c.keyRows.add(replay.KeyRow{Match: m})
		}
	}
}

func (a *audit) newHints() *builder[hinted] {
	return newTable(a.w, func(e *encoder, h hinted) { e.keyInt(h.row) }, encodeHinted, decodeHinted)
}

// nearHints looks at the events of an orphan's symbol, in time order.
func (a *audit) nearHints() *table[hinted] {
	orphans := newTable(a.w, func(e *encoder, m replay.Match) { keyRow(e, m.Row) }, encodeMatch, decodeMatch)
	for m := range a.link_.orphans.all() {
		orphans.add(m)
	}
	bySymbol := newTable(a.w, func(e *encoder, v seen) { keyEvent(e, v.Event) },
		func(e *encoder, v seen) { encodeEvent(e, v.Event); e.bool(v.written) },
		func(d *decoder) seen { return seen{decodeEvent(d), d.bool()} })
	for c := range a.case_.cases.all() {
		bySymbol.add(seen{c.Event, len(c.Rows) > 0})
	}
	rows, sorted := orphans.done(), bySymbol.done()
	defer rows.close()
	defer sorted.close()
	events := peek(sorted.all())
	defer events.stop()

	out := a.newHints()
	reach := max(lateBands*a.link_.totals.Band.Late, tick.Nanos(1e9))
	var window []seen // events of the symbol, not older than reach, up to the first that is later than the row
	for m := range rows.all() {
		r := m.Row
		for events.ok && (events.head.Symbol < r.Symbol || events.head.Symbol == r.Symbol && events.head.Time <= r.Time) {
			window = append(window, events.take())
		}
		for len(window) > 1 && (window[0].Symbol != r.Symbol || window[0].Time < r.Time-reach) || len(window) > maxWindow {
			window = window[1:]
		}
		h := hintsFrom(window, r, lateBands*a.link_.totals.Band.Late)
		if events.ok && events.head.Symbol == r.Symbol {
			nearer(&h, events.head.Event, r)
		}
		out.add(hinted{r.N, h})
	}
	return out.done()
}

// maxWindow bounds how many earlier events a row is compared with.
const maxWindow = 1 << 14

// seen is an event, and whether it has a row.
type seen struct {
	replay.Event
	written bool
}

func hintsFrom(window []seen, r replay.Row, late tick.Nanos) (h replay.OrphanHints) {
	candidates := 0
	for _, v := range window {
		if v.Symbol != r.Symbol {
			continue
		}
		nearer(&h, v.Event, r)
		if !v.written && v.Price == r.Price && r.Time-v.Time <= late {
			candidates++
			h.Late, h.LateShift = v.ID, r.Time-v.Time
		}
	}
	if candidates != 1 {
		h.Late, h.LateShift = "", 0
	}
	return h
}

// nearer makes v the nearest event if it is nearer in time, then price.
func nearer(h *replay.OrphanHints, v replay.Event, r replay.Row) {
	dt, dp := r.Time-v.Time, r.Price-v.Price
	if h.Nearest == "" || abs(dt) < abs(h.NearestTimeShift) || abs(dt) == abs(h.NearestTimeShift) && abs(dp) < abs(h.NearestPriceShift) {
		h.Nearest, h.NearestTimeShift, h.NearestPriceShift = v.ID, dt, dp
	}
}

func abs[T ~int64](x T) T { return max(x, -x) }

// foreignHints looks for events of other symbols with exactly an orphan's time
// and price.
func (a *audit) foreignHints() *table[hinted] {
	byTime := newTable(a.w, func(e *encoder, m replay.Match) { e.keyTime(m.Row.Time); e.keyInt(m.Row.N) }, encodeMatch, decodeMatch)
	for m := range a.link_.orphans.all() {
		byTime.add(m)
	}
	rows := byTime.done()
	defer rows.close()
	orphans := peek(rows.all())
	defer orphans.stop()
	out := a.newHints()
	var same []replay.Row // the orphans of the instant that the events have reached
	for c := range a.case_.cases.all() {
		v := c.Event
		if len(same) > 0 && same[0].Time != v.Time {
			same = same[:0]
		}
		for orphans.ok && orphans.head.Row.Time <= v.Time {
			if m := orphans.take(); m.Row.Time == v.Time && len(same) < maxWindow {
				same = append(same, m.Row)
			}
		}
		for _, r := range same {
			if r.Price == v.Price && r.Symbol != v.Symbol {
				out.add(hinted{r.N, replay.OrphanHints{Foreign: v.ID}})
			}
		}
	}
	return out.done()
}
