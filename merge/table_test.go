package merge

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A distribution is a pair of lists, and what the protocol makes of it.
type distribution struct {
	name           string
	a, b           []int32
	bound          int
	least, most    int64 // messages
	compLo, compHi int64
	steps          int // 0 = not said
}

// distinct draws n+m different values and deals them.
func distinct(n, m int, draw func() int64) (a, b []int32) {
	seen := map[int64]bool{}
	for len(a) < n || len(b) < m {
		v := draw()
		if v < math.MinInt32 || v > math.MaxInt32 || seen[v] {
			continue
		}
		seen[v] = true
		if len(a) < n {
			a = append(a, int32(v))
		} else {
			b = append(b, int32(v))
		}
	}
	return a, b
}

func distributions() []distribution {
	rng := rand.New(rand.NewPCG(1, 2))
	uniform := func(n, m int, lo, hi int64) (a, b []int32) {
		return distinct(n, m, func() int64 { return lo + rng.Int64N(hi-lo) })
	}
	var d []distribution
	add := func(name string, a, b []int32, bound int, least, most, lo, hi int64, steps int) {
		d = append(d, distribution{name: name, a: a, b: b, bound: bound, least: least, most: most, compLo: lo, compHi: hi, steps: steps})
	}
	for _, c := range []struct {
		within               uint64
		bound                int
		messages, comparison int64
		steps                int
	}{
		{6000, 13, 3, 1078, 4}, {10_000, 16, 17, 1073, 33}, {100_000, 27, 28, 1069, 55}, {1 << 31, 73, 74, 1076, 147},
	} {
		a, b := drawn(547, 5000, 1000, c.within)
		add(fmt.Sprint("drawn from ", c.within), a, b, c.bound, c.messages, c.messages, c.comparison, c.comparison, c.steps)
	}
	a, b := uniform(5000, 1000, 0, 1e6)
	add("uniform in 10^6", a, b, 37, 39, 39, 1065, 1080, 77)
	a, b = uniform(5000, 1000, math.MinInt32, 1<<31)
	add("full signed range", a, b, 76, 78, 78, 1060, 1085, 155)

	cluster := func(centres []int64, sigma float64) func() int64 {
		return func() int64 { return centres[rng.IntN(len(centres))] + int64(rng.NormFloat64()*sigma) }
	}
	centres := make([]int64, 20)
	for i := range centres {
		centres[i] = rng.Int64N(1 << 31)
	}
	a, b = distinct(5000, 1000, cluster(centres, 2000))
	add("20 clusters shared", a, b, 73, 31, 34, 1000, 1100, 0)
	rng = seeded(2) // the order of the clusters decides: 7 to 22 messages
	for i := range centres {
		centres[i] = rng.Int64N(1 << 31)
	}
	a, _ = distinct(5000, 1, cluster(centres[:10], 2000))
	b, _ = distinct(1000, 1, cluster(centres[10:], 2000))
	add("10 and 10 separate clusters", a, b, 73, 14, 20, 1000, 1100, 0)

	a, _ = uniform(5000, 0, 1_500_000_000, 1<<31)
	b, _ = uniform(1000, 0, 0, 1_400_000_000)
	add("B sparse below A", a, b, 73, 2, 2, 1000, 1070, 0)
	a, _ = uniform(5000, 0, 0, 500_000_000)
	b, _ = uniform(1000, 0, 600_000_000, 1<<31)
	add("B sparse above A", a, b, 73, 3, 3, 1000, 1070, 0)
	lower, _ := uniform(2500, 0, 0, 400_000_000)
	upper, _ := uniform(2500, 0, 1_800_000_000, 1<<31)
	b, _ = uniform(1000, 0, 500_000_000, 1_700_000_000)
	add("B sparse in one gap of A", slices.Concat(lower, upper), b, 73, 4, 4, 1000, 1080, 0)
	a, _ = uniform(5000, 0, 0, 1<<30)
	near, far := uniform(500, 500, 0, 1<<30)
	for i := range far {
		far[i] += 1 << 30
	}
	seen := map[int32]bool{}
	for _, v := range a {
		seen[v] = true
	}
	near = slices.DeleteFunc(near, func(v int32) bool { return seen[v] })
	add("half overlap, long tail", a, append(near, far...), 73, 30, 40, 950, 1080, 0)

	a, b = nil, nil
	for v := range int32(6000) {
		if v%600 < 500 {
			a = append(a, v)
		} else {
			b = append(b, v)
		}
	}
	add("runs of 500 and 100, nothing free", a, b, 13, 3, 3, 1078, 1078, 5)
	add("strides", linear(5000, 0, 357913), linear(1000, 7, 1789565), 72, 1, 1, 4999, 4999, 2)
	add("A empty", nil, linear(1000, 0, 3), 1, 1, 1, 0, 0, 2)
	add("B empty", linear(5000, 0, 3), nil, 1, 1, 2, 0, 4999, 0)
	a, b = uniform(5000, 1000, 0, 1<<31)
	add("B empty, A random", a, nil, 1, 2, 2, 0, 0, 3)
	add("both empty", nil, nil, 1, 1, 1, 0, 0, 2)
	add("1 and 1000", []int32{500}, linear(1000, 1, 7), 1, 1, 1, 0, 0, 2)
	add("1 and 1", []int32{5}, []int32{3}, 1, 1, 1, 0, 0, 2)
	add("5000 and 1", a, b[:1], 1, 2, 2, 3, 8, 3)
	a, b = uniform(3000, 3000, 0, 1e6)
	add("3000 and 3000 in 10^6", a, b, 96, 97, 97, 3080, 3100, 0)
	a, b = uniform(1000, 5000, 0, 1e6)
	add("1000 and 5000 in 10^6", a, b, 37, 40, 40, 1060, 1080, 0)

	a, b = nil, nil
	for range 5000 {
		a = append(a, int32(rng.IntN(2000)*2))
	}
	for range 1000 {
		b = append(b, int32(rng.IntN(2000)*2+1))
	}
	add("repeats inside both", a, b, 12, 13, 14, 1040, 1090, 0)
	add("all alike", slices.Repeat([]int32{7}, 5000), slices.Repeat([]int32{9}, 1000), 1, 1, 1, 4999, 4999, 2)
	return d
}

func TestTable(t *testing.T) {
	for _, d := range distributions() {
		t.Run(d.name, func(t *testing.T) {
			m, r := runPair(t, Config{}, d.a, d.b, nil)
			bound := BoundMessages(d.a, d.b, Words)
			t.Logf("bound %d, messages %d, comparisons %d, steps %d, written %d + %d, kinds %s", bound, r.Messages, r.StatsA.Comparisons,
				r.TotalSteps, r.StatsA.ValuesOutput, r.StatsB.ValuesOutput, kinds(m))
			if bound != d.bound {
				t.Errorf("bound %d, want %d", bound, d.bound)
			}
			if r.Messages < d.least || r.Messages > d.most {
				t.Errorf("%d messages, want %d to %d", r.Messages, d.least, d.most)
			}
			if r.Messages > int64(11*bound/10+3) {
				t.Errorf("%d messages, bound %d", r.Messages, bound)
			}
			if r.StatsA.Comparisons != r.StatsB.Comparisons || r.StatsA.Comparisons < d.compLo || r.StatsA.Comparisons > d.compHi {
				t.Errorf("comparisons %d and %d, want %d to %d", r.StatsA.Comparisons, r.StatsB.Comparisons, d.compLo, d.compHi)
			}
			if d.steps != 0 && r.TotalSteps != d.steps {
				t.Errorf("%d steps, want %d", r.TotalSteps, d.steps)
			}
			if most := 2*(r.Messages+1) + 2; int64(r.TotalSteps) > most {
				t.Errorf("%d steps, want at most %d", r.TotalSteps, most)
			}
		})
	}
}

// kinds counts the messages of both workers by type.
func kinds(m *Memory) string {
	var out string
	for i, w := range m.Workers {
		out += string(rune('A'+i)) + ":"
		last, n := "", 0
		flush := func() {
			if n > 0 {
				out += fmt.Sprintf(" %s*%d", last, n)
			}
		}
		for _, msg := range w.Sent {
			if msg.Type != last {
				flush()
				last, n = msg.Type, 0
			}
			n++
		}
		flush()
		out += " "
	}
	return out
}
