package match

// enumeration goes through all assignments of a small component, for the exact
// posterior of R37.
type enumeration struct {
	p     *problem
	other []cost // of each row: an orphan, or a pruned edge
	used  map[*live]int
	at    []int // what each row takes now
	best  cost

	sums   [][]uint64 // weight of the assignments in which a row takes an edge; other is last
	least  [][]cost   // the best of them
	visits func(total cost)
}

// enumerate computes each row's odds. With E edges there are at most 2^E
// assignments.
func (p *problem) enumerate() []odds {
	x := &enumeration{p: p, used: make(map[*live]int), at: make([]int, len(p.c.rows)), best: far}
	for _, r := range p.c.rows {
		x.other = append(x.other, p.elsewhere(r))
		x.sums = append(x.sums, make([]uint64, len(r.edges)+1))
		least := make([]cost, len(r.edges)+1)
		for j := range least {
			least[j] = far
		}
		x.least = append(x.least, least)
	}
	x.visits = func(total cost) { x.best = min(x.best, total) }
	x.walk(0, 0)
	x.visits = x.count
	x.walk(0, 0)

	all := make([]odds, len(p.c.rows))
	for i, r := range p.c.rows {
		all[i] = x.odds(i, r)
	}
	return all
}

// elsewhere is the cost of all that needs no slot of the component.
func (p *problem) elsewhere(r *pending) cost {
	c := p.m.orphan
	for _, e := range r.pruned {
		c = either(c, p.m.least(e))
	}
	return c
}

// walk lets row i take each of its options, at the cost so far.
func (x *enumeration) walk(i int, sum cost) {
	if i == len(x.p.c.rows) {
		x.visits(sum)
		return
	}
	edges := x.p.c.rows[i].edges
	for j, e := range edges {
		x.at[i] = j
		k := x.used[e.to]
		if e.to.free.limited() == 0 {
			k = 0
		}
		x.used[e.to]++
		x.walk(i+1, sum+e.cost+x.p.m.prior.nth(e.to.free, k))
		x.used[e.to]--
	}
	x.at[i] = len(edges)
	x.walk(i+1, sum+x.other[i])
}

func (x *enumeration) count(total cost) {
	w := weight(total - x.best)
	for i, j := range x.at {
		x.sums[i][j] += w
		x.least[i][j] = min(x.least[i][j], total)
	}
}

func (x *enumeration) odds(i int, r *pending) odds {
	n := len(r.edges)
	o := odds{edges: x.sums[i][:n], margin: far, orphan: x.sums[i][n]}
	chosen := x.p.choice[i]
	if chosen == none {
		chosen = n
	}
	for j, c := range x.least[i] {
		if j != chosen {
			o.margin = min(o.margin, max(0, c-x.least[i][chosen]))
		}
	}
	for _, e := range r.pruned { // their part of the other
		w := scaled(x.sums[i][n], weight(x.p.m.least(e)-x.other[i]))
		o.pruned = append(o.pruned, w)
		o.orphan -= min(o.orphan, w)
	}
	return o
}
