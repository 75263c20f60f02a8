package match

// solution says where each row of a component goes, and how sure that is.
type solution struct {
	choice []int // index of the row's edge; none: no event
	odds   []odds
	capped bool
}

// none is the choice of no event.
const none = -1

// odds are the relative probabilities of a row's explanations.
type odds struct {
	edges  []uint64 // weights, in the order of the row's edges
	pruned []uint64 // in the order of its pruned edges
	orphan uint64
	margin cost // to the best solution in which the row goes elsewhere
}

func (o *odds) total() uint64 {
	sum := o.orphan
	for _, w := range o.edges {
		sum += w
	}
	for _, w := range o.pruned {
		sum += w
	}
	return sum
}

// solve assigns the rows of a component and gives out their matches.
func (m *Matcher) solve(c *component) {
	c.order()
	var s solution
	switch {
	case c.edges > m.limits.ComponentEdges:
		m.totals.Capped++
		s = m.greedy(c)
	default:
		p := m.newProblem(c)
		s.choice = p.solve()
		if c.regrets(&m.m, s.choice) && m.restore(c) {
			return // it is being solved again
		}
		if c.edges <= m.limits.ExactEdges {
			s.odds = p.enumerate()
		} else {
			s.odds = p.margins()
		}
	}
	if c.edges >= 2 {
		m.totals.Components++
	}
	c.done = true
	for _, v := range c.events {
		v.in = nil
	}
	m.settle(c, s)
}

// regrets reports whether a row ended on something dearer than one of its
// pruned edges.
func (c *component) regrets(m *model, choice []int) bool {
	taken := make(map[*live]int)
	for i, r := range c.rows {
		if choice[i] != none {
			taken[r.edges[choice[i]].to]++
		}
	}
	for i, r := range c.rows {
		paid := m.orphan
		if choice[i] != none {
			e := r.edges[choice[i]]
			paid = e.cost + m.prior.nth(e.to.free, taken[e.to]-1)
		}
		for _, e := range r.pruned {
			if m.least(e) < paid {
				return true
			}
		}
	}
	return false
}

// restore takes the pruned edges of a component back and puts it up for another
// solution; false if that would make it too large. No row is restored twice, so
// this ends.
func (m *Matcher) restore(c *component) bool {
	edges := c.edges
	for _, r := range c.rows {
		edges += len(r.pruned)
	}
	if edges > m.limits.ComponentEdges {
		return false
	}
	for _, r := range c.rows {
		r.edges, r.pruned = append(r.edges, r.pruned...), nil
	}
	c.edges = edges
	for _, r := range c.rows {
		c = m.connect(c, r)
	}
	if len(c.events) == 0 || c.edges > m.limits.ComponentEdges {
		m.solve(c)
	} else {
		m.await(c)
	}
	return true
}
