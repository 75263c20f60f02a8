package match

// slot is a reason why an event may have one more row (R34).
type slot uint8

const (
	canonicalSlot slot = iota // it has none yet
	extraSlot                 // it was attempted once more than it has rows
	furtherSlot               // the sink wrote again; there are any number of these
	slotKinds
)

// Costs that R34 fixes, in thousandths of a nat.
const (
	furtherCost = 6_908 // one row in a thousand
	orphanExtra = 9_210 // beyond the uniform density over the band: one in ten thousand
)

// supply is how many limited slots an event has left.
type supply struct{ canonical, extra int }

// supplyOf counts the free slots of an event after the exact pass. Without a
// worker log an event has one extra slot.
func supplyOf(e *Event, workers bool) supply {
	s := supply{canonical: max(0, len(e.IDs)-e.Exact)}
	if !workers {
		s.extra = 1
		return s
	}
	for i := range e.IDs {
		s.extra += max(0, e.count(i)-1)
	}
	s.extra = max(0, s.extra-max(0, e.Exact-len(e.IDs)))
	return s
}

// first is the slot that the next row takes.
func (s supply) first() slot {
	switch {
	case s.canonical > 0:
		return canonicalSlot
	case s.extra > 0:
		return extraSlot
	}
	return furtherSlot
}

func (s supply) limited() int { return s.canonical + s.extra }

// take uses up the first slot.
func (s *supply) take() {
	switch s.first() {
	case canonicalSlot:
		s.canonical--
	case extraSlot:
		s.extra--
	}
}

// prior is the cost of each kind of slot.
type prior [slotKinds]cost

// nth is the cost of the k-th (from 0) row that takes a slot of the supply. It
// never falls from one row to the next, without which least-cost flow would not
// be least.
func (p *prior) nth(s supply, k int) cost {
	c := cost(0)
	if s.canonical > 0 {
		c = p[canonicalSlot]
	}
	if k < s.canonical {
		return c
	}
	if s.extra > 0 {
		c = max(c, p[extraSlot])
	}
	if k < s.limited() {
		return c
	}
	return max(c, p[furtherSlot])
}

// classOf tells events of one attempt from those of more.
func classOf(e *Event) class {
	c := untried
	for i := range e.IDs {
		switch n := e.count(i); {
		case n >= 2:
			return multi
		case n == 1:
			c = single
		}
	}
	return c
}

// spare is the member of a set whose attempts exceed its rows by most; ties by
// id.
func spare(e *Event, owned []int) int {
	best := 0
	for i := range e.IDs {
		if e.count(i)-owned[i] > e.count(best)-owned[best] {
			best = i
		}
	}
	return best
}
