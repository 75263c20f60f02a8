package match

// problem is a component as a flow network: rows, then events with limited
// slots, then the sink. Every row sends one unit, through an event or, as an
// orphan, straight to the sink.
type problem struct {
	m      *model
	c      *component
	node   map[*live]int
	net    *network
	arcs   [][]int32 // of each row's edges
	orphan []int32   // of each row
	choice []int
}

// tieBits is the room for ranks below a cost, so that among equally likely
// solutions the nearer events win (R38).
const tieBits = 24

func tied(c cost, rank int64) int64 { return int64(c)<<tieBits + rank }

func untied(c int64) cost { return cost((c + 1<<(tieBits-1)) >> tieBits) }

func (m *Matcher) newProblem(c *component) *problem {
	p := &problem{m: &m.m, c: c, node: make(map[*live]int, len(c.events))}
	rows := len(c.rows)
	for i, v := range c.events {
		p.node[v] = rows + i
	}
	sink := rows + len(c.events)
	p.net = newNetwork(sink + 1)
	incident := make(map[*live]int, len(c.events))
	for i, r := range c.rows {
		p.arcs = append(p.arcs, p.addRow(i, sink, r))
		p.orphan = append(p.orphan, p.net.add(i, sink, 1, tied(m.m.orphan, int64(len(r.edges)))))
		for _, e := range r.edges {
			incident[e.to]++
		}
	}
	for _, v := range c.events {
		p.addSlots(v, incident[v], sink)
	}
	return p
}

func (p *problem) addRow(i, sink int, r *pending) []int32 {
	arcs := make([]int32, len(r.edges))
	for j, e := range r.edges {
		if to, limited := p.node[e.to]; limited {
			arcs[j] = p.net.add(i, to, 1, tied(e.cost, e.rank))
		} else {
			arcs[j] = p.net.add(i, sink, 1, tied(p.m.least(e), e.rank))
		}
	}
	return arcs
}

// addSlots adds the slots that so many rows can need.
func (p *problem) addSlots(v *live, rows, sink int) {
	from := p.node[v]
	for k := 0; k < min(rows, v.free.limited()); k++ {
		p.net.add(from, sink, 1, tied(p.m.prior.nth(v.free, k), 0))
	}
	if over := rows - v.free.limited(); over > 0 {
		p.net.add(from, sink, int32(over), tied(p.m.prior.nth(v.free, rows), 0))
	}
}

// solve returns each row's edge at the least total cost (R36).
func (p *problem) solve() []int {
	sink := len(p.net.out) - 1
	for i := range p.c.rows {
		p.net.send(i, sink)
	}
	p.choice = make([]int, len(p.c.rows))
	for i := range p.choice {
		p.choice[i] = none
		for j, k := range p.arcs[i] {
			if p.net.arcs[k].cap == 0 {
				p.choice[i] = j
			}
		}
	}
	return p.choice
}

// margins weighs, for each row, every other explanation by the best solution
// that contains it (R37).
func (p *problem) margins() []odds {
	all := make([]odds, len(p.c.rows))
	for i, r := range p.c.rows {
		chosen := p.orphan[i]
		if j := p.choice[i]; j != none {
			chosen = p.arcs[i][j]
		}
		to := p.net.distancesTo(int(p.net.arcs[chosen].to), i)
		extra := func(k int32) cost { // of taking arc k instead of the chosen one
			return untied(p.net.arcs[k].cost + to[p.net.arcs[k].to] - p.net.arcs[chosen].cost)
		}
		all[i] = p.weigh(r, i, extra)
	}
	return all
}

// weigh turns extra costs into odds. A pruned edge is taken as if nobody else
// wanted its event.
func (p *problem) weigh(r *pending, i int, extra func(int32) cost) odds {
	o := odds{edges: make([]uint64, len(r.edges)), margin: far}
	put := func(c cost, chosen bool) uint64 {
		if !chosen {
			o.margin = min(o.margin, max(c, 0))
		}
		return weight(c)
	}
	for j, k := range p.arcs[i] {
		o.edges[j] = put(extra(k), p.choice[i] == j)
	}
	o.orphan = put(extra(p.orphan[i]), p.choice[i] == none)
	paid := p.m.orphan
	if j := p.choice[i]; j != none {
		paid = p.m.least(r.edges[j])
	}
	for _, e := range r.pruned {
		o.pruned = append(o.pruned, put(p.m.least(e)-paid, false))
	}
	return o
}
