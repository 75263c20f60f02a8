package report

import (
	"fmt"
	"strings"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// shownSymbols and shownWindows bound two tables of the document; the whole of
// them is in duplication_summary.csv and findings.json.
const (
	shownSymbols = 20
	shownWindows = 10
)

func (in *Incident) whatHappened() string {
	truth := section("### By event: what is true", in.byEvent(), in.symbols(replay.ViewEvent))
	if !hasEvents(in.Summary) {
		truth = section("### By nearness: what can be told without the events", in.byNearness(), in.symbols(replay.ViewNear))
	}
	return section("## What happened", truth,
		section("### By key: what the requirement asks", in.byKey(), in.symbols(replay.ViewKey)),
		section("### The workers", in.workers(), in.windows()))
}

func (in *Incident) byEvent() string {
	s, e := in.Summary, &in.Summary.ByEvent
	g := newGrid("figure", ">value")
	g.add("events", number(e.Events))
	g.add("rows", number(s.Rows.In))
	g.add("events with more than one row", number(e.DuplicatedEvents))
	g.add("extra rows (duplicates)", number(e.Duplicates))
	if e.Duplicates > 0 {
		g.add("of these certain", number(e.Certain))
		if e.Likely+e.Ambiguous > 0 {
			g.add("of these likely", number(e.Likely))
			g.add("of these ambiguous", number(e.Ambiguous))
		}
		in.addShifts(g)
	}
	g.add("events without a row (lost)", number(s.Lost))
	g.add("rows without an event (orphans)", number(e.Orphans))
	return stack("Each row was linked to the event that it reports, by "+in.evidence()+". "+
		"An event should have exactly one row; every further one is a duplicate.", g.String())
}

// evidence is what ties rows to events.
func (in *Incident) evidence() string {
	if hasWorkers(in.Summary) {
		return "symbol, time, price and the attempts at that event"
	}
	return "symbol, time and price"
}

// addShifts adds how far the copies lie from their events.
func (in *Incident) addShifts(g *grid) {
	s := &in.Summary.Shift
	if s.PriceMin != nil && s.PriceMax != nil {
		g.add("price shift of a copy", extent(tick.Price(*s.PriceMin).String(), tick.Price(*s.PriceMax).String()))
		g.add("copies at the same price", number(s.SamePrice))
	}
	if s.TimeMinMS != nil && s.TimeMaxMS != nil {
		g.add("time shift of a copy", extent(millis(tick.Nanos(*s.TimeMinMS)), millis(tick.Nanos(*s.TimeMaxMS)))+" ms")
		original := "event"
		if !hasEvents(in.Summary) {
			original = "original"
		}
		g.add("copies before / after their "+original, number(s.Early)+" / "+number(s.Late))
	}
}

func (in *Incident) byNearness() string {
	s, t := in.Summary, &in.Summary.Tolerance
	if t.LateMS == nil || t.Price == nil {
		return "Nothing in the file tells how far a copy may lie from its original, so only equal keys were compared. " +
			"A tolerance can be given with `--tolerance`."
	}
	g := newGrid("figure", ">value")
	g.add("rows", number(s.Rows.In))
	g.add("clusters of two rows or more", number(s.Near.Clusters))
	g.add("extra rows", number(s.Near.ExtraRows))
	g.add("tolerance", "`"+band(t)+"`")
	if s.Near.ExtraRows > 0 {
		in.addShifts(g)
	}
	return stack("Rows of one symbol were put together with the earliest row near them in time and price. "+
		"Whether such rows report one event or two that look alike, only the events could tell.", g.String())
}

func (in *Incident) byKey() string {
	k := &in.Summary.ByKey
	if k.Groups == 0 {
		return "No two rows share symbol and timestamp." + in.missedByKey()
	}
	text := fmt.Sprintf("%s share symbol and timestamp with another row: %s, %s.",
		counted(k.Groups+k.ExtraRows, "row", "rows"), counted(k.Groups, "group", "groups"), counted(k.ExtraRows, "extra row", "extra rows"))
	if k.Untested == k.Groups {
		return text + " Without the events it cannot be tested whether a group is one event written twice or two different events."
	}
	g := newGrid("what the rows of a group are", ">groups")
	g.add("one event, written more than once: a duplicate", number(k.SameEvent))
	g.add("as many events as rows: a collision, no duplicate", number(k.Collisions))
	if k.Mixed > 0 {
		g.add("both in one group", number(k.Mixed))
	}
	if k.Untested > 0 {
		g.add("untested, a row of the group having no event", number(k.Untested))
	}
	return stack(text, g.String(), in.collisions(), strings.TrimSpace(in.missedByKey()))
}

// collisions says what keeping one row of each key would do.
func (in *Incident) collisions() string {
	k := &in.Summary.ByKey
	if k.Collisions+k.Mixed == 0 {
		return ""
	}
	n := k.Collisions + k.Mixed
	text := fmt.Sprintf("Keeping one row of each key would drop a row in %s of different events, and with it, perhaps, the only row of an event: "+
		"which one is the copy cannot be seen from the key.", counted(n, "group", "groups"))
	if a := in.Collision; a != nil {
		v := markdownVoice
		text += fmt.Sprintf(" For example, %s of %s at %s, with prices from %s to %s, belong to different events.",
			rowsText(a.Rows), v.name(a.Symbol), v.name(a.Timestamp), a.PriceMin, a.PriceMax)
	}
	return text
}

// rowsText is rows 4 and 7, or row 4.
func rowsText(rows []int64) string {
	list := make([]string, len(rows))
	for i, n := range rows {
		list[i] = fmt.Sprint(n)
	}
	return oneOf(int64(len(rows)), "row ", "rows ") + andList(list)
}

// missedByKey says how many duplicates the key does not see at all.
func (in *Incident) missedByKey() string {
	s := in.Summary
	if !hasEvents(s) || s.ByEvent.Duplicates == 0 || s.Shift.Early+s.Shift.Late == 0 {
		return ""
	}
	shifted := s.Shift.Early + s.Shift.Late
	return fmt.Sprintf(" %s %s another timestamp than the event, so no key that holds the timestamp brings the two together.",
		capital(shareOf(shifted, s.ByEvent.Duplicates, "duplicate", "duplicates")), oneOf(shifted, "carries", "carry"))
}

// symbols is the per-symbol table of one view.
func (in *Incident) symbols(view replay.View) string {
	g := newGrid("symbol", ">groups", ">extra rows", ">price shift", ">mean shift", ">same price", ">time shift, ms", ">median, ms")
	shown, left := 0, 0
	for _, l := range in.Symbols {
		switch {
		case l.View != view || l.Groups == 0:
		case !l.All && shown == shownSymbols:
			left++
		default:
			shown++
			g.add(symbolCells(&l)...)
		}
	}
	if shown == 0 {
		return ""
	}
	if left > 0 {
		return stack(g.String(), fmt.Sprintf("%s more in `duplication_summary.csv`.", counted(int64(left), "symbol", "symbols")))
	}
	return g.String()
}

func symbolCells(l *replay.SymbolLine) []string {
	name := markdownName(l.Symbol)
	if l.All {
		name = "**all**"
	}
	cells := []string{name, number(l.Groups), number(l.ExtraRows),
		extent(l.PriceShiftMin.String(), l.PriceShiftMax.String()), l.PriceShiftMean.String(), number(l.SamePrice), "", ""}
	if l.ExtraRows > 0 {
		cells[6], cells[7] = extent(millis(l.TimeDiffMin), millis(l.TimeDiffMax)), millis(l.TimeDiffMedian)
	}
	return cells
}

// workers sums up the worker log.
func (in *Incident) workers() string {
	if !hasWorkers(in.Summary) {
		return ""
	}
	a := &in.Summary.Attempts
	g := newGrid("figure", ">value")
	for _, f := range []struct {
		name   string
		n      int64
		always bool
	}{
		{"attempts", a.Total, true},
		{"successes", a.Success, true},
		{"timeouts", a.Timeout, true},
		{"failures", a.Failed, false},
		{"attempts with an unknown status", a.Unknown, false},
		{"attempts without an end", a.Open, true},
		{"pairs of overlapping attempts at one event", a.OverlapPairs, true},
		{"groups of overlapping attempts", a.OverlapGroups, false},
		{"most attempts at one event at one time", a.MaxConcurrency, false},
		{"retries", a.Retries, true},
		{"of these overlapping the attempt before", a.RetriesOverlapping, false},
		{"of these after the attempt before", a.RetriesSequential, false},
		{"events that no attempt finished", a.FailedEvents, true},
		{"crashes, counted as attempts without an end", a.CrashesNullEnd, true},
		{"crashes backed by a silence of the worker", a.CrashesSilence, true},
		{"lines that repeat another line", a.DuplicatedLines, false},
		{"attempts that end before they start", a.BadIntervals, false},
	} {
		if f.always || f.n > 0 {
			g.add(f.name, number(f.n))
		}
	}
	return stack("The timeline of every attempt is in `timeline.csv`.", g.String())
}

// windows lists when events were attempted again.
func (in *Incident) windows() string {
	all := in.Summary.ReplayWindows
	if len(all) == 0 {
		return ""
	}
	g := newGrid("from", "to", ">length", ">events")
	for _, w := range all[:min(len(all), shownWindows)] {
		from, to := tick.Nanos(w.From), tick.Nanos(w.To)
		g.add(date(from)+" "+clock(from), date(to)+" "+clock(to), span(to-from), number(w.Events))
	}
	text := fmt.Sprintf("Events were attempted more than once in %s (UTC):", counted(int64(len(all)), "replay window", "replay windows"))
	if len(all) > shownWindows {
		text = fmt.Sprintf("Events were attempted more than once in %s (UTC), of which these are the first %d; all are in `findings.json`:",
			counted(int64(len(all)), "replay window", "replay windows"), shownWindows)
	}
	return stack(text, g.String())
}
