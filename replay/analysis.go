package replay

import (
	"slices"
	"strings"

	"holdfast/replay/tick"
)

// View says which rows a line of duplication_analysis.csv counts together.
type View uint8

// The views.
const (
	ViewKey   View = iota // equal (symbol, timestamp)
	ViewEvent             // one event
	ViewBoth              // one event whose rows are exactly the rows of one key
	ViewNear              // a near cluster, without events
)

var viewNames = [...]string{"key", "event", "both", "near"}

// String is key, event, both or near.
func (v View) String() string { return viewNames[v] }

// Verdict says whether rows that look like duplicates are.
type Verdict uint8

// The verdicts.
const (
	Untested         Verdict = iota // no events, or a row without one
	VerdictDuplicate                // all rows are one event's
	VerdictCollision                // as many events as rows
	VerdictMixed                    // in between
)

var verdictNames = [...]string{"untested", "duplicate", "collision", "mixed"}

// String is untested, duplicate, collision or mixed.
func (v Verdict) String() string { return verdictNames[v] }

// Analysis is a line of duplication_analysis.csv.
type Analysis struct {
	Symbol        string
	Time          tick.Nanos // of the row that gives Timestamp, to sort by
	Timestamp     string     // as the file spells it
	Occurrences   int64
	PriceMin      tick.Price
	PriceMax      tick.Price // price_shift = PriceMax - PriceMin
	TimeSpread    tick.Nanos
	SamePrice     bool
	SameTimestamp bool
	View          View
	Verdict       Verdict
	EventID       string   // "a|b" for a set; empty unless all rows are of one event
	Confidence    Label    // the weakest of the rows; Orphan if one has no event
	Causes        CauseSet // of the copies, or KeyCollision
	Grade         Grade    // the weakest of theirs
	Rows          []int64  // ascending; at most 1,024, then RowsMore says how many are left out
	RowsMore      int64
}

// mostRows bounds the list of a line: one group may be the whole file.
const mostRows = 1024

// PriceShift is the difference between the greatest and the least price, or the
// greatest price there is if that is less.
func (a *Analysis) PriceShift() tick.Price { return priceSpread(a.PriceMin, a.PriceMax) }

// rowGroup adds up the rows of one line. The row that gives the time stamp is the
// canonical one or, in the key view, the first in the file.
type rowGroup struct {
	line     Analysis
	stamp    int64 // N of the row that gives the time stamp
	min, max tick.Nanos
}

func (g *rowGroup) add(r *KeyRow, canonicalStamp bool) {
	l, row := &g.line, &r.Row
	if l.Occurrences == 0 {
		*l = Analysis{
			Symbol: row.Symbol, Time: row.Time, Timestamp: row.TimeText,
			PriceMin: row.Price, PriceMax: row.Price, Confidence: r.Label,
		}
		g.stamp, g.min, g.max = row.N, row.Time, row.Time
	}
	if canonicalStamp && r.Canonical || !canonicalStamp && row.N < g.stamp {
		l.Time, l.Timestamp, g.stamp = row.Time, row.TimeText, row.N
	}
	l.Occurrences++
	l.PriceMin, l.PriceMax = min(l.PriceMin, row.Price), max(l.PriceMax, row.Price)
	g.min, g.max = min(g.min, row.Time), max(g.max, row.Time)
	l.Confidence = min(l.Confidence, r.Label)
	if l.Causes = l.Causes.With(r.Cause); r.Cause != NoCause && (l.Grade == NoGrade || r.Grade < l.Grade) {
		l.Grade = r.Grade
	}
	g.list(row.N)
}

// list keeps the smallest row numbers, in order.
func (g *rowGroup) list(n int64) {
	l := &g.line
	i, _ := slices.BinarySearch(l.Rows, n)
	if i < mostRows {
		l.Rows = slices.Insert(l.Rows, i, n)
	}
	if len(l.Rows) > mostRows || i >= mostRows {
		l.Rows = l.Rows[:mostRows]
		l.RowsMore++
	}
}

func (g *rowGroup) finish() Analysis {
	l := g.line
	l.TimeSpread = g.max - g.min
	l.SamePrice, l.SameTimestamp = l.PriceMin == l.PriceMax, g.min == g.max
	return l
}

// KeyRow is a row that shares its (symbol, time) with others, and what its
// event says about it.
type KeyRow struct {
	Match
	EventRows int   // rows that its event has in all; 0 for an orphan
	Cause     Cause // why the row is a copy; NoCause if it is not
	Grade     Grade
}

// KeyGroups turns rows into the key view. Rows are added in (symbol, time,
// owner, N) order; Emit gets, for each (symbol, time) with two rows or more,
// one line `both`, or one line `event` for each event that has two rows or
// more, all of them in this group, and then one line `key`. It holds no rows
// beyond the lists that lines carry.
type KeyGroups struct {
	Emit func(Analysis)

	all, own rowGroup // the group, and the current event's part of it
	owner    string
	ids      []string
	eventK   int   // rows of the owner in all
	events   int64 // in the group, the current one included
	orphans  bool
}

// Add takes the next row.
func (g *KeyGroups) Add(r KeyRow) {
	if n := g.all.line.Occurrences; n > 0 && (g.all.line.Symbol != r.Row.Symbol || g.all.min != r.Row.Time) {
		g.Close()
	}
	if g.own.line.Occurrences > 0 && (r.Owner != g.owner || r.Owner == "") {
		g.closeOwner(true)
	}
	if g.own.line.Occurrences == 0 {
		g.owner, g.ids, g.eventK = r.Owner, r.IDs, r.EventRows
		g.events++
		g.orphans = g.orphans || r.Owner == ""
	}
	g.all.add(&r, false)
	g.own.add(&r, true)
}

// closeOwner ends the current event's rows, and emits its line unless it is
// all that the group has.
func (g *KeyGroups) closeOwner(others bool) {
	if n := g.own.line.Occurrences; others && n >= 2 && n == int64(g.eventK) {
		l := g.own.finish()
		l.View, l.Verdict, l.EventID = ViewEvent, VerdictDuplicate, strings.Join(g.ids, "|")
		g.Emit(l)
	}
	g.own = rowGroup{}
}

// Close ends the last group.
func (g *KeyGroups) Close() {
	n := g.all.line.Occurrences
	g.closeOwner(g.events > 1)
	if n >= 2 {
		g.Emit(g.keyLine(n))
	}
	*g = KeyGroups{Emit: g.Emit}
}

func (g *KeyGroups) keyLine(n int64) Analysis {
	l := g.all.finish()
	switch {
	case g.orphans:
		l.Verdict, l.Causes, l.Grade = Untested, 0, NoGrade
	case g.events == 1:
		l.Verdict, l.EventID = VerdictDuplicate, strings.Join(g.ids, "|")
		if n == int64(g.eventK) {
			l.View = ViewBoth
		}
	default:
		l.Verdict, l.Causes, l.Grade = VerdictMixed, Causes(KeyCollision), collisionGrade(l.Confidence)
		if g.events == n {
			l.Verdict = VerdictCollision
		}
	}
	return l
}

// collisionGrade is how sure it is that rows belong to different events.
func collisionGrade(weakest Label) Grade {
	switch weakest {
	case Certain:
		return Proved
	case Likely:
		return Consistent
	}
	return Suspected
}

// AnalyseEvent is the line of an event (or, without events, of a near cluster)
// that has two rows or more. ok is false for any other event, and for one whose
// rows are all on one key: KeyGroups emits that. A near cluster always gets
// its line.
func AnalyseEvent(c *EventCase, f *Findings, p *Population) (a Analysis, ok bool) {
	if len(c.Rows) < 2 {
		return a, false
	}
	var g rowGroup
	for i := range c.Rows {
		r := KeyRowOf(c, f, p, i)
		g.add(&r, true)
	}
	a = g.finish()
	if !p.HaveEvents() {
		a.View, a.Verdict = ViewNear, Untested
		return a, true
	}
	a.View, a.Verdict, a.EventID = ViewEvent, VerdictDuplicate, strings.Join(c.Rows[0].IDs, "|")
	return a, !a.SameTimestamp
}

// KeyRowOf is what KeyGroups needs to know of row i of a case. Without events
// that is the row alone.
func KeyRowOf(c *EventCase, f *Findings, p *Population, i int) KeyRow {
	r := KeyRow{Match: c.Rows[i], EventRows: len(c.Rows)}
	if !p.HaveEvents() {
		r.Owner, r.IDs, r.EventRows = "", nil, 0
	}
	for j := range f.Duplicates {
		if d := &f.Duplicates[j]; d.Row.N == r.Row.N && d.Cause != SourceDoubleEmit {
			r.Cause, r.Grade = d.Cause, d.Grade
		}
	}
	return r
}
