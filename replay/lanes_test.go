package replay

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"holdfast/replay/tick"
)

// sortStarts orders attempts as LaneAssigner wants them.
func sortStarts(as []Attempt) []Attempt {
	slices.SortStableFunc(as, compareAttempts)
	return as
}

func TestLanesAgainstBruteForce_R26(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(21, 21))
	const open = millisecond
	for range 300 {
		as := sortStarts(randomAttempts(rng, 1+rng.IntN(60), 40))
		l := NewLaneAssigner(open)
		taken := map[string][]tick.Nanos{} // end of the last bar of each lane
		for _, a := range as {
			end := max(a.End, a.Start)
			if a.Open {
				end = a.Start + open
			}
			lanes := taken[a.Worker]
			want := slices.IndexFunc(lanes, func(e tick.Nanos) bool { return e <= a.Start })
			if want < 0 {
				want = len(lanes)
				lanes = append(lanes, 0)
			}
			lanes[want] = end
			taken[a.Worker] = lanes
			if got := l.Push(a); got != want+1 {
				t.Fatalf("%v: lane %d, want %d", a, got, want+1)
			}
		}
	}
}

func TestLanesOfManyConcurrentAttempts_Row34(t *testing.T) {
	t.Parallel()
	const n = 10_000
	rng := rand.New(rand.NewPCG(22, 22))
	limit := int64(4 * n * math.Log2(n))
	for name, end := range map[string]func(i int) float64{
		"all at once":          func(i int) float64 { return 20_000 },
		"first in, first out":  func(i int) float64 { return 20_000 + float64(i) },
		"first in, last out":   func(i int) float64 { return 40_000 - float64(i) },
		"ends at random":       func(i int) float64 { return float64(i) + rng.Float64()*20_000 },
		"hardly any at a time": func(i int) float64 { return float64(i) + 2.5 },
	} {
		l := NewLaneAssigner(0)
		most := 0
		for i := range n {
			most = max(most, l.Push(ok("worker-1", float64(i), end(i))))
		}
		if name != "ends at random" && name != "hardly any at a time" && most != n || name == "hardly any at a time" && most != 3 {
			t.Errorf("%s: %d lanes", name, most)
		}
		if l.Comparisons > limit {
			t.Errorf("%s: %d comparisons, at most %d", name, l.Comparisons, limit)
		}
	}
	// Waves: 100 attempts at once, a hundred times, with ends in any order.
	l := NewLaneAssigner(0)
	for wave := range 100 {
		for range 100 {
			s := float64(wave) * 10
			if lane := l.Push(ok("worker-1", s, s+1+rng.Float64()*9)); lane > 100 {
				t.Fatalf("lane %d of 100", lane)
			}
		}
	}
	if l.Comparisons > limit {
		t.Errorf("waves: %d comparisons, at most %d", l.Comparisons, limit)
	}
}

func TestWorkersHaveTheirOwnLanes(t *testing.T) {
	t.Parallel()
	l := NewLaneAssigner(millisecond)
	for i, a := range []Attempt{ok("worker-1", 0, 9), ok("worker-9", 0, 9), ok("worker-1", 1, 5)} {
		if got, want := l.Push(a), []int{1, 1, 2}[i]; got != want {
			t.Errorf("attempt %d: lane %d, want %d", i+1, got, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("starts may not go back")
		}
	}()
	l.Push(ok("worker-1", 0, 9))
}
