package replay

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"holdfast/replay/tick"
)

// dmrIncident draws an incident of the shape of dmr2025 (R82), small enough to
// be written here: the laboratory may not be imported, and an independent
// drawing also tests the figures of R92 for themselves.
func dmrIncident(seed uint64, n int) (Incident, Truth) {
	rng := rand.New(rand.NewPCG(seed, 2025))
	symbols := []string{"TCS", "INFY", "RELIANCE", "HDFCBANK", "ICICIBANK", "SBIN", "ITC"}
	const start = 1752484500 * 1000 * millisecond // 2025-07-14T09:15:00Z
	const cent = tick.Scale / 100

	twice := map[int]bool{}
	for len(twice) < n/280 {
		twice[rng.IntN(n)] = true
	}
	var in Incident
	t := Truth{Preset: "dmr2025", Seed: seed}
	write := func(v Values, line TruthRow) int64 {
		line.Row = int64(len(in.Rows) + 1)
		if !line.Duplicate {
			line.Canonical = line.Row
		}
		in.Rows = append(in.Rows, Row{N: line.Row, Symbol: v.Symbol, Time: v.Time, Price: v.Price})
		t.Rows = append(t.Rows, line)
		return line.Row
	}
	for i := range n {
		e := Event{
			ID:     fmt.Sprintf("evt_%07d", i),
			Time:   start + tick.Nanos(i)*5*millisecond,
			Symbol: symbols[rng.IntN(len(symbols))],
			Price:  tick.Price(100_000+rng.Int64N(200_001)) * cent,
		}
		in.Events = append(in.Events, e)
		row := write(e.values(), TruthRow{Event: e.ID, Attempt: 1})
		if !twice[i] {
			continue
		}
		v := e.values()
		v.Time += tick.Nanos(1+rng.Int64N(10)) * millisecond
		v.Price += tick.Price(rng.Int64N(101)-50) * cent
		cause := "concurrent-double-claim"
		if rng.IntN(3) == 0 {
			cause = "same-worker-double-claim"
		}
		write(v, TruthRow{Event: e.ID, Attempt: 2, Duplicate: true, Canonical: row, Cause: cause})
	}
	return in, t
}

// oracle is the answer of somebody who knows the truth: every duplicate named
// and explained, every copy removed except those that the source made.
func oracle(in Incident, t Truth) Answer {
	a := Answer{RowsIn: int64(len(in.Rows))}
	values, events := map[int64]Values{}, map[int64]string{}
	for _, r := range in.Rows {
		values[r.N] = r.values()
	}
	for _, r := range t.Rows {
		events[r.Row] = r.Event
	}
	gone := map[int64]bool{}
	for _, r := range t.Rows {
		if r.Event != "" {
			a.Links = append(a.Links, Link{r.Row, r.Event})
		}
		if !r.Duplicate {
			continue
		}
		a.Claims = append(a.Claims, Claim{
			Row: r.Row, Values: values[r.Row], Events: []string{r.Event}, Canonical: r.Canonical,
			Cause: r.Cause, Label: Certain, Posterior: 1, HasPosterior: true,
		})
		if events[r.Canonical] == r.Event {
			a.Removed = append(a.Removed, r.Row)
			gone[r.Row] = true
		}
	}
	for _, r := range in.Rows {
		if !gone[r.N] {
			a.Kept = append(a.Kept, r.values())
		}
	}
	return a
}

// silence is the answer that nothing is wrong.
func silence(in Incident) Answer {
	a := Answer{RowsIn: int64(len(in.Rows))}
	for _, r := range in.Rows {
		a.Kept = append(a.Kept, r.values())
	}
	return a
}

func mustScore(t *testing.T, in Incident, truth Truth, a Answer) Report {
	t.Helper()
	r, err := Score(in, truth, a)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Section 8 row 42 and R92: what the usual rules achieve on dmr2025, and what
// the right answer does.
func TestBaselinesOnDMR2025_R92(t *testing.T) {
	t.Parallel()
	type span struct{ lo, hi int64 }
	type want struct{ removed, duplicates, doubled, lost span }
	ranges := map[string]want{
		"key-last":         {span{1, 20}, span{1, 20}, span{230, 249}, span{0, 0}},
		"key-first":        {span{1, 20}, span{0, 0}, span{250, 250}, span{1, 20}},
		"exact-row":        {span{0, 0}, span{0, 0}, span{250, 250}, span{0, 0}},
		"round-5ms-last":   {span{55, 105}, span{14, 45}, span{145, 195}, span{0, 0}},
		"consecutive-line": {span{250, 264}, span{250, 250}, span{0, 0}, span{0, 14}},
		"near-star":        {span{251, 272}, span{248, 250}, span{0, 0}, span{1, 22}},
		"floor-200ms-last": {span{57990, 58070}, span{190, 228}, span{0, 0}, span{57740, 57820}},
		"asof-nearest":     {span{250, 250}, span{230, 249}, span{1, 20}, span{1, 20}},
	}
	const seeds = 8
	var keyLast int64
	for seed := range uint64(seeds) {
		in, truth := dmrIncident(seed, 70_000)
		r := mustScore(t, in, truth, oracle(in, truth))
		if got, want := r.Dedupe, (DedupeScore{Removed: 250, DuplicatesRemoved: 250}); got != want {
			t.Errorf("seed %d: right answer: dedupe %+v, want %+v", seed, got, want)
		}
		if r.Linking.Accuracy != (Ratio{1, true}) || r.Floors.Met == nil || !*r.Floors.Met {
			t.Errorf("seed %d: right answer: linking %v, floors %+v", seed, r.Linking.Accuracy, r.Floors)
		}
		for _, name := range BaselineNames() {
			b, w := r.Baselines[name], ranges[name]
			for _, c := range []struct {
				what string
				got  int64
				span
			}{
				{"removed", b.Removed, w.removed}, {"duplicates removed", b.DuplicatesRemoved, w.duplicates},
				{"still doubled", b.EventsDoubled, w.doubled}, {"lost", b.EventsLost, w.lost},
			} {
				if c.got < c.lo || c.got > c.hi {
					t.Errorf("seed %d: %s: %s %d, want %d to %d", seed, name, c.what, c.got, c.lo, c.hi)
				}
			}
			if l := b.Linking; l.Defined != (name == "asof-nearest") || l.Defined && (l.Value < 0.70 || l.Value > 0.88) {
				t.Errorf("seed %d: %s: linking %v", seed, name, l)
			}
		}
		if b := r.Baselines["key-last"]; b.Removed != b.DuplicatesRemoved || b.Removed+b.EventsDoubled != 250 || b.Removed != r.Baselines["key-first"].EventsLost {
			t.Errorf("seed %d: key-last %+v and key-first %+v: every key group is a copy on a real tick's key", seed, b, r.Baselines["key-first"])
		}
		keyLast += r.Baselines["key-last"].Removed
		t.Logf("seed %d: %+v", seed, r.Baselines)
	}
	if mean := float64(keyLast) / seeds; mean < 5 || mean > 11 {
		t.Errorf("key-last removes %.1f rows on average, want about 7.7", mean)
	}
}
