package replay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"holdfast/replay/tick"
)

// priced makes rows 1, 2, … of an event with these prices.
func priced(prices ...float64) []Match {
	e := Event{ID: "e", Symbol: "TCS", Time: at(0), Price: units(prices[0])}
	var out []Match
	for i, p := range prices {
		m := rowOf(&e, int64(i+1), 0, 0)
		m.Row.Price, m.Canonical = units(p), i == 0
		out = append(out, m)
	}
	return out
}

func decide(g Group, k Keep) (out []string) {
	for d := range Dedupe(slices.Values([]Group{g}), k) {
		if d.Removed {
			out = append(out, fmt.Sprintf("-%d for %d %s", d.Row, d.KeptRow, d.Reason))
		} else {
			out = append(out, fmt.Sprintf("%d = %s %s", d.Row, d.Price, d.Reason))
		}
	}
	return out
}

func TestKeep_R61(t *testing.T) {
	t.Parallel()
	rows := priced(100.1, 100, 100.3, 100, 100.3)
	for _, tc := range []struct {
		keep Keep
		want []string
	}{
		{KeepLast, []string{"-1 for 5 duplicate-key", "-2 for 5 duplicate-key", "-3 for 5 duplicate-key", "-4 for 5 duplicate-key"}},
		{KeepFirst, []string{"-2 for 1 duplicate-key", "-3 for 1 duplicate-key", "-4 for 1 duplicate-key", "-5 for 1 duplicate-key"}},
		{KeepLowest, []string{"-1 for 4 duplicate-key", "-2 for 4 duplicate-key", "-3 for 4 duplicate-key", "-5 for 4 duplicate-key"}},
		{KeepHighest, []string{"-1 for 5 duplicate-key", "-2 for 5 duplicate-key", "-3 for 5 duplicate-key", "-4 for 5 duplicate-key"}},
		{KeepMedian, []string{"-2 for 1 duplicate-key", "-3 for 1 duplicate-key", "-4 for 1 duplicate-key", "-5 for 1 duplicate-key"}},
		{KeepMean, []string{"-1 for 5 duplicate-key", "-2 for 5 duplicate-key", "-3 for 5 duplicate-key", "-4 for 5 duplicate-key", "5 = 100.14 mean-price"}},
	} {
		if diff := cmp.Diff(tc.want, decide(Group{ByKey, rows}, tc.keep)); diff != "" {
			t.Errorf("%s: %s", tc.keep, diff)
		}
	}
	if got := decide(Group{ByKey, priced(100, 100)}, KeepMean); len(got) != 1 {
		t.Errorf("a mean that is the price rewrites nothing: %v", got)
	}
	if got := decide(Group{ByKey, priced(100, 101)}, KeepMedian); !slices.Equal(got, []string{"-2 for 1 duplicate-key"}) {
		t.Errorf("lower middle: %v", got)
	}
	if got := decide(Group{ByKey, priced(100)}, KeepMean); got != nil {
		t.Errorf("alone: %v", got)
	}
}

func TestKeepByEvent_R61(t *testing.T) {
	t.Parallel()
	rows := priced(100, 100.2, 100.4)
	rows[0].Canonical, rows[1].Canonical = false, true
	if got := decide(Group{ByEvent, rows}, KeepTruth); !slices.Equal(got, []string{"-1 for 2 duplicate-event", "-3 for 2 duplicate-event"}) {
		t.Errorf("truth: %v", got)
	}
	rows[2].Label = Ambiguous
	if got := decide(Group{ByEvent, rows}, KeepTruth); !slices.Equal(got, []string{"-1 for 2 duplicate-event"}) {
		t.Errorf("an ambiguous row that some event may need stays: %v", got)
	}
	if got := decide(Group{ByEvent, rows}, KeepLast); !slices.Equal(got, []string{"-1 for 2 duplicate-event"}) {
		t.Errorf("an ambiguous row is not kept instead of a sure one: %v", got)
	}
	rows[2].Covered = true
	if got := decide(Group{ByEvent, rows}, KeepTruth); !slices.Equal(got, []string{"-1 for 2 duplicate-event", "-3 for 2 duplicate-event"}) {
		t.Errorf("a covered one goes: %v", got)
	}
	for i := range rows {
		rows[i].Label, rows[i].Covered = Ambiguous, false
	}
	if got := decide(Group{ByEvent, rows}, KeepLast); got != nil {
		t.Errorf("nothing is sure, nothing goes: %v", got)
	}
}

func TestGoldenCollisionByKey_Row35(t *testing.T) {
	t.Parallel()
	rows, _ := goldenCollision()
	key := Group{ByKey, rows[1:]}
	if got := decide(key, KeepLast); !slices.Equal(got, []string{"-2 for 3 duplicate-key"}) {
		t.Errorf("last: %v", got)
	}
	if got := decide(key, KeepFirst); !slices.Equal(got, []string{"-3 for 2 duplicate-key"}) {
		t.Errorf("first: %v", got)
	}
	if !key.SuspectedCollision() {
		t.Error("100.20 and 250.00 look like two events")
	}
	if got := decide(Group{ByEvent, rows[:2]}, KeepTruth); !slices.Equal(got, []string{"-2 for 1 duplicate-event"}) {
		t.Errorf("truth: %v", got)
	}
}

func TestSuspectedCollision_R64(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		prices []float64
		want   bool
	}{
		{[]float64{100, 101}, false}, {[]float64{100, 101.001}, true}, {[]float64{100, 100}, false},
		{[]float64{0, 0}, false}, {[]float64{0, 0.01}, true}, {[]float64{100}, false},
	} {
		g := Group{ByKey, priced(tc.prices...)}
		if got := g.SuspectedCollision(); got != tc.want {
			t.Errorf("%v: %t", tc.prices, got)
		}
	}
	far := Group{ByKey, priced(1, 1)}
	far.Rows[0].Row.Price, far.Rows[1].Row.Price = -1<<62, 1<<62+1<<61
	if !far.SuspectedCollision() {
		t.Error("no overflow")
	}
}

// TestDedupeProperties: at most one decision a row, kept rows stay, no group
// loses its last row, one row of each group is left unless ambiguous ones stay
// too, and a second pass over what is left does nothing (R65).
func TestDedupeProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		rng := rand.New(rand.NewPCG(seed, 1))
		keep := Keep(rng.IntN(7))
		by := Grouping(rng.IntN(3))
		if keep == KeepTruth {
			by = ByEvent
		}
		n := 1 + rng.IntN(8)
		rows := make([]Match, n)
		canonical := rng.IntN(n)
		for i := range rows {
			rows[i] = Match{Row: Row{N: int64(i + 1), Price: tick.Price(rng.IntN(5)) * 1e7}, Label: Label(1 + rng.IntN(3)), Covered: rng.IntN(2) == 0, Canonical: i == canonical}
		}
		decisions := map[int64]Decision{}
		for d := range Dedupe(slices.Values([]Group{{by, rows}}), keep) {
			if _, twice := decisions[d.Row]; twice {
				t.Fatalf("row %d decided twice", d.Row)
			}
			decisions[d.Row] = d
		}
		var left []Match
		ambiguous := 0
		for _, m := range rows {
			d, decided := decisions[m.Row.N]
			if decided && d.Removed {
				if by == ByEvent && m.Label == Ambiguous && !m.Covered {
					t.Fatalf("row %d may be some event's only one", m.Row.N)
				}
				if k, ok := decisions[d.KeptRow]; ok && k.Removed {
					t.Fatalf("row %d goes for %d, which goes too", m.Row.N, d.KeptRow)
				}
				continue
			}
			if decided {
				m.Row.Price = d.Price
			}
			if by == ByEvent && m.Label == Ambiguous && !m.Covered {
				ambiguous++
			}
			left = append(left, m)
		}
		if len(left) == 0 || len(left) > 1+ambiguous {
			t.Fatalf("%d of %d rows left, %d of them ambiguous", len(left), n, ambiguous)
		}
		if by == ByEvent && keep != KeepTruth {
			return // R65 promises nothing
		}
		for d := range Dedupe(slices.Values([]Group{{by, left}}), keep) {
			t.Fatalf("second pass: %+v", d)
		}
	})
}

func TestNamesRoundTrip(t *testing.T) {
	t.Parallel()
	for k := KeepLast; k <= KeepTruth; k++ {
		if got, ok := ParseKeep(k.String()); !ok || got != k {
			t.Errorf("keep %s", k)
		}
	}
	for c := range causes {
		if got, ok := ParseCause(c.String()); !ok || got != c {
			t.Errorf("cause %s", c)
		}
	}
	for g := NoGrade; g <= Proved; g++ {
		if got, ok := ParseGrade(g.String()); !ok || got != g {
			t.Errorf("grade %s", g)
		}
	}
	for l := Orphan; l <= Certain; l++ {
		if got, ok := ParseLabel(l.String()); !ok || got != l {
			t.Errorf("label %s", l)
		}
	}
	for _, bad := range []string{"newest", "Proved"} {
		if _, ok := ParseKeep(bad); ok {
			t.Errorf("keep %s", bad)
		}
		if _, ok := ParseGrade(bad); ok {
			t.Errorf("grade %s", bad)
		}
	}
}
