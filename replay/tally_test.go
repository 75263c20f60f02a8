package replay

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/replay/tick"
)

// audit classifies and adds up cases.
func auditOf(cases []EventCase, o Options) (Summary, []Findings) {
	p, seq := survey(cases, o)
	tally := NewTally(&p)
	var all []Findings
	for c := range seq {
		f := Classify(c, &p)
		tally.Add(&c, &f)
		all = append(all, f)
	}
	return tally.Summary(), all
}

func TestSummaryJSON(t *testing.T) {
	t.Parallel()
	_, cases := goldenCollision()
	p := plain()
	p.Mode = ModeFull
	tally := NewTally(p)
	for i := range cases {
		f := Classify(cases[i], p)
		tally.Add(&cases[i], &f)
	}
	for _, a := range analyse(cases, p) {
		tally.Key(a)
	}
	tally.Orphan(ClassifyOrphan(Match{}, OrphanHints{}))
	got, err := json.MarshalIndent(tally.Summary(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantSummary, string(got)); diff != "" {
		t.Error(diff)
	}
	var back Summary
	if err := json.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
	again, _ := json.MarshalIndent(back, "", " ")
	if string(again) != string(got) {
		t.Errorf("read back and written again:\n%s", again)
	}
}

const wantSummary = `{
 "mode": "full",
 "assumptions": [
  "each event should have exactly one row",
  "the worker log is complete",
  "a success commits at its end; a timeout or an attempt without end at any time after its start, or never",
  "attempts that only touch do not overlap",
  "an attempt without end certainly ran for the claim window, 1 ms, and possibly for ever"
 ],
 "inputs": {
  "events": {
   "rows": 0,
   "rejected": 0,
   "fingerprint": ""
  },
  "workers": {
   "rows": 0,
   "rejected": 0,
   "fingerprint": ""
  },
  "output": {
   "rows": 0,
   "rejected": 0,
   "fingerprint": ""
  }
 },
 "rows": {
  "in": 0,
  "kept": 0,
  "removed": 0,
  "rejected": 0
 },
 "by_key": {
  "groups": 1,
  "extra_rows": 1,
  "collisions": 1,
  "same_event": 0,
  "mixed": 0,
  "untested": 0
 },
 "by_event": {
  "events": 2,
  "duplicated_events": 1,
  "duplicates": 1,
  "certain": 1,
  "likely": 0,
  "ambiguous": 0,
  "orphans": 1,
  "rescued": 0
 },
 "near": {
  "clusters": 0,
  "extra_rows": 0
 },
 "shift": {
  "price_min": 0.2,
  "price_max": 0.2,
  "same_price": 0,
  "time_min_ms": 10,
  "time_max_ms": 10,
  "early": 0,
  "late": 1
 },
 "tolerance": {
  "early_ms": null,
  "late_ms": null,
  "price": null,
  "null": "",
  "accidental_expected": null
 },
 "attempts": {
  "total": 3,
  "success": 3,
  "timeout": 0,
  "failed": 0,
  "unknown": 0,
  "open": 0,
  "overlap_pairs": 1,
  "overlap_groups": 1,
  "max_concurrency": 2,
  "retries": 1,
  "retries_overlapping": 1,
  "retries_sequential": 0,
  "failed_events": 0,
  "crashes_null_end": 0,
  "crashes_silence": 0,
  "duplicated_lines": 0,
  "bad_intervals": 0
 },
 "causes": {
  "concurrent-double-claim": {
   "count": 1,
   "proved": 1,
   "consistent": 0,
   "suspected": 0
  }
 },
 "other": {
  "orphan-row": 1
 },
 "lease_ms": null,
 "bursts": [],
 "replay_windows": [
  {
   "from": "2025-07-14T09:15:00Z",
   "to": "2025-07-14T09:15:00.008Z",
   "events": 1
  }
 ],
 "clock": {},
 "chance": [],
 "warnings": []
}`

func TestSummaryOfNothing_Row40(t *testing.T) {
	t.Parallel()
	s, _ := auditOf(healthy(100, 0), Options{})
	if s.ByEvent.Events != 100 || s.ByEvent.Duplicates != 0 || len(s.Causes) != 0 || len(s.Other) != 0 || s.Shift.PriceMin != nil {
		t.Errorf("%+v", s)
	}
}

func TestNearClusters(t *testing.T) {
	t.Parallel()
	s, _ := auditOf([]EventCase{caseOf("", 0, 3), caseOf("", 10, 1)}, Options{Mode: ModeOutputOnly})
	if diff := cmp.Diff(SummaryNear{Clusters: 1, ExtraRows: 2}, s.Near); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]CauseCount{"unknown": {Count: 2, Suspected: 2}}, s.Causes); diff != "" {
		t.Error(diff)
	}
	if s.ByEvent.Events != 0 || len(s.Other) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestExactNumbersInJSON(t *testing.T) {
	t.Parallel()
	type all struct {
		M Millis
		D Decimal
		T Instant
	}
	rng := rand.New(rand.NewPCG(51, 51))
	for range 1000 {
		x := all{Millis(rng.Int64N(1<<50) - 1<<49), Decimal(rng.Uint64()), Instant(base + tick.Nanos(rng.Int64N(1<<50)))}
		b, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		var back all
		if err := json.Unmarshal(b, &back); err != nil || back != x {
			t.Fatalf("%s: %+v, want %+v (%v)", b, back, x, err)
		}
	}
	var m Millis
	if json.Unmarshal([]byte(`"7"`), &m) == nil {
		t.Error("a text is no number")
	}
	var i Instant
	if json.Unmarshal([]byte(`7`), &i) == nil || json.Unmarshal([]byte(`"soon"`), &i) == nil {
		t.Error("a number is no instant")
	}
}

func TestOrphans_R51(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		h    OrphanHints
		slug string
		note string
	}{
		{"nothing near", OrphanHints{}, OrphanRow, ""},
		{"row 36", OrphanHints{Nearest: "e1", NearestTimeShift: -3 * millisecond, NearestPriceShift: units(0.2)}, OrphanRow,
			"nearest event e1: -3 ms, price +0.2: widen --tolerance if it is that one"},
		{"late", OrphanHints{Late: "e1", LateShift: 40 * millisecond, Nearest: "e2"}, LateRow,
			"has the price of e1, which has no row, 40 ms later: widen --tolerance"},
		{"early is not late", OrphanHints{Late: "e1", LateShift: -40 * millisecond}, OrphanRow, ""},
		{"foreign", OrphanHints{Foreign: "f", Late: "e1", LateShift: 1}, ForeignRow, "has the time and price of f, which is another symbol's"},
	} {
		if got := ClassifyOrphan(Match{}, tc.h); got != tc.slug {
			t.Errorf("%s: %s", tc.name, got)
		}
		if got := tc.h.Note(); got != tc.note {
			t.Errorf("%s: %q", tc.name, got)
		}
	}
}

// randomCases are events with random attempts and rows.
func randomCases(rng *rand.Rand) []EventCase {
	var cases []EventCase
	n := int64(0)
	for i := range 1 + rng.IntN(12) {
		c := caseOf(fmt.Sprintf("e%02d", i), float64(rng.IntN(100)), 0)
		if rng.IntN(6) > 0 {
			c.Attempts = randomAttempts(rng, 1+rng.IntN(5), 100)
			for j := range c.Attempts {
				c.Attempts[j].Event = c.Event.ID
			}
		}
		k := rng.IntN(5)
		own := rng.IntN(max(k, 1))
		for j := range k {
			n++
			m := rowOf(&c.Event, n, float64(rng.IntN(5)), float64(rng.IntN(2)))
			m.Canonical, m.Label, m.Covered = j == own, Label(1+rng.IntN(3)), rng.IntN(2) == 0
			c.Rows = append(c.Rows, m)
		}
		cases = append(cases, c)
	}
	return cases
}

// TestFindingsProperties: what holds of the findings of any event.
func TestFindingsProperties(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(52, 52))
	for range 1500 {
		cases := randomCases(rng)
		s, all := auditOf(cases, Options{CommitOrder: rng.IntN(2) == 0, Closed: rng.IntN(2) == 0})
		slices.SortStableFunc(cases, func(a, b EventCase) int { return int(a.Event.Time - b.Event.Time) })
		rows, duplicates := 0, int64(0)
		for i, f := range all {
			c := cases[i]
			rows += len(c.Rows)
			duplicates += int64(len(f.Duplicates))
			if len(f.Duplicates) != max(len(c.Rows)-1, 0) {
				t.Fatalf("%d rows, %d duplicates", len(c.Rows), len(f.Duplicates))
			}
			checkDuplicates(t, &c, &f)
			checkTimeline(t, &c, &f)
		}
		var causes, graded int64
		for _, n := range s.Causes {
			causes += n.Count
			graded += n.Proved + n.Consistent + n.Suspected
		}
		e, a := s.ByEvent, s.Attempts
		if causes != duplicates || graded != duplicates || e.Duplicates != duplicates || e.Certain+e.Likely+e.Ambiguous != duplicates {
			t.Fatalf("%d duplicates: %+v", duplicates, s)
		}
		if int64(rows)-(int64(len(cases))-s.Lost) != duplicates {
			t.Fatalf("%d rows of %d events, %d lost, %d duplicates", rows, len(cases), s.Lost, duplicates)
		}
		if a.Success+a.Timeout+a.Failed+a.Unknown != a.Total || a.RetriesOverlapping+a.RetriesSequential != a.Retries {
			t.Fatalf("%+v", a)
		}
	}
}

func checkDuplicates(t *testing.T, c *EventCase, f *Findings) {
	t.Helper()
	for _, d := range f.Duplicates {
		switch {
		case d.Row.N == d.CanonicalRow, d.Cause == NoCause, d.Cause.Modifier(), d.Grade == NoGrade, d.Evidence == "" && d.Cause != UnexplainedCause,
			d.Grade == Proved && (len(d.Alternatives) > 0 || d.Cause.inferred()),
			d.Label == Ambiguous && d.Grade != Suspected,
			!d.Removed && d.Label != Ambiguous:
			t.Fatalf("%+v", d)
		}
		for _, n := range d.Attempts {
			if n < 1 || n > len(c.Attempts) {
				t.Fatalf("attempt %d of %d", n, len(c.Attempts))
			}
		}
	}
}

func checkTimeline(t *testing.T, c *EventCase, f *Findings) {
	t.Helper()
	if len(f.Timeline) != len(c.Attempts) {
		t.Fatalf("%d attempts, %d entries", len(c.Attempts), len(f.Timeline))
	}
	wrote := map[int64]bool{}
	groups := map[int]int{}
	for i, e := range f.Timeline {
		if e.Attempt != c.Attempts[i] || e.Number != i+1 || (e.OverlapGroup > 0) != (len(e.OverlapsWith) > 0) {
			t.Fatalf("%+v", e)
		}
		groups[e.OverlapGroup]++
		for _, other := range e.OverlapsWith {
			if !slices.Contains(f.Timeline[other-1].OverlapsWith, e.Number) || f.Timeline[other-1].OverlapGroup != e.OverlapGroup {
				t.Fatalf("%d overlaps %d, but not the other way round", e.Number, other)
			}
		}
		if (len(e.Rows) > 0) != (e.Fate != FateNone) && len(c.Rows) > 0 {
			t.Fatalf("fate %s, rows %v", e.FateText(), e.Rows)
		}
		for _, n := range e.Rows {
			wrote[n] = true
		}
	}
	delete(groups, 0)
	for g, n := range groups {
		if n < 2 || g > f.OverlapGroups {
			t.Fatalf("group %d has %d attempts", g, n)
		}
	}
	if len(groups) != f.OverlapGroups || len(c.Attempts) > 0 && len(wrote) != len(c.Rows) {
		t.Fatalf("%d groups, %d of %d rows named", len(groups), len(wrote), len(c.Rows))
	}
}

// TestOrderOfTheLogNeverShows: R20 and row 57.
func TestOrderOfTheLogNeverShows(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(53, 53))
	for range 300 {
		cases := randomCases(rng)
		want, wantAll := auditOf(cases, Options{})
		for i := range cases {
			as := slices.Clone(cases[i].Attempts)
			rng.Shuffle(len(as), func(a, b int) { as[a], as[b] = as[b], as[a] })
			cases[i].Attempts = CleanAttempts(as)
		}
		rng.Shuffle(len(cases), func(i, j int) { cases[i], cases[j] = cases[j], cases[i] })
		got, gotAll := auditOf(cases, Options{})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(wantAll, gotAll); diff != "" {
			t.Fatal(diff)
		}
	}
}
