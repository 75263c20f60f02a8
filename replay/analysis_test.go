package replay

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"holdfast/replay/tick"
)

// goldenCollision is row 35 of the tests that must exist: a copy of e1 falls
// on the key of e2.
func goldenCollision() (rows []Match, cases []EventCase) {
	e1 := Event{ID: "e1", Symbol: "TCS", Time: at(0), Price: units(100)}
	e2 := Event{ID: "e2", Symbol: "TCS", Time: at(10), Price: units(250)}
	rows = []Match{rowOf(&e1, 1, 0, 0), rowOf(&e1, 2, 10, 0.2), rowOf(&e2, 3, 0, 0)}
	cases = []EventCase{
		{Event: e1, Repeats: 1, Attempts: []Attempt{ok("worker-1", 0, 5), ok("worker-2", 0, 8)}, Rows: rows[:2]},
		{Event: e2, Repeats: 1, Attempts: []Attempt{ok("worker-3", 10, 15)}, Rows: rows[2:]},
	}
	return rows, cases
}

// analyse runs cases through both views, as an audit does.
func analyse(cases []EventCase, p *Population) (lines []Analysis) {
	var keyed []KeyRow
	for i := range cases {
		c := &cases[i]
		f := Classify(*c, p)
		if a, ok := AnalyseEvent(c, &f, p); ok {
			lines = append(lines, a)
		}
		for j := range c.Rows {
			keyed = append(keyed, KeyRowOf(c, &f, p, j))
		}
	}
	slices.SortFunc(keyed, func(a, b KeyRow) int {
		return cmp.Or(cmp.Compare(a.Row.Symbol, b.Row.Symbol), cmp.Compare(a.Row.Time, b.Row.Time), cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Row.N, b.Row.N))
	})
	g := KeyGroups{Emit: func(a Analysis) { lines = append(lines, a) }}
	for _, r := range keyed {
		g.Add(r)
	}
	g.Close()
	slices.SortFunc(lines, func(a, b Analysis) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Symbol, b.Symbol), cmp.Compare(a.View, b.View), cmp.Compare(a.EventID, b.EventID))
	})
	return lines
}

func TestGoldenCollision_Row35(t *testing.T) {
	t.Parallel()
	_, cases := goldenCollision()
	got := analyse(cases, plain())
	want := []Analysis{
		{
			Symbol: "TCS", Time: at(0), Timestamp: at(0).String(), Occurrences: 2, PriceMin: units(100), PriceMax: units(100.2),
			TimeSpread: 10 * millisecond, View: ViewEvent, Verdict: VerdictDuplicate, EventID: "e1", Confidence: Certain,
			Causes: Causes(ConcurrentDoubleClaim), Grade: Proved, Rows: []int64{1, 2},
		},
		{
			Symbol: "TCS", Time: at(10), Timestamp: at(10).String(), Occurrences: 2, PriceMin: units(100.2), PriceMax: units(250),
			SameTimestamp: true, View: ViewKey, Verdict: VerdictCollision, Confidence: Certain,
			Causes: Causes(KeyCollision), Grade: Proved, Rows: []int64{2, 3},
		},
	}
	if d := diff.Diff(want, got); d != "" {
		t.Error(d)
	}
	if s := got[1].PriceShift(); s.String() != "149.8" {
		t.Errorf("price_shift %s", s)
	}
	if s := got[0].PriceShift(); s.String() != "0.2" {
		t.Errorf("price_shift %s", s)
	}
}

func TestViews(t *testing.T) {
	t.Parallel()
	same := exactRows(caseOf("same", 0, 2, ok("worker-1", 0, 9), ok("worker-2", 0, 5)))
	mixed := func(k int) []EventCase {
		a := exactRows(caseOf("a", 0, k, ok("worker-1", 0, 9), ok("worker-2", 0, 5)))
		b := exactRows(caseOf("b", 0, 1, ok("worker-1", 0, 9)))
		b.Event.Price = units(250)
		b.Rows[0] = rowOf(&b.Event, 9, 0, 0)
		return []EventCase{a, b}
	}
	orphan := same
	orphan.Rows = slices.Clone(same.Rows)
	orphan.Rows[1].Owner, orphan.Rows[1].IDs, orphan.Rows[1].Label = "", nil, Orphan
	for _, tc := range []struct {
		name  string
		cases []EventCase
		mode  string
		want  []string
	}{
		{"one event on one key", []EventCase{same}, "", []string{"both duplicate same 2"}},
		{"an event whole inside a mixed key", mixed(2), "", []string{"key mixed  3", "event duplicate a 2"}},
		{"two events, two rows", mixed(1), "", []string{"key collision  2"}},
		{"an orphan", []EventCase{orphan}, "", []string{"key untested  2"}},
		{"no events", []EventCase{same}, ModeOutputOnly, []string{"key untested  2", "near untested  2"}},
	} {
		p := plain()
		p.Mode = tc.mode
		var got []string
		for _, a := range analyse(tc.cases, p) {
			if tc.name == "an orphan" && a.View != ViewKey {
				continue // the case is artificial: an orphan is in no case
			}
			got = append(got, fmt.Sprintf("%s %s %s %d", a.View, a.Verdict, a.EventID, a.Occurrences))
		}
		if d := diff.Diff(tc.want, got); d != "" {
			t.Errorf("%s: %s", tc.name, d)
		}
	}
}

func TestCausesOfALine(t *testing.T) {
	t.Parallel()
	c := caseOf("e", 0, 3, ok("worker-1", 0, 9), ok("worker-2", 0, 5))
	f := Classify(c, plain()) // a race, and a row beyond the attempts
	a, ok := AnalyseEvent(&c, &f, plain())
	if both := Causes(f.Duplicates[0].Cause, SinkDoubleEmit); !ok || a.Causes != both || a.Causes.String() != "sink-double-emit|concurrent-double-claim" || a.Grade != Consistent {
		t.Errorf("%+v", a)
	}
	f.Duplicates[0].Grade, f.Duplicates[1].Grade = Proved, Suspected
	if a, _ := AnalyseEvent(&c, &f, plain()); a.Grade != Suspected {
		t.Errorf("%+v", a)
	}
}

func TestLongRowListsAreCut(t *testing.T) {
	t.Parallel()
	e := Event{ID: "e", Symbol: "TCS", Time: at(0), Price: units(100)}
	var got []Analysis
	g := KeyGroups{Emit: func(a Analysis) { got = append(got, a) }}
	for n := int64(3000); n > 0; n-- {
		g.Add(KeyRow{Match: rowOf(&e, n, 0, 0), EventRows: 3000})
	}
	g.Close()
	if len(got) != 1 || got[0].Occurrences != 3000 || len(got[0].Rows) != mostRows || got[0].RowsMore != 3000-mostRows || got[0].Rows[0] != 1 {
		t.Errorf("%d lines, %d rows and %d more", len(got), len(got[0].Rows), got[0].RowsMore)
	}
	if got[0].Rows[mostRows-1] != mostRows {
		t.Error("the lowest row numbers are kept")
	}
}

// TestNaiveAnswerIsThere: the lines of view key and both are the naive grouping
// by (symbol, timestamp), and every event with two rows or more has one line
// of view event or both.
func TestNaiveAnswerIsThere(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(41, 41))
	for range 500 {
		var cases []EventCase
		n := int64(0)
		for i := range 1 + rng.IntN(6) {
			c := EventCase{Event: Event{ID: fmt.Sprint("e", i), Symbol: []string{"TCS", "INFY"}[rng.IntN(2)], Time: at(float64(rng.IntN(3))), Price: units(100 + float64(rng.IntN(3)))}}
			for range rng.IntN(4) {
				n++
				m := rowOf(&c.Event, n, float64(rng.IntN(3)), float64(rng.IntN(2)))
				m.Canonical = len(c.Rows) == 0
				c.Rows = append(c.Rows, m)
			}
			cases = append(cases, c)
		}
		type key struct {
			symbol string
			time   tick.Nanos
		}
		naive, events := map[key]int64{}, map[string]int64{}
		for _, c := range cases {
			for _, m := range c.Rows {
				naive[key{m.Row.Symbol, m.Row.Time}]++
			}
			events[c.Event.ID] = int64(len(c.Rows))
		}
		byKey, byEvent := map[key]int64{}, map[string]int64{}
		for _, a := range analyse(cases, plain()) {
			if a.View != ViewEvent {
				byKey[key{a.Symbol, a.Time}] += a.Occurrences
			}
			if a.View != ViewKey {
				byEvent[a.EventID] += a.Occurrences
			}
		}
		for k, n := range naive {
			if n < 2 {
				delete(naive, k)
			}
		}
		for id, n := range events {
			if n < 2 {
				delete(events, id)
			}
		}
		if d := diff.Diff(naive, byKey); d != "" {
			t.Fatal(d)
		}
		if d := diff.Diff(events, byEvent); d != "" {
			t.Fatal(d)
		}
	}
}

func TestSymbolTally(t *testing.T) {
	t.Parallel()
	_, cases := goldenCollision()
	other := caseOf("x", 500, 3, ok("worker-1", 500, 505), ok("worker-2", 500, 506), ok("worker-3", 500, 507))
	other.Event.Symbol = "INFY"
	for i := range other.Rows {
		other.Rows[i].Row.Symbol = "INFY"
	}
	other.Rows[2] = rowOf(&other.Event, 12, -4, 0.5)
	cases = append(cases, other, caseOf("healthy", 900, 1, ok("worker-1", 900, 905)))
	p := plain()
	var tally SymbolTally
	for _, a := range analyse(cases, p) {
		tally.Key(a)
	}
	for i := range cases {
		f := Classify(cases[i], p)
		tally.Event(&cases[i], &f, p)
	}
	ms := func(n int64) tick.Nanos { return tick.Nanos(n) * millisecond }
	want := []SymbolLine{
		{Symbol: "INFY", View: ViewEvent, Rows: 3, Groups: 1, ExtraRows: 2, PriceShiftMin: units(0.5), PriceShiftMax: units(0.5), PriceShiftMean: units(0.5),
			DifferentPrice: 1, TimeDiffMin: ms(-4), TimeDiffMedian: ms(-4), TimeDiffMax: ms(1), Early: 1, Late: 1},
		{Symbol: "TCS", View: ViewKey, Rows: 2, Groups: 1, ExtraRows: 1, PriceShiftMin: units(149.8), PriceShiftMax: units(149.8), PriceShiftMean: units(149.8), DifferentPrice: 1},
		{Symbol: "TCS", View: ViewEvent, Rows: 2, Groups: 1, ExtraRows: 1, PriceShiftMin: units(0.2), PriceShiftMax: units(0.2), PriceShiftMean: units(0.2),
			DifferentPrice: 1, TimeDiffMin: ms(10), TimeDiffMedian: ms(10), TimeDiffMax: ms(10), Late: 1},
		{Symbol: "ALL", All: true, View: ViewKey, Rows: 2, Groups: 1, ExtraRows: 1, PriceShiftMin: units(149.8), PriceShiftMax: units(149.8), PriceShiftMean: units(149.8), DifferentPrice: 1},
		{Symbol: "ALL", All: true, View: ViewEvent, Rows: 5, Groups: 2, ExtraRows: 3, PriceShiftMin: units(0.2), PriceShiftMax: units(0.5), PriceShiftMean: units(0.35),
			DifferentPrice: 2, TimeDiffMin: ms(-4), TimeDiffMedian: ms(1), TimeDiffMax: ms(10), Early: 1, Late: 2},
	}
	if d := diff.Diff(want, tally.Lines()); d != "" {
		t.Error(d)
	}

	// Symbols without a repeat get their line all the same; those of another view are not made up.
	tally.Fill([]string{"INFY", "SBIN", "TCS"}, ViewKey, ViewEvent)
	got := tally.Lines()
	if n := len(got); n != 8 {
		t.Fatalf("%d lines, want two for each of three symbols and two for all: %+v", n, got)
	}
	if d := diff.Diff([]SymbolLine{{Symbol: "INFY", View: ViewKey}, want[0], {Symbol: "SBIN", View: ViewKey}, {Symbol: "SBIN", View: ViewEvent}}, got[:4]); d != "" {
		t.Error(d)
	}
	var none SymbolTally
	none.Fill([]string{"TCS"}, ViewKey, ViewEvent)
	if got := none.Lines(); len(got) != 0 {
		t.Errorf("no duplicates, no lines (row 40): %v", got)
	}
}
