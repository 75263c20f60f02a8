package replay

import (
	"cmp"
	"slices"

	"holdfast/replay/tick"
)

// SymbolLine is a line of duplication_summary.csv: the groups of one symbol, or
// of all, in one view. TimeDiff is that of the extra rows against their event
// (or the centre of their near cluster), signed; 0 in the key view. The median
// is the lower one, exact up to 256 distinct values of a symbol and 65,536 in
// all, then as sketch says.
type SymbolLine struct {
	Symbol         string // "ALL" in the lines that add up the others
	All            bool
	View           View  // ViewKey, ViewEvent or ViewNear
	Rows           int64 // in the groups
	Groups         int64
	ExtraRows      int64
	PriceShiftMin  tick.Price
	PriceShiftMax  tick.Price
	PriceShiftMean tick.Price // rounded half to even
	SamePrice      int64      // groups
	DifferentPrice int64      // groups
	TimeDiffMin    tick.Nanos
	TimeDiffMedian tick.Nanos
	TimeDiffMax    tick.Nanos
	Early, Late    int64 // extra rows before and after their event
}

// SymbolTally adds up lines of duplication_analysis.csv. The zero value is
// ready. Symbols beyond the first 16,384 count in the lines ALL only.
type SymbolTally struct {
	lines map[symbolView]*symbolSum
}

type symbolView struct {
	symbol string
	all    bool
	view   View
}

type symbolSum struct {
	SymbolLine
	shifts priceSum
	diffs  *sketch
}

const (
	exactDiffs    = 256
	exactDiffsAll = 1 << 16
)

// each calls f with the sums of a symbol and of all.
func (t *SymbolTally) each(symbol string, v View, f func(*symbolSum)) {
	f(t.sum(symbolView{"ALL", true, v}, exactDiffsAll))
	k := symbolView{symbol, false, v}
	if _, ok := t.lines[k]; ok || len(t.lines) < 2*mostSymbols {
		f(t.sum(k, exactDiffs))
	}
}

func (t *SymbolTally) sum(k symbolView, exact int) *symbolSum {
	s := t.lines[k]
	if s == nil {
		if t.lines == nil {
			t.lines = map[symbolView]*symbolSum{}
		}
		s = &symbolSum{SymbolLine: SymbolLine{Symbol: k.symbol, All: k.all, View: k.view}, diffs: newSketch(exact)}
		t.lines[k] = s
	}
	return s
}

func (s *symbolSum) group(rows int64, shift tick.Price) {
	if s.Groups == 0 {
		s.PriceShiftMin = shift
	}
	s.Groups++
	s.Rows += rows
	s.ExtraRows += rows - 1
	s.PriceShiftMin, s.PriceShiftMax = min(s.PriceShiftMin, shift), max(s.PriceShiftMax, shift)
	s.shifts.add(shift)
	if shift == 0 {
		s.SamePrice++
	} else {
		s.DifferentPrice++
	}
}

func (s *symbolSum) diff(t tick.Nanos) {
	if s.diffs.n == 0 {
		s.TimeDiffMin, s.TimeDiffMax = t, t
	}
	s.TimeDiffMin, s.TimeDiffMax = min(s.TimeDiffMin, t), max(s.TimeDiffMax, t)
	s.diffs.add(t)
	if t < 0 {
		s.Early++
	}
	if t > 0 {
		s.Late++
	}
}

// Key adds a line of KeyGroups; lines of view event are passed over.
func (t *SymbolTally) Key(a Analysis) {
	if a.View != ViewKey && a.View != ViewBoth {
		return
	}
	t.each(a.Symbol, ViewKey, func(s *symbolSum) { s.group(a.Occurrences, a.PriceShift()) })
}

// Event adds an event, or near cluster, with its rows; those with fewer than
// two are passed over.
func (t *SymbolTally) Event(c *EventCase, f *Findings, p *Population) {
	if len(c.Rows) < 2 {
		return
	}
	view := ViewEvent
	if !p.HaveEvents() {
		view = ViewNear
	}
	low, high := c.Rows[0].Row.Price, c.Rows[0].Row.Price
	for i := range c.Rows {
		low, high = min(low, c.Rows[i].Row.Price), max(high, c.Rows[i].Row.Price)
	}
	t.each(c.Event.Symbol, view, func(s *symbolSum) {
		s.group(int64(len(c.Rows)), priceSpread(low, high))
		for i := range f.Duplicates {
			s.diff(f.Duplicates[i].TimeShift)
		}
	})
}

// Fill gives each of symbols a line in each view, of zeros if it has no group
// there: a table that leaves a symbol out does not say that it is clean. Where
// nothing at all is repeated there is nothing to fill.
func (t *SymbolTally) Fill(symbols []string, views ...View) {
	if len(t.lines) == 0 {
		return
	}
	for _, v := range views {
		for _, s := range symbols {
			t.each(s, v, func(*symbolSum) {})
		}
	}
}

// Lines are sorted by symbol and view; those of ALL come last.
func (t *SymbolTally) Lines() []SymbolLine {
	out := make([]SymbolLine, 0, len(t.lines))
	for _, s := range t.lines {
		l := s.SymbolLine
		if l.Groups > 0 {
			l.PriceShiftMean, l.TimeDiffMedian = s.shifts.mean(), s.diffs.quantile(50)
		}
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b SymbolLine) int {
		return cmp.Or(compareBool(a.All, b.All), cmp.Compare(a.Symbol, b.Symbol), cmp.Compare(a.View, b.View))
	})
	return out
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
