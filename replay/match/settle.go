package match

import (
	"cmp"
	"math"
	"slices"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// Thresholds of R37.
const (
	certainFrom = 0.999
	likelyFrom  = 0.9
	listedFrom  = 0.01
	orphanFrom  = 0.5
)

// verdict is a row with its event, before the rows of the event are compared.
type verdict struct {
	row       *pending
	to        *live // nil: an orphan
	cost      cost  // of the edge
	match     replay.Match
	rivals    []*live // the events of match.Alts
	canonical bool
}

// settle turns a solution into matches.
func (m *Matcher) settle(c *component, s solution) {
	vs := make([]*verdict, len(c.rows))
	for i, r := range c.rows {
		vs[i] = m.judge(r, s.choice[i], &s.odds[i], s.capped)
	}
	m.assignSlots(vs)
	for _, v := range vs {
		if v.to == nil && len(v.row.near) > 0 {
			m.hope(v)
		} else {
			m.emit(v)
		}
	}
}

// judge labels a row (R37).
func (m *Matcher) judge(r *pending, choice int, o *odds, capped bool) *verdict {
	total := o.total()
	v := &verdict{row: r, match: replay.Match{Row: r.Row.Row, Margin: int64(o.margin)}}
	if share(o.orphan, total) >= orphanFrom || len(r.edges) == 0 {
		v.match.Posterior = share(o.orphan, total)
		if len(r.edges) == 0 { // there is no second-best explanation
			v.match.Margin = 0
		}
		v.list(o, total, nil)
		return v
	}
	if choice == none { // no event is the best single answer, but all together they outweigh it
		choice, v.match.Margin = mostProbable(o.edges), 0
	}
	e := r.edges[choice]
	v.to, v.cost = e.to, e.cost
	v.match.IDs = e.to.IDs
	v.match.Posterior = share(o.edges[choice], total)
	v.list(o, total, e.to)
	switch {
	case len(r.edges)+len(r.pruned) == 1, v.match.Posterior >= certainFrom:
		v.match.Label = replay.Certain
	case v.match.Posterior >= likelyFrom:
		v.match.Label = replay.Likely
	default:
		v.match.Label = replay.Ambiguous
	}
	if capped {
		v.match.Label = min(v.match.Label, replay.Likely)
	}
	return v
}

func mostProbable(weights []uint64) int {
	best := 0
	for j, w := range weights {
		if w > weights[best] {
			best = j
		}
	}
	return best
}

// list names the alternatives of at least 1 %, most probable first; ties by R38,
// which is the order of ranks.
func (v *verdict) list(o *odds, total uint64, chosen *live) {
	type rival struct {
		e edge
		w uint64
	}
	var rivals []rival
	add := func(e edge, w uint64) {
		if e.to != chosen && share(w, total) >= listedFrom {
			rivals = append(rivals, rival{e, w})
		}
	}
	for j, e := range v.row.edges {
		add(e, o.edges[j])
	}
	for j, e := range v.row.pruned {
		add(e, o.pruned[j])
	}
	slices.SortFunc(rivals, func(a, b rival) int {
		return cmp.Or(cmp.Compare(b.w, a.w), cmp.Compare(a.e.cost, b.e.cost), cmp.Compare(a.e.rank, b.e.rank))
	})
	for _, r := range rivals {
		v.match.Alts = append(v.match.Alts, replay.Alt{IDs: r.e.to.IDs, Posterior: share(r.w, total)})
		v.rivals = append(v.rivals, r.e.to)
	}
}

// assignSlots gives each event's rows to its members: the cheapest are canonical
// while members have no row, the others are extras. Ties go by |dt|, then by
// value, and only among identical rows by N, so that the order of the file has no
// say (R38).
func (m *Matcher) assignSlots(vs []*verdict) {
	order := slices.Clone(vs)
	slices.SortStableFunc(order, func(a, b *verdict) int {
		return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(a.distance(), b.distance()), comparePending(a.row, b.row))
	})
	for _, v := range order {
		if v.to != nil {
			v.take()
		}
	}
}

// distance is |dt|; 0 for an orphan.
func (v *verdict) distance() tick.Nanos {
	if v.to == nil {
		return 0
	}
	return size(minus(v.row.Time, v.to.Time))
}

// take uses a slot of the event.
func (v *verdict) take() {
	e := v.to
	member := len(e.IDs) - e.free.canonical
	if v.canonical = e.free.canonical > 0; !v.canonical {
		member = spare(e.Event, e.owned)
	}
	e.free.take()
	e.owned[member]++
	v.match.Owner, v.match.Canonical = e.IDs[member], v.canonical
}

// hope keeps an orphan until it is known which events beyond the band have a
// slot left.
func (m *Matcher) hope(v *verdict) {
	due := tick.Nanos(math.MinInt64)
	for _, e := range v.row.near {
		due = max(due, plus(e.Time, m.band.Late))
	}
	m.hopeUntil(due, v)
}

func (m *Matcher) hopeUntil(due tick.Nanos, v *verdict) {
	m.seq++
	m.plan.at(due, m.seq, func() {
		for _, e := range v.row.near {
			if e.in != nil {
				m.hopeUntil(max(due, e.in.until), v)
				return
			}
		}
		m.rescue(v)
		m.emit(v)
	})
}

// rescue gives an orphan to the one event near it that has an extra slot left
// (R37).
func (m *Matcher) rescue(v *verdict) {
	var found *live
	for _, e := range v.row.near {
		if e.free.extra > 0 {
			if found != nil {
				return
			}
			found = e
		}
	}
	if found == nil {
		return
	}
	v.to, v.rivals = found, nil
	v.match = replay.Match{Row: v.row.Row.Row, IDs: found.IDs, Label: replay.Likely, Rescued: true, Posterior: likelyFrom}
	v.take()
	m.totals.Rescued++
}

// emit gives out a match.
func (m *Matcher) emit(v *verdict) {
	v.match.Covered = v.covered()
	switch v.match.Label {
	case replay.Certain:
		m.totals.Certain++
	case replay.Likely:
		m.totals.Likely++
	case replay.Ambiguous:
		m.totals.Ambiguous++
	default:
		m.totals.Orphans++
	}
	m.out = append(m.out, v.match)
}

// covered reports whether each event that the row may belong to has its
// canonical rows, and this is none of them.
func (v *verdict) covered() bool {
	if v.to == nil || v.canonical || v.to.free.canonical > 0 {
		return false
	}
	for _, e := range v.rivals {
		if e.free.canonical > 0 {
			return false
		}
	}
	return true
}
