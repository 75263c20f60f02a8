package match

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"holdfast/replay/tick"
)

// drawComponent makes a component by hand: up to 5 rows and 4 events with any
// supply of slots. Costs lie close together, so that slots decide.
func drawComponent(t *rapid.T) (*Matcher, *component) {
	m := newMatcher(model{residuals: newResiduals(Band{}, 1, 1, 1)}, Limits{})
	for s := range m.m.prior {
		m.m.prior[s] = cost(rapid.Int64Range(0, 3000).Draw(t, "slot"))
	}
	m.m.prior[furtherSlot] += 3000
	m.m.orphan = cost(rapid.Int64Range(0, 12_000).Draw(t, "orphan"))
	c := &component{}
	for i := range rapid.IntRange(1, 4).Draw(t, "events") {
		e := event(string(rune('a'+i)), tick.Nanos(i), 1, 1)
		v := &live{Event: &e, owned: make([]int, 1), free: supply{
			canonical: rapid.IntRange(0, 1).Draw(t, "canonical"),
			extra:     rapid.IntRange(0, 2).Draw(t, "extra"),
		}}
		c.events = append(c.events, v)
	}
	for i := range rapid.IntRange(1, 5).Draw(t, "rows") {
		r := &pending{Row: Row{Row: row(int64(i+1), tick.Nanos(i), 1)}}
		for _, v := range c.events {
			if c.edges < 12 && rapid.Bool().Draw(t, "edge") {
				r.edges = append(r.edges, edge{to: v, cost: cost(rapid.Int64Range(-500, 2500).Draw(t, "cost")), rank: int64(len(r.edges))})
				c.edges++
			}
		}
		if rapid.IntRange(0, 3).Draw(t, "pruned") == 0 {
			e := event("z", 0, 1, 1)
			r.pruned = []edge{{to: &live{Event: &e}, cost: cost(rapid.Int64Range(3000, 9000).Draw(t, "cost"))}}
		}
		c.rows = append(c.rows, r)
	}
	c.events = slices.DeleteFunc(c.events, func(v *live) bool { return v.free.limited() == 0 })
	return m, c
}

// dumb goes through all assignments in floating point.
type dumb struct {
	best   float64
	total  float64
	weight [][]float64 // by row and edge, then pruned edges, then orphan
}

func (d *dumb) run(m *Matcher, c *component) {
	for _, r := range c.rows {
		d.weight = append(d.weight, make([]float64, len(r.edges)+len(r.pruned)+1))
	}
	d.best = math.Inf(1)
	at := make([]int, len(c.rows))
	for {
		sum, count, pruned := 0.0, map[*live]int{}, false
		for i, r := range c.rows {
			if at[i] == len(r.edges)+len(r.pruned) {
				sum += float64(m.m.orphan)
				continue
			}
			if at[i] >= len(r.edges) {
				sum += float64(m.m.least(r.pruned[at[i]-len(r.edges)]))
				pruned = true
				continue
			}
			e := r.edges[at[i]]
			sum += float64(e.cost + m.m.prior.nth(e.to.free, count[e.to]))
			count[e.to]++
		}
		if !pruned { // the flow does not see pruned edges
			d.best = min(d.best, sum)
		}
		w := math.Exp(-sum / 1000)
		d.total += w
		for i, j := range at {
			d.weight[i][j] += w
		}
		i := 0
		for ; i < len(at); i++ {
			if at[i]++; at[i] <= len(c.rows[i].edges)+len(c.rows[i].pruned) {
				break
			}
			at[i] = 0
		}
		if i == len(at) {
			return
		}
	}
}

func TestComponentIsBruteForce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for range 10 {
			checkComponent(t)
		}
	})
}

func checkComponent(t *rapid.T) {
	m, c := drawComponent(t)
	var d dumb
	d.run(m, c)
	p := m.newProblem(c)
	choice := p.solve()

	got, count := cost(0), map[*live]int{}
	for i, r := range c.rows {
		if choice[i] == none {
			got += m.m.orphan
			continue
		}
		e := r.edges[choice[i]]
		got += e.cost + m.m.prior.nth(e.to.free, count[e.to])
		count[e.to]++
	}
	if float64(got) != d.best {
		t.Fatalf("total cost %d, want %v", got, d.best)
	}
	for i, o := range p.enumerate() {
		for j, w := range append(slices.Concat(o.edges, o.pruned), o.orphan) {
			want := d.weight[i][j] / d.total
			if p := share(w, o.total()); math.Abs(p-want) > 1e-3 {
				t.Fatalf("row %d, edge %d: posterior %v, want %v", i, j, p, want)
			}
		}
	}
	checkMargins(t, p)
}

// checkMargins compares margins by flow with margins by enumeration, which agree
// where no edge was pruned.
func checkMargins(t *rapid.T, p *problem) {
	for _, r := range p.c.rows {
		if len(r.pruned) > 0 {
			return
		}
	}
	exact := p.enumerate()
	for i, o := range p.margins() {
		if d := o.margin - exact[i].margin; d < -2 || d > 2 {
			t.Fatalf("row %d: margin %d by flow, %d by enumeration", i, o.margin, exact[i].margin)
		}
	}
}

func TestGreedyGivesEveryRowOneAnswer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, c := drawComponent(t)
		s := m.greedy(c)
		for i, r := range c.rows {
			if s.choice[i] != none && (s.choice[i] < 0 || s.choice[i] >= len(r.edges)) {
				t.Fatalf("row %d goes to edge %d of %d", i, s.choice[i], len(r.edges))
			}
		}
	})
}
