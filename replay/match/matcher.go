package match

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"math"
	"slices"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// Matcher assigns rows to events in one pass. It holds the events and rows of
// one symbol that are younger than the band is wide, and the components that
// still grow.
type Matcher struct {
	m      model
	limits Limits
	multis bool // Totals.Pairs counts pairs with events of several attempts only
	band   Band // in which candidates are found
	wide   Band // in which rescues are found

	symbol string
	now    tick.Nanos // no item before this comes any more
	begun  bool
	events []seat // in time order
	rows   []*pending
	plan   agenda
	seq    int64
	out    []replay.Match
	totals Totals
}

// seat is an event in the window; live once a row may be its.
type seat struct {
	ev   *Event
	live *live
}

// New returns a Matcher for the given band (Config.Tolerance must be Given) in
// which every residual is equally likely. [Link] learns better costs first.
func New(c Config) (*Matcher, error) {
	if c.Tolerance.Mode != Given {
		return nil, errors.New("match: a matcher needs a given tolerance")
	}
	b := c.Tolerance.Band
	if b.Early < 0 || b.Late < 0 || b.Price < 0 {
		return nil, fmt.Errorf("match: tolerance %v is negative", b)
	}
	m := model{band: b, residuals: newResiduals(b, 1, 1, 1), workers: c.HaveWorkers}
	m.prior[furtherSlot] = furtherCost
	m.orphan = m.residuals.uniform + orphanExtra
	return newMatcher(m, c.Limits), nil
}

func newMatcher(m model, l Limits) *Matcher {
	l.setDefaults()
	return &Matcher{m: m, limits: l, band: m.band, wide: m.band.widen(3, 2), totals: Totals{Band: m.band, Null: "given"}}
}

func (l *Limits) setDefaults() {
	if l.ComponentEdges <= 0 {
		l.ComponentEdges = 4096
	}
	if l.ExactEdges <= 0 {
		l.ExactEdges = 12
	}
	if l.SampleRows <= 0 {
		l.SampleRows = 20_000
	}
}

// Push takes the next item in (symbol, time) order and returns the matches that
// nothing can change any more; they are valid until the next call. The matcher
// keeps the item's event or row until then. An item that goes back is ErrOrder.
func (m *Matcher) Push(it Item) ([]replay.Match, error) {
	m.out = m.out[:0]
	symbol, t := valueOf(it).symbol, valueOf(it).time
	switch {
	case m.begun && symbol < m.symbol, m.begun && symbol == m.symbol && t < m.now:
		return nil, orderError(symbol, t, m.symbol, m.now)
	case m.begun && symbol != m.symbol:
		m.flush()
	}
	m.begun, m.symbol = true, symbol
	m.advance(t)
	if it.Event != nil {
		m.events = append(m.events, seat{ev: it.Event})
	} else {
		m.totals.Rows++
		m.rows = append(m.rows, &pending{Row: *it.Row})
	}
	return m.out, nil
}

// Close returns the last matches and what was done.
func (m *Matcher) Close() ([]replay.Match, Totals) {
	m.out = m.out[:0]
	m.flush()
	return m.out, m.totals
}

// flush ends a symbol.
func (m *Matcher) flush() {
	m.advance(math.MaxInt64)
	m.events = m.events[:0]
}

// advance does what is due when nothing before t comes any more: it joins the
// rows whose events are all known, and solves the components that no row can
// join.
func (m *Matcher) advance(t tick.Nanos) {
	m.now = t
	n := 0
	for n < len(m.rows) && past(m.rows[n].Time, m.wide.Early, t) {
		m.join(m.rows[n])
		m.rows[n] = nil
		n++
	}
	m.rows = m.rows[n:]
	for len(m.plan) > 0 && past(m.plan[0].due, m.wide.Early, t) {
		heap.Pop(&m.plan).(task).run()
	}
	if len(m.rows) == 0 && t != math.MaxInt64 {
		m.forget(minus(t, m.wide.Early))
	}
}

// past reports whether nothing at t+d or before comes any more.
func past(t, d, now tick.Nanos) bool { return now == math.MaxInt64 || plus(t, d) < now }

// forget drops the events that no row from t on can be near.
func (m *Matcher) forget(t tick.Nanos) {
	n := 0
	for n < len(m.events) && plus(m.events[n].ev.Time, m.wide.Late) < t {
		n++
	}
	if n > 0 && n >= len(m.events)/2 { // or else moving the rest costs more than it saves
		m.events = slices.Delete(m.events, 0, n)
	}
}

// join finds a row's events (R31) and puts it into their component.
func (m *Matcher) join(r *pending) {
	m.forget(r.Time)
	i, _ := slices.BinarySearchFunc(m.events, minus(r.Time, m.wide.Late), func(s seat, t tick.Nanos) int {
		return cmp.Compare(s.ev.Time, t)
	})
	for ; i < len(m.events) && m.events[i].ev.Time <= plus(r.Time, m.wide.Early); i++ {
		m.consider(r, &m.events[i])
	}
	m.rank(r)
	m.m.prune(r)
	m.place(r)
}

// consider makes an event a candidate if it is within the band, and remembers
// it for a rescue if it is not much beyond.
func (m *Matcher) consider(r *pending, s *seat) {
	dt, dp := minus(r.Time, s.ev.Time), minus(r.Price, s.ev.Price)
	near := m.band.Holds(dt, dp)
	if !near && (!m.m.workers || !m.wide.Holds(dt, dp) || classOf(s.ev) != multi) {
		return
	}
	if s.live == nil {
		s.live = &live{Event: s.ev, free: supplyOf(s.ev, m.m.workers), owned: make([]int, len(s.ev.IDs))}
		for i := range min(s.ev.Exact, len(s.ev.IDs)) {
			s.live.owned[i] = 1
		}
	}
	if near {
		if !m.multis || classOf(s.ev) == multi {
			m.totals.Pairs++
		}
		r.edges = append(r.edges, edge{to: s.live, cost: m.m.cost(s.ev, &r.Row)})
	} else if s.live.free.extra > 0 {
		r.near = append(r.near, s.live)
	}
}

// rank puts a row's edges into the order of R38 and keeps no more of them than
// a component may have.
func (m *Matcher) rank(r *pending) {
	slices.SortFunc(r.edges, func(a, b edge) int {
		da, db := size(r.Time-a.to.Time), size(r.Time-b.to.Time)
		return cmp.Or(cmp.Compare(da, db), compareEvents(a.to.Event, b.to.Event))
	})
	for i := range r.edges {
		r.edges[i].rank = int64(i)
	}
	if len(r.edges) > m.limits.ComponentEdges {
		slices.SortStableFunc(r.edges, func(a, b edge) int { return cmp.Compare(m.m.least(a), m.m.least(b)) })
		r.pruned = r.edges[m.limits.ComponentEdges:]
		r.edges = r.edges[:m.limits.ComponentEdges:m.limits.ComponentEdges]
	}
}

// place makes a component of the row and every component that it touches. Only
// limited slots are competed for: a row whose events have none left is alone.
func (m *Matcher) place(r *pending) {
	m.seq++
	c := &component{rows: []*pending{r}, edges: len(r.edges), until: r.Time, seq: m.seq}
	c = m.connect(c, r)
	switch {
	case len(c.events) == 0:
		m.solve(c)
	case c.edges > m.limits.ComponentEdges:
		m.solve(c)
	default:
		m.await(c)
	}
}

// connect joins a component with those of a row's events.
func (m *Matcher) connect(c *component, r *pending) *component {
	for _, e := range r.edges {
		v := e.to
		switch {
		case v.free.limited() == 0 || v.in == c:
			continue
		case v.in == nil:
			v.in = c
			c.events = append(c.events, v)
			c.until = max(c.until, plus(v.Time, m.band.Late))
		case v.in.size() > c.size():
			v.in.absorb(c)
			c = v.in
		default:
			c.absorb(v.in)
		}
	}
	return c
}

// await solves a component once no row can join it any more.
func (m *Matcher) await(c *component) {
	due := c.until
	m.plan.at(due, c.seq, func() {
		switch {
		case c.done:
		case c.until > due:
			m.await(c)
		default:
			m.solve(c)
		}
	})
}
