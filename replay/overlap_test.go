package replay

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/replay/tick"
)

func TestOverlaps(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		a, b   Attempt
		closed bool
		want   bool
	}{
		{"row 21", ok("worker-1", 0, 11), ok("worker-2", 0, 7), false, true},
		{"row 23, touching", ok("worker-1", 0, 10), ok("worker-2", 10, 20), false, false},
		{"row 23, touching, closed", ok("worker-1", 0, 10), ok("worker-2", 10, 20), true, true},
		{"row 3, zero length inside", ok("worker-1", 0, 10), ok("worker-2", 5, 5), false, false},
		{"row 3, zero length inside, closed", ok("worker-1", 0, 10), ok("worker-2", 5, 5), true, false},
		{"row 3, end before start", ok("worker-1", 0, 10), ok("worker-2", 5, 1), false, false},
		{"open, within the window", hung("worker-1", 0), ok("worker-2", 1, 5), false, true},
		{"open, beyond the window", hung("worker-1", 0), ok("worker-2", 1.5, 5), false, false},
		{"later one open", ok("worker-1", 0, 10), hung("worker-2", 5), false, true},
		{"later one open, after", ok("worker-1", 0, 10), hung("worker-2", 10), false, false},
		{"both open", hung("worker-1", 0), hung("worker-2", 0.5), false, true},
	} {
		p := plain()
		p.Closed = tc.closed
		if got := p.overlaps(&tc.a, &tc.b, 0); got != tc.want {
			t.Errorf("%s: %t", tc.name, got)
		}
	}
}

func TestOverlapGroups(t *testing.T) {
	t.Parallel()
	chain := Classify(caseOf("e", 0, 1, ok("worker-1", 0, 10), ok("worker-2", 5, 15), ok("worker-3", 12, 20)), plain())
	if chain.OverlapGroups != 1 || chain.OverlapPairs != 2 || chain.MaxConcurrency != 2 { // row 24
		t.Errorf("chain: %d groups, %d pairs, %d at once", chain.OverlapGroups, chain.OverlapPairs, chain.MaxConcurrency)
	}
	apart := Classify(caseOf("e", 0, 1, ok("worker-1", 0, 10), ok("worker-2", 5, 8), ok("worker-3", 20, 30), ok("worker-1", 21, 40)), plain())
	var groups []int
	var with [][]int
	for _, e := range apart.Timeline {
		groups, with = append(groups, e.OverlapGroup), append(with, e.OverlapsWith)
	}
	if diff := cmp.Diff([]int{1, 1, 2, 2}, groups); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][]int{{2}, {1}, {4}, {3}}, with); diff != "" {
		t.Error(diff)
	}
}

// dumbGraph is the definition of R22 and R23, pair by pair.
func dumbGraph(as []Attempt, p *Population) (pairs, groups, most int) {
	overlap := func(a, b Attempt) bool {
		eps := abs(p.skew(a.Worker) - p.skew(b.Worker))
		end := func(x, other Attempt) tick.Nanos {
			if x.Open && other.Start >= x.Start {
				return x.Start + p.ClaimWindow + 1 + eps
			}
			if x.Open {
				return other.Start + 1<<40
			}
			return x.End
		}
		if a.BadInterval() || b.BadInterval() || !a.Open && a.End == a.Start || !b.Open && b.End == b.Start {
			return false
		}
		return b.Start < end(a, b)-eps && a.Start < end(b, a)-eps
	}
	seen := make([]bool, len(as))
	var visit func(i int) int
	visit = func(i int) int {
		seen[i] = true
		n := 1
		for j := range as {
			if !seen[j] && overlap(as[min(i, j)], as[max(i, j)]) {
				n += visit(j)
			}
		}
		return n
	}
	for i := range as {
		running := 1
		for j := range i {
			if overlap(as[j], as[i]) {
				pairs++
				running++
			}
		}
		most = max(most, running)
		if !seen[i] && visit(i) > 1 {
			groups++
		}
	}
	return pairs, groups, most
}

func randomAttempts(rng *rand.Rand, n int, span float64) []Attempt {
	as := make([]Attempt, n)
	for i := range as {
		w := []string{"worker-1", "worker-2", "worker-3"}[rng.IntN(3)]
		s := float64(rng.IntN(int(span*4))) / 4
		switch rng.IntN(8) {
		case 0:
			as[i] = hung(w, s)
		case 1:
			as[i] = did(w, s, s-float64(rng.IntN(3)), StatusSuccess)
		default:
			as[i] = did(w, s, s+float64(rng.IntN(40))/4, Status(rng.IntN(4)))
		}
	}
	return CleanAttempts(as)
}

func TestOverlapGraphAgainstDefinition(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(11, 11))
	for range 2000 {
		c := EventCase{Event: Event{ID: "e", Time: at(0)}, Attempts: randomAttempts(rng, 2+rng.IntN(9), 30)}
		p := plain()
		if rng.IntN(2) == 0 {
			p.Skewed = true
			p.Workers = []WorkerFacts{{Name: "worker-2", Skew: 2 * millisecond, HasSkew: true}}
		}
		f := Classify(c, p)
		pairs, groups, most := dumbGraph(c.Attempts, p)
		if f.OverlapPairs != pairs || f.OverlapGroups != groups || f.MaxConcurrency != most {
			t.Fatalf("%v\ngot %d %d %d, want %d %d %d", c.Attempts, f.OverlapPairs, f.OverlapGroups, f.MaxConcurrency, pairs, groups, most)
		}
	}
}

func TestSweepCountsWhatComparingCounts(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(12, 12))
	for i := range 300 {
		c := EventCase{Attempts: randomAttempts(rng, 2+rng.IntN(60), 60)}
		p := plain()
		p.Closed = i%2 == 0
		var a, b Findings
		a.timeline(&c, p)
		b.timeline(&c, p)
		a.comparePairs(&c, p)
		b.MaxConcurrency = 1
		b.sweep(&c, p)
		groups := func(f *Findings) (g []int) {
			for _, e := range f.Timeline {
				g = append(g, e.OverlapGroup)
			}
			return g
		}
		if a.OverlapPairs != b.OverlapPairs || a.MaxConcurrency != b.MaxConcurrency || !slices.Equal(groups(&a), groups(&b)) {
			t.Fatalf("%v\npairs %d, sweep %d; at once %d and %d; groups %v and %v", c.Attempts,
				a.OverlapPairs, b.OverlapPairs, a.MaxConcurrency, b.MaxConcurrency, groups(&a), groups(&b))
		}
	}
}

func TestManyAttemptsOfOneEvent(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(13, 13))
	c := EventCase{Event: Event{ID: "e", Time: at(0)}, Attempts: randomAttempts(rng, 3000, 200)}
	for i := range 2000 {
		c.Rows = append(c.Rows, rowOf(&c.Event, int64(i+1), float64(i), 0))
	}
	f := Classify(c, plain())
	pairs, groups, most := dumbGraph(c.Attempts, plain())
	if f.OverlapPairs != pairs || f.OverlapGroups != groups || f.MaxConcurrency != most {
		t.Errorf("got %d %d %d, want %d %d %d", f.OverlapPairs, f.OverlapGroups, f.MaxConcurrency, pairs, groups, most)
	}
	if len(f.Duplicates) != 1999 {
		t.Errorf("%d duplicates", len(f.Duplicates))
	}
	for _, e := range f.Timeline {
		if len(e.OverlapsWith) > listedMost || len(e.Rows) > listedMost || e.Fate != FateNone && e.RowsMore != 2000-listedMost {
			t.Fatalf("lists are not bounded: %+v", e)
		}
	}
}

func TestCleanAttempts_R20(t *testing.T) {
	t.Parallel()
	a, b := ok("worker-1", 0, 5), ok("worker-2", 0, 5)
	open, timeout := hung("worker-1", 0), did("worker-1", 0, 5, StatusTimeout)
	again := open
	again.End = at(99) // means nothing
	want := []Attempt{a, timeout, b, open}
	want[0].Lines, want[3].Lines = 3, 2
	rng := rand.New(rand.NewPCG(14, 14))
	for range 50 {
		in := []Attempt{a, a, a, b, timeout, open, again}
		rng.Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
		got := CleanAttempts(in)
		for i := range got {
			if got[i].Open {
				got[i].End = 0
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
	f := Classify(caseOf("e", 0, 1, a, a, b), plain())
	if f.DuplicatedLines != 1 || len(f.Timeline) != 2 || !slices.Contains(f.Timeline[0].Notes, DuplicatedLine) {
		t.Errorf("%+v", f)
	}
}
