package match

import "container/heap"

// offer is an edge at the price that it has now.
type offer struct {
	cost      cost
	row, edge int
	rank      int64
}

type offers []offer

func (o offers) Len() int { return len(o) }
func (o offers) Less(i, j int) bool {
	a, b := o[i], o[j]
	if a.cost != b.cost {
		return a.cost < b.cost
	}
	if a.rank != b.rank {
		return a.rank < b.rank
	}
	return a.row < b.row
}
func (o offers) Swap(i, j int) { o[i], o[j] = o[j], o[i] }
func (o *offers) Push(x any)   { *o = append(*o, x.(offer)) }
func (o *offers) Pop() any {
	n := len(*o) - 1
	x := (*o)[n]
	*o = (*o)[:n]
	return x
}

// greedy assigns a component that is too large to be solved: lowest cost first
// (R36). Its odds are those of each row by itself.
func (m *Matcher) greedy(c *component) solution {
	s := solution{choice: make([]int, len(c.rows)), odds: make([]odds, len(c.rows)), capped: true}
	used := make(map[*live]int)
	price := func(e edge) cost { return e.cost + m.m.prior.nth(e.to.free, min(used[e.to], e.to.free.limited())) }
	var open offers
	for i, r := range c.rows {
		s.choice[i] = none
		s.odds[i] = m.m.alone(r)
		for j, e := range r.edges {
			open = append(open, offer{price(e), i, j, e.rank})
		}
	}
	heap.Init(&open)
	for len(open) > 0 {
		o := heap.Pop(&open).(offer)
		e := c.rows[o.row].edges[o.edge]
		switch now := price(e); {
		case s.choice[o.row] != none || now > m.m.orphan:
		case now > o.cost: // a slot went to somebody else
			o.cost = now
			heap.Push(&open, o)
		default:
			s.choice[o.row] = o.edge
			used[e.to]++
		}
	}
	return s
}

// alone are the odds of a row that nobody competes with.
func (m *model) alone(r *pending) odds {
	best := m.orphan
	for _, e := range r.edges {
		best = min(best, m.least(e))
	}
	o := odds{orphan: weight(m.orphan - best)}
	for _, e := range r.edges {
		o.edges = append(o.edges, weight(m.least(e)-best))
	}
	for _, e := range r.pruned {
		o.pruned = append(o.pruned, weight(m.least(e)-best))
	}
	return o
}
