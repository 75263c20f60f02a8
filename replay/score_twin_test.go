package replay

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"holdfast/replay/tick"
)

// randomCase is a small crowded incident with some answer to it, right or wrong.
func randomCase(rng *rand.Rand) (Incident, Truth, Answer) {
	causes := []string{"short-lease", "sink-double-emit", "crash-replay"}
	symbols := []string{"A", "B"}
	var in Incident
	truth := Truth{Preset: "none"}
	for e := range 1 + rng.IntN(8) {
		ev := Event{ID: fmt.Sprintf("e%d", e), Symbol: symbols[rng.IntN(2)],
			Time: tick.Nanos(rng.IntN(30)-15) * millisecond, Price: tick.Price(100+rng.IntN(3)) * tick.Scale / 2}
		in.Events = append(in.Events, ev)
	}
	first := map[string]int64{}
	for n := range int64(rng.IntN(16)) {
		ev := in.Events[rng.IntN(len(in.Events))]
		row := Row{N: 2*n + 1, Symbol: ev.Symbol, Time: ev.Time, Price: ev.Price} // every other record was rejected
		line := TruthRow{Row: row.N, Event: ev.ID, Canonical: row.N}
		if first[ev.ID] == 0 {
			first[ev.ID] = row.N
		} else {
			row.Time += tick.Nanos(rng.IntN(3)) * 5 * millisecond
			line.Duplicate, line.Canonical, line.Cause = true, first[ev.ID], causes[rng.IntN(3)]
		}
		in.Rows, truth.Rows = append(in.Rows, row), append(truth.Rows, line)
	}
	a := Answer{RowsIn: int64(len(in.Rows))}
	for _, r := range in.Rows {
		if rng.IntN(3) == 0 {
			c := Claim{Row: r.N, Values: r.values(), Cause: causes[rng.IntN(3)], Label: Label(rng.IntN(4)),
				Canonical: in.Rows[rng.IntN(len(in.Rows))].N, Posterior: rng.Float64(), HasPosterior: true}
			c.Events = []string{in.Events[rng.IntN(len(in.Events))].ID}
			a.Claims = append(a.Claims, c)
		}
		if rng.IntN(3) == 0 {
			a.Removed = append(a.Removed, r.N)
		} else {
			a.Kept = append(a.Kept, r.values())
		}
	}
	return in, truth, a
}

// Pairwise and B-cubed against their definitions, pair by pair.
func TestClustersAgainstDefinition(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 2))
		n := rng.IntN(20)
		truth, answer := randomPartition(rng, n), randomPartition(rng, n)
		pairwise, bcubed := compareClusters(truth, answer)
		wantPairs, wantB := dumbPairwise(truth, answer), dumbBCubed(truth, answer)
		if pairwise != wantPairs || !alike(bcubed, wantB) {
			t.Fatalf("seed %d: truth %v answer %v:\n got %v %v\nwant %v %v", seed, truth, answer, pairwise, bcubed, wantPairs, wantB)
		}
	}
}

// randomPartition gives each row the index of its cluster's first row.
func randomPartition(rng *rand.Rand, n int) []int32 {
	roots := make([]int32, n)
	first := map[int]int32{}
	k := 1 + rng.IntN(n+1)
	for i := range roots {
		c := rng.IntN(k)
		if _, ok := first[c]; !ok {
			first[c] = int32(i)
		}
		roots[i] = first[c]
	}
	return roots
}

func dumbPairwise(truth, answer []int32) PrecisionRecall {
	var tp, fp, fn int64
	for i := range truth {
		for j := range i {
			switch a, b := truth[i] == truth[j], answer[i] == answer[j]; {
			case a && b:
				tp++
			case b:
				fp++
			case a:
				fn++
			}
		}
	}
	return precisionRecall(tp, fp, fn)
}

func dumbBCubed(truth, answer []int32) (r PrecisionRecall) {
	var p, q float64
	for i := range truth {
		var both, ofTruth, ofAnswer float64
		for j := range truth {
			if truth[i] == truth[j] {
				ofTruth++
			}
			if answer[i] == answer[j] {
				ofAnswer++
			}
			if truth[i] == truth[j] && answer[i] == answer[j] {
				both++
			}
		}
		p += both / ofAnswer
		q += both / ofTruth
	}
	if n := float64(len(truth)); n > 0 {
		p, q = p/n, q/n
		r = PrecisionRecall{Ratio{p, true}, Ratio{q, true}, Ratio{2 * p * q / (p + q), true}}
	}
	return r
}

func alike(a, b PrecisionRecall) bool {
	near := func(x, y Ratio) bool { return x.Defined == y.Defined && math.Abs(x.Value-y.Value) < 1e-12 }
	return near(a.Precision, b.Precision) && near(a.Recall, b.Recall) && near(a.F1, b.F1)
}

// Removed, lost and doubled by going through events one at a time.
func TestJudgeAgainstDefinition(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		in, truth, a := randomCase(rand.New(rand.NewPCG(seed, 3)))
		r := mustScore(t, in, truth, a)
		want := DedupeScore{Removed: int64(len(a.Removed))}
		for _, e := range in.Events {
			had, kept := 0, 0
			gone, copies := map[Values]int64{}, map[Values]int64{}
			for i, line := range truth.Rows {
				if line.Event != e.ID {
					continue
				}
				had++
				v := in.Rows[i].values()
				if line.Duplicate {
					copies[v]++
				}
				if slices.Contains(a.Removed, line.Row) {
					gone[v]++
				} else {
					kept++
				}
			}
			if had > 0 && kept == 0 {
				want.EventsLost++
			}
			if kept > 1 {
				want.EventsDoubled++
			}
			for v := range gone {
				want.DuplicatesRemoved += min(gone[v], copies[v])
			}
		}
		if r.Dedupe != want {
			t.Fatalf("seed %d: %+v, want %+v", seed, r.Dedupe, want)
		}
	}
}

// Detection per class of interchangeable rows: as many right as there can be.
func TestDetectionAgainstDefinition(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		in, truth, a := randomCase(rand.New(rand.NewPCG(seed, 4)))
		type class struct {
			event  string
			values Values
		}
		claims, copies := map[class]int64{}, map[class]int64{}
		for i, line := range truth.Rows {
			k := class{line.Event, in.Rows[i].values()}
			if line.Duplicate {
				copies[k]++
			}
			if slices.ContainsFunc(a.Claims, func(c Claim) bool { return c.Row == line.Row }) {
				claims[k]++
			}
			copies[k] += 0
		}
		var tp, fp, fn int64
		for k := range copies {
			both := min(claims[k], copies[k])
			tp, fp, fn = tp+both, fp+claims[k]-both, fn+copies[k]-both
		}
		want := Detection{tp, fp, fn, precisionRecall(tp, fp, fn)}
		if got := mustScore(t, in, truth, a).Detection; got != want {
			t.Fatalf("seed %d: %+v, want %+v", seed, got, want)
		}
	}
}

// The near-star and as-of rules as one would write them without an index.
func TestBaselinesAgainstDefinition(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		in, _, _ := randomCase(rand.New(rand.NewPCG(seed, 5)))
		if got, want := keepStarFirst(in.Rows), dumbStar(in.Rows); !slices.Equal(got, want) {
			t.Fatalf("seed %d: near-star removes %v, want %v", seed, got, want)
		}
		gotGone, gotEvent := keepNearest(in)
		wantGone, wantEvent := dumbNearest(in)
		if !slices.Equal(gotGone, wantGone) || !slices.Equal(gotEvent, wantEvent) {
			t.Fatalf("seed %d: asof-nearest %v %v, want %v %v", seed, gotGone, gotEvent, wantGone, wantEvent)
		}
	}
}

func dumbStar(rows []Row) []bool {
	removed, taken := make([]bool, len(rows)), make([]bool, len(rows))
	for {
		centre := -1
		for i, r := range rows {
			if !taken[i] && (centre < 0 || r.Time < rows[centre].Time) {
				centre = i
			}
		}
		if centre < 0 {
			return removed
		}
		var star []int
		for i, r := range rows {
			if !taken[i] && near(rows[centre], r) {
				star = append(star, i)
				taken[i] = true
			}
		}
		for _, i := range star[1:] {
			removed[i] = true
		}
	}
}

func dumbNearest(in Incident) (removed []bool, linked []int32) {
	removed = make([]bool, len(in.Rows))
	rowsOf := map[int32][]int{}
	for i, r := range in.Rows {
		best := noIndex
		for k, e := range in.Events {
			if e.Symbol != r.Symbol {
				continue
			}
			if best == noIndex {
				best = int32(k)
				continue
			}
			b := in.Events[best]
			da, db := distance(r.Time, e.Time), distance(r.Time, b.Time)
			if da < db || da == db && (e.Time < b.Time || e.Time == b.Time && e.ID < b.ID) {
				best = int32(k)
			}
		}
		linked = append(linked, best)
		if best != noIndex {
			rowsOf[best] = append(rowsOf[best], i)
		}
	}
	for k, rows := range rowsOf {
		t := in.Events[k].Time
		sort.SliceStable(rows, func(a, b int) bool {
			return distance(in.Rows[rows[a]].Time, t) < distance(in.Rows[rows[b]].Time, t)
		})
		for _, i := range rows[1:] {
			removed[i] = true
		}
	}
	return removed, linked
}
