package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/replay/tick"
)

// A tiny incident: rows of one symbol, named by their event.
type rowSpec struct {
	event     string
	ms        int64
	cents     int64
	canonical int64 // 0: no duplicate
	cause     string
}

// incidentOf makes each event from its first row.
func incidentOf(specs ...rowSpec) (Incident, Truth) {
	var in Incident
	t := Truth{Preset: "none", Seed: 7}
	seen := map[string]bool{}
	for i, s := range specs {
		n := int64(i + 1)
		v := Values{"TCS", tick.Nanos(s.ms) * millisecond, tick.Price(s.cents) * tick.Scale / 100}
		if !seen[s.event] {
			seen[s.event] = true
			in.Events = append(in.Events, Event{ID: s.event, Symbol: v.Symbol, Time: v.Time, Price: v.Price})
		}
		in.Rows = append(in.Rows, Row{N: n, Symbol: v.Symbol, Time: v.Time, Price: v.Price})
		line := TruthRow{Row: n, Event: s.event, Attempt: 1, Duplicate: s.canonical != 0, Canonical: n, Cause: s.cause}
		if s.canonical != 0 {
			line.Canonical = s.canonical
		}
		t.Rows = append(t.Rows, line)
	}
	return in, t
}

func pair() (Incident, Truth) {
	return incidentOf(
		rowSpec{event: "a", ms: 0, cents: 10000},
		rowSpec{event: "a", ms: 3, cents: 10010, canonical: 1, cause: "short-lease"},
		rowSpec{event: "b", ms: 50, cents: 20000},
	)
}

func TestCauseCreditOfASet_Row58(t *testing.T) {
	t.Parallel()
	in, truth := pair()
	a := oracle(in, truth)
	a.Claims[0].Alternatives = []string{"hedged-attempt", "short-lease"}
	r := mustScore(t, in, truth, a)
	if r.Cause.Credit != (Ratio{0.5, true}) {
		t.Errorf("credit %v, want 0.5", r.Cause.Credit)
	}
	a.Claims[0].Cause = "hedged-attempt" // first named wrong, but the set has it
	r = mustScore(t, in, truth, a)
	if r.Cause.Credit != (Ratio{0.5, true}) || r.Cause.MacroF1 != (Ratio{0, true}) {
		t.Errorf("credit %v, macro-f1 %v, want 0.5 and 0", r.Cause.Credit, r.Cause.MacroF1)
	}
	want := map[string]map[string]int64{"short-lease": {"hedged-attempt": 1}}
	if diff := cmp.Diff(want, r.Cause.Confusion); diff != "" {
		t.Error(diff)
	}
}

// Macro-F1 is the mean over causes; a cause given to a row that is no
// duplicate counts against it, and abstaining is no cause.
func TestMacroF1(t *testing.T) {
	t.Parallel()
	got := macroF1(map[string]map[string]int64{
		"crash-replay": {"crash-replay": 3, "short-lease": 1, noDuplicate: 1}, // f1 = 6/(6+0+2)
		"short-lease":  {"short-lease": 1, "unknown": 1},                      // f1 = 2/(2+2+1)
		noDuplicate:    {"short-lease": 1, "hedged-attempt": 1},               // f1 of hedged-attempt = 0
	})
	if want := (0.75 + 0.4 + 0) / 3; !alike(PrecisionRecall{F1: got}, PrecisionRecall{F1: Ratio{want, true}}) {
		t.Errorf("%v, want %v", got.Value, want)
	}
}

// The expected calibration error sums what each bin is off, too sure or not
// sure enough.
func TestCalibrationError(t *testing.T) {
	t.Parallel()
	in, truth := incidentOf(
		rowSpec{event: "a", ms: 0, cents: 100},
		rowSpec{event: "a", ms: 1, cents: 100, canonical: 1, cause: "short-lease"},
		rowSpec{event: "a", ms: 2, cents: 100, canonical: 1, cause: "short-lease"},
		rowSpec{event: "b", ms: 99, cents: 100},
	)
	a := oracle(in, truth)
	a.Claims[0].Posterior = 0.7                                    // and right
	a.Claims[1].Posterior, a.Claims[1].Events = 0.9, []string{"b"} // and wrong
	r := mustScore(t, in, truth, a)
	want := PrecisionRecall{Precision: Ratio{(0.3*0.3 + 0.9*0.9) / 2, true}, Recall: Ratio{(0.3 + 0.9) / 2, true}}
	if got := (PrecisionRecall{Precision: r.Calibration.Brier, Recall: r.Calibration.ECE}); !alike(got, want) {
		t.Errorf("brier and calibration error %+v, want %+v", got, want)
	}
}

func TestFloorTo(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]tick.Nanos{{0, 0}, {199, 0}, {200, 200}, {-1, -200}, {-200, -200}, {-201, -400}} {
		if got := floorTo(c[0], 200); got != c[1] {
			t.Errorf("%d: %d, want %d", c[0], got, c[1])
		}
	}
}

func TestMismatches_Row59(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Incident, *Truth, *Answer)
		file   string
	}{
		"truth names a row that is not there": {func(_ *Incident, u *Truth, _ *Answer) {
			u.Rows = append(u.Rows, TruthRow{Row: 9, Event: "b"})
		}, "truth/rows.csv"},
		"truth lacks a row":    {func(_ *Incident, u *Truth, _ *Answer) { u.Rows = u.Rows[:2] }, "truth/rows.csv"},
		"truth repeats a row":  {func(_ *Incident, u *Truth, _ *Answer) { u.Rows[2].Row = 1 }, "truth/rows.csv"},
		"truth's event":        {func(_ *Incident, u *Truth, _ *Answer) { u.Rows[2].Event = "z" }, "truth/rows.csv"},
		"truth's canonical":    {func(_ *Incident, u *Truth, _ *Answer) { u.Rows[1].Canonical = 2 }, "truth/rows.csv"},
		"number of rows":       {func(_ *Incident, _ *Truth, a *Answer) { a.RowsIn = 4 }, "findings.json"},
		"claimed row":          {func(_ *Incident, _ *Truth, a *Answer) { a.Claims[0].Row = 4 }, "duplicates.csv"},
		"claimed row's values": {func(_ *Incident, _ *Truth, a *Answer) { a.Claims[0].Price++ }, "duplicates.csv"},
		"claimed twice":        {func(_ *Incident, _ *Truth, a *Answer) { a.Claims = append(a.Claims, a.Claims[0]) }, "duplicates.csv"},
		"canonical of a claim": {func(_ *Incident, _ *Truth, a *Answer) { a.Claims[0].Canonical = 4 }, "duplicates.csv"},
		"linked row":           {func(_ *Incident, _ *Truth, a *Answer) { a.Links[0].Row = 4 }, "timeline.csv"},
		"linked event":         {func(_ *Incident, _ *Truth, a *Answer) { a.Links[0].Event = "z" }, "timeline.csv"},
		"removed row":          {func(_ *Incident, _ *Truth, a *Answer) { a.Removed[0] = 4 }, "removed.csv"},
		"clean output lacks":   {func(_ *Incident, _ *Truth, a *Answer) { a.Kept = a.Kept[:1] }, "deduplicated_output.csv"},
		"clean output changed": {func(_ *Incident, _ *Truth, a *Answer) { a.Kept[1].Price++ }, "deduplicated_output.csv"},
		"clean output has more": {func(_ *Incident, _ *Truth, a *Answer) {
			a.Kept = append(a.Kept, a.Kept[0])
		}, "deduplicated_output.csv"},
	} {
		in, truth := pair()
		a := oracle(in, truth)
		c.change(&in, &truth, &a)
		_, err := Score(in, truth, a)
		var mismatch *MismatchError
		if !errors.As(err, &mismatch) || mismatch.File != c.file || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one about %s", name, err, c.file)
		}
	}
}

func TestOracleAndSilence_Row60(t *testing.T) {
	t.Parallel()
	in, truth := dmrIncident(1, 2800)
	one, zero, undefined := Ratio{1, true}, Ratio{0, true}, Ratio{}
	all := PrecisionRecall{one, one, one}

	r := mustScore(t, in, truth, oracle(in, truth))
	if r.Detection.TP != 10 || r.Detection.PrecisionRecall != all || r.Pairwise != all || r.BCubed != all ||
		r.Linking != (Linking{one, one, one, one, one}) || r.Canonical.Accuracy != one ||
		r.Cause.Credit != one || r.Cause.MacroF1 != one || r.Calibration != (Calibration{zero, zero, one}) ||
		!*r.Floors.Met {
		t.Errorf("oracle: %+v", r)
	}
	r = mustScore(t, in, truth, silence(in))
	nothing := PrecisionRecall{undefined, zero, zero}
	if r.Detection.FN != 10 || r.Detection.PrecisionRecall != nothing || r.Pairwise != nothing ||
		r.Dedupe != (DedupeScore{EventsDoubled: 10}) || r.Cause.Credit != zero || r.Calibration != (Calibration{undefined, undefined, zero}) ||
		r.Linking.Accuracy != zero || r.Linking.DecidedAccuracy != undefined || *r.Floors.Met {
		t.Errorf("silence: %+v", r)
	}
}

// On an output without duplicates nothing can be measured, and nothing is NaN.
func TestCleanIncidentIsUndefinedNotZero(t *testing.T) {
	t.Parallel()
	in, truth := incidentOf(rowSpec{event: "a", cents: 100}, rowSpec{event: "b", ms: 40, cents: 100})
	truth.Preset = "clean"
	r := mustScore(t, in, truth, oracle(in, truth))
	if r.Detection != (Detection{}) || r.Linking.Accuracy.Defined || r.Cause.Credit.Defined || r.Calibration.Coverage.Defined || !*r.Floors.Met {
		t.Errorf("%+v", r)
	}
	a := oracle(in, truth)
	a.Claims = []Claim{{Row: 2, Values: in.Rows[1].values(), Events: []string{"a"}, Canonical: 1, Cause: "sink-double-emit", Label: Certain}}
	r = mustScore(t, in, truth, a)
	if *r.Floors.Met || !strings.Contains(r.Floors.Failed[0], "1 duplicate claimed") {
		t.Errorf("a claim on a clean output: %+v", r.Floors)
	}
	empty := mustScore(t, Incident{}, Truth{}, Answer{})
	if b, err := json.Marshal(empty); err != nil || strings.Contains(string(b), "NaN") {
		t.Errorf("empty incident: %s, %v", b, err)
	}
}

// Abstaining earns nothing and lowers coverage, but the first choice is shown.
func TestAbstaining(t *testing.T) {
	t.Parallel()
	in, truth := pair()
	a := oracle(in, truth)
	a.Claims[0].Label, a.Claims[0].Posterior = Ambiguous, 0.6
	r := mustScore(t, in, truth, a)
	if r.Linking.Accuracy.Value != 0 || r.Linking.BestGuess.Value != 1 || r.Linking.AllRows.Value != 2.0/3 || r.Linking.Decided.Value != 0 || r.Calibration.Coverage.Value != 0 {
		t.Errorf("ambiguous: %+v, coverage %v", r.Linking, r.Calibration.Coverage)
	}
	if b := r.Calibration.Brier.Value; b < 0.1599 || b > 0.1601 {
		t.Errorf("brier %v, want (1-0.6)² = 0.16", b)
	}
	a = oracle(in, truth)
	a.Claims[0].Cause, a.Claims[0].Alternatives = "unknown", []string{"short-lease"}
	r = mustScore(t, in, truth, a)
	if r.Cause.Credit.Value != 0 || r.Calibration.Coverage.Value != 0 || r.Linking.Accuracy.Value != 1 {
		t.Errorf("unknown cause: %+v", r)
	}
	a = oracle(in, truth)
	a.Claims[0].Events = []string{"a", "b"}
	if r = mustScore(t, in, truth, a); r.Linking.Accuracy.Value != 0.5 {
		t.Errorf("a set of two earned %v, want 0.5", r.Linking.Accuracy)
	}
}

// Equal rows of one event: it is all the same which of them is called the
// copy, which cause is given to which, and which is removed.
func TestInterchangeableRows(t *testing.T) {
	t.Parallel()
	const sink, retry = "sink-double-emit", "retry-after-success"
	for _, causes := range [][2]string{{sink, retry}, {retry, sink}} {
		in, truth := incidentOf(
			rowSpec{event: "a", cents: 100},
			rowSpec{event: "a", cents: 100, canonical: 1, cause: causes[0]},
			rowSpec{event: "a", cents: 100, canonical: 1, cause: causes[1]},
		)
		claim := func(n int64, cause string, alternatives ...string) Claim {
			return Claim{Row: n, Values: in.Rows[n-1].values(), Events: []string{"a"}, Canonical: 3, Cause: cause,
				Alternatives: alternatives, Label: Certain, Posterior: 1, HasPosterior: true}
		}
		a := Answer{RowsIn: 3, Removed: []int64{1, 2}, Kept: []Values{in.Rows[2].values()}, Claims: []Claim{
			claim(1, sink, retry), claim(2, sink),
		}}
		r := mustScore(t, in, truth, a)
		one := Ratio{1, true}
		if r.Detection.F1 != one || r.Linking.Accuracy != one || r.Canonical.Accuracy != one || r.BCubed.F1 != one ||
			r.Dedupe != (DedupeScore{Removed: 2, DuplicatesRemoved: 2}) {
			t.Errorf("%+v", r)
		}
		if r.Cause.Credit != (Ratio{0.75, true}) {
			t.Errorf("credit %v, want 0.75: the certain claim takes its cause, the other has half of what is left", r.Cause.Credit)
		}
	}
}

// A source's second emission is claimed but stays in the output; whether a
// collapse removes it or not, nothing is lost and nothing doubled.
func TestSourceTwins(t *testing.T) {
	t.Parallel()
	in, truth := incidentOf(
		rowSpec{event: "a", cents: 100},
		rowSpec{event: "a2", ms: 8, cents: 100, canonical: 1, cause: "source-double-emit"},
		rowSpec{event: "a2", ms: 9, cents: 103, canonical: 2, cause: "sink-double-emit"},
		rowSpec{event: "b", ms: 500, cents: 100},
	)
	a := oracle(in, truth)
	if !slices.Equal(a.Removed, []int64{3}) {
		t.Fatalf("the right answer removes %v, want row 3 alone", a.Removed)
	}
	r := mustScore(t, in, truth, a)
	one := Ratio{1, true}
	if r.Detection.F1 != one || r.Linking.Accuracy != one || r.Canonical.Accuracy != one || r.Pairwise.F1 != one ||
		r.Dedupe != (DedupeScore{Removed: 1, DuplicatesRemoved: 1}) || r.SourceTwins != 1 {
		t.Errorf("twin kept: %+v", r)
	}
	for _, events := range [][]string{{"a"}, {"a2"}} { // either id names the tick
		a.Claims[0].Events = events
		if r = mustScore(t, in, truth, a); r.Linking.Accuracy != one {
			t.Errorf("twin linked to %v: %v", events, r.Linking.Accuracy)
		}
	}
	a.Claims[1].Canonical = 1 // the chain cut short: the same row is kept in the end
	if r = mustScore(t, in, truth, a); r.Canonical.Accuracy != one {
		t.Errorf("short chain: canonical %v", r.Canonical.Accuracy)
	}
	collapse := func(removed ...int64) {
		a.Removed, a.Kept = removed, nil
		for _, row := range in.Rows {
			if !slices.Contains(removed, row.N) {
				a.Kept = append(a.Kept, row.values())
			}
		}
	}
	collapse(2, 3)
	if r = mustScore(t, in, truth, a); r.Dedupe != (DedupeScore{Removed: 2, DuplicatesRemoved: 2}) {
		t.Errorf("twin removed: %+v", r.Dedupe)
	}
	collapse(1, 2, 3)
	if r = mustScore(t, in, truth, a); r.Dedupe != (DedupeScore{Removed: 3, DuplicatesRemoved: 2, EventsLost: 1}) {
		t.Errorf("tick removed under both ids: %+v", r.Dedupe)
	}
}

// Events that no row tells apart are a set, even if the timeline names one.
func TestExactSets(t *testing.T) {
	t.Parallel()
	in, truth := incidentOf(
		rowSpec{event: "a", cents: 100}, rowSpec{event: "b", cents: 100}, rowSpec{event: "c", ms: 1, cents: 100},
	)
	a := oracle(in, truth)
	if r := mustScore(t, in, truth, a); r.Linking.AllRows.Value != 2.0/3 {
		t.Errorf("all rows %v, want (1/2+1/2+1)/3", r.Linking.AllRows)
	}
	a.Links = nil // no worker log: exact rows are known by their values
	if r := mustScore(t, in, truth, a); r.Linking.AllRows.Value != 2.0/3 {
		t.Errorf("all rows without a timeline %v, want (1/2+1/2+1)/3", r.Linking.AllRows)
	}
}

func TestWhatIf(t *testing.T) {
	t.Parallel()
	observed := []Intervention{
		{Safeguard: "unique-event-id", Prevented: 10},
		{Safeguard: "window-fixed", Parameter: "1s", Prevented: 7},
		{Safeguard: "lease", Parameter: "30s", Prevented: 12},
		{Safeguard: "partition-symbol", Prevented: 3},
		{Safeguard: "partition-event", Prevented: 4},
	}
	promised := []Promise{
		{"unique-event-id", "", 10, 10},
		{"window-fixed", "1s", 8, 9},
		{"window-fixed", "10s", 0, 0}, // never tried
		{"lease", "30s", 1, 8},        // within 3·√9 of hi
		{"partition-symbol", "", 0, 0},
		{"partition-event", "", 0, 0}, // beyond 3·√1
	}
	if got, want := scoreWhatIf(observed, promised), (WhatIfScore{5, 3, Ratio{4, true}}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestFloors_R93(t *testing.T) {
	t.Parallel()
	at := func(v float64) Ratio { return Ratio{v, true} }
	r := Report{Preset: "dense-walk"}
	r.Detection.F1, r.Linking.Accuracy, r.Cause.Credit = at(0.98), at(0.90), at(0.90)
	r.Linking.Decided, r.Linking.DecidedAccuracy = at(0.80), at(0.99)
	if f := checkFloors(r); !*f.Met || len(f.Failed) != 0 {
		t.Errorf("exactly at the floors: %+v", f)
	}
	r.Linking.Decided = at(0.7999)
	r.Cause.Credit = at(0.5)
	want := []string{"cause credit 0.500 is below 0.90", "linking decided 0.799 is below 0.80"}
	if f := checkFloors(r); *f.Met || cmp.Diff(want, f.Failed) != "" {
		t.Errorf("below: %+v", f)
	}
	if f := checkFloors(Report{Preset: "mine"}); f.Met != nil {
		t.Errorf("a preset without floors: %+v", f)
	}
	if len(Floors()) != 11 {
		t.Errorf("%d presets have floors, want 11", len(Floors()))
	}
}

// The order of the truth's and the answer's lines never matters.
func TestScoreIgnoresLineOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 1))
		in, truth, a := randomCase(rng)
		want := mustScore(t, in, truth, a)
		rng.Shuffle(len(truth.Rows), func(i, j int) { truth.Rows[i], truth.Rows[j] = truth.Rows[j], truth.Rows[i] })
		rng.Shuffle(len(a.Claims), func(i, j int) { a.Claims[i], a.Claims[j] = a.Claims[j], a.Claims[i] })
		rng.Shuffle(len(in.Events), func(i, j int) { in.Events[i], in.Events[j] = in.Events[j], in.Events[i] })
		got := mustScore(t, in, truth, a)
		if diff := cmp.Diff(fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got)); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}
