package whatif

import (
	"cmp"
	"maps"
	"slices"

	"holdfast/replay"
	"holdfast/replay/tick"
	"time"
)

// Result is what a study found.
type Result struct {
	Duplicates int64
	Outcomes   []Outcome // in the order of Config.Safeguards
	ClosedLoop []Outcome // of those for which a closed loop may answer otherwise

	// Minimal is the smallest set of safeguards, as indices, that together
	// prevent whatever the harmless ones prevent at all; Left is how many
	// duplicates even they do not surely prevent.
	Minimal []int
	Left    int64
	// Pairs are the two-by-two sums: what both together surely prevent.
	Pairs []Pair
	// Shares is the Shapley value of each safeguard, in duplicates; harmful
	// ones have none.
	Shares []float64
	Matrix []CauseRow
	Groups []Group // duplicates that share cause and fate
}

// Pair is what two safeguards surely prevent together.
type Pair struct {
	A, B      int
	Prevented int64
}

// CauseRow is what each safeguard does to the duplicates of one cause.
type CauseRow struct {
	Cause      replay.Cause
	Duplicates int64
	By         []Range
}

// Result ends the study.
func (s *Study) Result() *Result {
	r := &Result{Duplicates: s.dups}
	var harmless uint64
	for i := range s.w {
		w := &s.w[i]
		w.Duplicates = s.dups
		if w.NotEstimable == "" {
			w.Outcome.Keys, w.Skew, w.Latency = w.keys.most(), w.loads.skew(), quantiles(w.delays)
			w.PreventedExpected = min(max(w.PreventedExpected, float64(w.PreventedLo)), float64(w.PreventedHi))
		}
		if v := w.Outcome.Verdict(); v != Harmful && v != NotEstimable {
			harmless |= 1 << i
		}
		r.Outcomes = append(r.Outcomes, w.Outcome)
	}
	for i := range s.loop {
		w := &s.loop[i]
		w.Duplicates, w.Outcome.Keys = s.dups, -1
		r.ClosedLoop = append(r.ClosedLoop, w.Outcome)
	}
	r.Minimal = s.sets.smallest(harmless)
	r.Left = s.dups - s.sets.covered(harmless)
	r.Shares = s.sets.shares(harmless)
	for a := range s.w {
		for b := a + 1; b < len(s.w); b++ {
			if harmless&(1<<a) != 0 && harmless&(1<<b) != 0 {
				r.Pairs = append(r.Pairs, Pair{a, b, s.sets.covered(1<<a | 1<<b)})
			}
		}
	}
	r.Groups = s.sets.list()
	r.matrix(&s.sets)
	return r
}

func (r *Result) matrix(s *sets) {
	for _, c := range slices.SortedFunc(maps.Keys(s.matrix), func(a, b replay.Cause) int { return cmp.Compare(a, b) }) {
		r.Matrix = append(r.Matrix, CauseRow{Cause: c, Duplicates: s.causes[c], By: s.matrix[c]})
	}
}

// The parameters that are tried when nobody asks for others.
var windows = []time.Duration{time.Second, 10 * time.Second, 2 * time.Minute, time.Hour}

// Standard are the safeguards that every study weighs: each of R70, with the
// usual parameters, and the lease, the window and the tolerance that this
// incident suggests (a window or tolerance of 0: none).
func Standard(f *Facts, within tick.Nanos, price tick.Price) []Safeguard {
	list := []Safeguard{{Slug: UniqueEventID}, {Slug: UniqueKey}, {Slug: UniqueKeyPrice}}
	for _, slug := range []string{WindowFixed, WindowSliding} {
		for _, w := range with(windows, time.Duration(f.Window)) {
			list = append(list, Safeguard{Slug: slug, Window: w})
		}
	}
	list = append(list, Safeguard{Slug: LRU, Keys: 1000}, Safeguard{Slug: LRU, Keys: 100_000},
		Safeguard{Slug: MarkBeforeDeliver, Window: 2 * time.Minute},
		Safeguard{Slug: Lease, Window: time.Duration(f.Lease)}, Safeguard{Slug: Lease, Window: time.Minute},
		Safeguard{Slug: HeartbeatLease}, Safeguard{Slug: FencingToken}, Safeguard{Slug: UpsertEventID},
		Safeguard{Slug: PartitionSymbol}, Safeguard{Slug: PartitionEvent}, Safeguard{Slug: TransactionalSink},
		Safeguard{Slug: InFlightSet})
	if within > 0 {
		list = append(list, Safeguard{Slug: ToleranceDedupe, Window: time.Duration(within), Price: price})
	}
	return append(list, Safeguard{Slug: SourceDedupe})
}

// with is the list with one more in its place, unless it is there or 0.
func with(list []time.Duration, one time.Duration) []time.Duration {
	i, there := slices.BinarySearch(list, one)
	if there || one == 0 {
		return list
	}
	return slices.Insert(slices.Clone(list), i, one)
}

func quantiles(delays []tick.Nanos) *Delay {
	n := len(delays)
	if n == 0 {
		return nil
	}
	slices.Sort(delays)
	return &Delay{P50: delays[(n+1)/2-1], P99: delays[(n*99+99)/100-1]}
}
