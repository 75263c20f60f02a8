package match

import (
	"math/bits"
)

// model is all that costs are computed from.
type model struct {
	band      Band
	residuals residuals
	prior     prior
	orphan    cost  // of a row that is no event's
	dial      *dial // nil: position is not used
	traits    [traitKinds]trait
	workers   bool
}

// cost is that of a row being an event's, without the slot.
func (m *model) cost(e *Event, r *Row) cost {
	c := m.residuals.table[m.residuals.cell(int64(r.Time-e.Time), int64(r.Price-e.Price))]
	c += m.dial.cost(m.dial.place(r.Bracket, e.Attempts))
	return c + m.traitCost(ask(e, r.Row))
}

func (m *model) traitCost(as answers) cost {
	c := cost(0)
	for i, a := range as {
		c += m.traits[i].cost(a)
	}
	return c
}

// observation is an event that a sampled row may belong to.
type observation struct {
	dt, dp  int64
	cell    int
	slot    slot
	place   place
	answers answers
}

// learner holds the sampled rows with their candidates.
type learner struct {
	m          model
	rows       [][]observation
	free       [slotKinds]int64 // slots in the file
	of         int64            // rows in the file, of which rows is a sample
	learnPrior bool
}

// Bounds of learning.
const (
	maxRounds       = 20  // of expectation and maximisation (R35)
	maxObservations = 100 // candidates of a row; one that has more teaches nothing
	leastBins       = 8
	mostBins        = 64
)

// prepare sizes the histograms: one bin per occupied multiple at most, and
// about as many as there are rows in each.
func (l *learner) prepare(b Band) {
	var unitT, unitP int64
	for _, row := range l.rows {
		for _, o := range row {
			unitT, unitP = gcd(unitT, o.dt), gcd(unitP, o.dp)
		}
	}
	bins := leastBins
	for bins < mostBins && bins*bins < len(l.rows) {
		bins++
	}
	l.m.band = b
	l.m.residuals = newResiduals(b, unitT, unitP, bins)
	l.m.orphan = l.m.residuals.uniform + orphanExtra
	for _, row := range l.rows {
		for i := range row {
			row[i].cell = l.m.residuals.cell(row[i].dt, row[i].dp)
		}
	}
	l.m.prior[furtherSlot] = furtherCost
	if l.learnPrior {
		l.m.prior[canonicalSlot], l.m.prior[extraSlot] = lnRatio(2, 1), lnRatio(2, 1)
	}
}

// learn runs the rounds of R35 until no cost changes, and returns their number.
func (l *learner) learn() int {
	for n := 1; ; n++ {
		if !l.round() || n == maxRounds {
			return n
		}
	}
}

// use is what one round counts besides residuals.
type use struct {
	slots          [slotKinds]uint64
	traits         [traitKinds]traitTally
	placed, strays uint64 // rows whose place is known, and the strays among them
}

func (l *learner) round() bool {
	t := l.m.residuals.newTally()
	var u use
	for _, row := range l.rows {
		l.expect(row, &t, &u)
	}
	changed := l.m.residuals.fit(t)
	if l.learnPrior {
		changed = l.fitPrior(&u) || changed
	}
	if l.m.dial != nil && u.placed > 0 {
		changed = l.m.dial.mix(portion(u.strays, u.placed)) || changed
	}
	for i := range l.m.traits {
		changed = l.m.traits[i].fit(&u.traits[i]) || changed
	}
	return changed
}

// expect shares a row out among its candidates.
func (l *learner) expect(row []observation, t *tally, u *use) {
	costs, least := make([]cost, len(row)), l.m.orphan
	for i, o := range row {
		costs[i] = l.costOf(o)
		least = min(least, costs[i])
	}
	total := weight(l.m.orphan - least)
	for _, c := range costs {
		total += weight(c - least)
	}
	for i, o := range row {
		w := portion(weight(costs[i]-least), total)
		l.m.residuals.add(t, o.cell, w)
		u.slots[o.slot] += w
		if l.m.dial != nil && o.place.class != unknown && !o.place.flat {
			u.placed += w
			u.strays += l.m.dial.strayShare(o.place, w)
		}
		for k, a := range o.answers {
			u.traits[k].add(a, w)
		}
	}
}

func (l *learner) costOf(o observation) cost {
	return l.m.residuals.table[o.cell] + l.m.prior[o.slot] + l.m.dial.cost(o.place) + l.m.traitCost(o.answers)
}

// fitPrior is -ln of the add-half frequency with which slots are used.
func (l *learner) fitPrior(u *use) bool {
	changed := false
	for _, s := range []slot{canonicalSlot, extraSlot} {
		hi, lo := bits.Mul64(uint64(l.free[s]), uint64(len(l.rows)))
		free, _ := bits.Div64(hi, lo, uint64(max(l.of, 1)))
		c := max(0, lnRatio(2*free*one+2*one, 2*u.slots[s]+one))
		changed = changed || c != l.m.prior[s]
		l.m.prior[s] = c
	}
	return changed
}
