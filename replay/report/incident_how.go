package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"holdfast/replay"
)

// ruledOut lists the explanations that were tested and failed, each with the
// figures that speak against it (R53).
func (in *Incident) ruledOut() string {
	var out, together []string
	for _, c := range in.Summary.Chance {
		if text := coincidence(&c); c.P > 0.01 {
			out = append(out, text)
		} else {
			together = append(together, text)
		}
	}
	if in.hasCauses() {
		out = append(out, in.absentCauses()...)
	}
	out = append(out, in.notAccidents(), in.clocksAgree())
	blocks := []string{bullets(out)}
	if len(together) > 0 {
		blocks = append(blocks, "Not ruled out, because these go together more often than chance would have it:", bullets(together))
	}
	return section("## What was ruled out", blocks...)
}

// coincidence compares how often two things went together with how often they
// would by accident.
func coincidence(c *replay.Chance) string {
	return fmt.Sprintf("%s and %s: of %s, %s %s and %s %s; both is true of %s, where chance alone would give %s (p = %s): %s.",
		propertyProse[c.A], propertyProse[c.B], counted(c.Events, "event", "events"), number(c.CountA), propertyVerb[c.A],
		number(c.CountB), propertyVerb[c.B], number(c.Observed), figure(c.Expected), figure(c.P), c.Verdict)
}

var propertyProse = map[string]string{
	"timeout": "Timeouts", "failed-status": "Failures", replay.NoEnd: "Attempts without an end", replay.GhostCommit: "Ghost commits",
	"duplicated": "duplicates", "lost": "lost events",
}

var propertyVerb = map[string]string{
	"timeout": "had a timeout", "failed-status": "had a failure", replay.NoEnd: "had an attempt without an end",
	replay.GhostCommit: "were written although every attempt gave up", "duplicated": "were written more than once", "lost": "were lost",
}

// hasCauses reports that there are duplicates and that they can be explained.
func (in *Incident) hasCauses() bool {
	return hasWorkers(in.Summary) && hasEvents(in.Summary) && in.duplicates() > 0
}

// absentCauses lists the causes that explain no duplicate, with the figure
// that rules each out.
func (in *Incident) absentCauses() []string {
	s, a := in.Summary, &in.Summary.Attempts
	none := func(c replay.Cause) bool { return s.Causes[c.String()].Count == 0 }
	var items []string
	add := func(c replay.Cause, format string, args ...any) {
		if none(c) {
			items = append(items, "`"+c.String()+"`: "+fmt.Sprintf(format, args...)+".")
		}
	}
	add(replay.SourceIDRepeat, "no duplicated event stands twice in the raw log (%s repeated there)", counted(s.Other[replay.SourceRepeat], "id is", "ids are"))
	add(replay.SinkDoubleEmit, "no event has more rows than attempts")
	if f := in.Facts; f != nil {
		add(replay.RestartBurst, "no run of 20 or more events was attempted again in stream order; %s in all", counted(a.Retries, "retry", "retries"))
		switch {
		case !f.Lease.Known && f.Lease.Gaps == 0:
			add(replay.ShortLease, "no two overlapping attempts started more than %s apart", span(f.ClaimWindow))
		case !f.Lease.Known:
			add(replay.ShortLease, "the %s between overlapping attempts %s no common length", counted(f.Lease.Gaps, "gap", "gaps"), oneOf(f.Lease.Gaps, "has", "have"))
		}
	}
	add(replay.CrashReplay, "of %s without an end, %s backed by a silence of the worker, and no duplicate follows such a one",
		counted(a.Open, "attempt", "attempts"), counted(a.CrashesSilence, "is", "are"))
	add(replay.TimeoutThenLateCommit, "no duplicated event had an earlier attempt that was given up and wrote (%s in the log)", counted(a.Timeout, "timeout", "timeouts"))
	add(replay.RetryAfterSuccess, "no event was attempted again after a success and written twice (%s)", counted(a.RetriesSequential, "sequential retry", "sequential retries"))
	return items
}

// notAccidents says that the matches of shifted rows are not chance.
func (in *Incident) notAccidents() string {
	m := &in.Matching
	if !m.AccidentalKnown || m.Pairs == 0 {
		return ""
	}
	of := "of row and event"
	if !hasEvents(in.Summary) {
		of = "of rows"
	}
	return fmt.Sprintf("Coincidence: %s within the tolerance, where chance alone would give %s.",
		counted(m.Pairs, "pair "+of+" lies", "pairs "+of+" lie"), figure(m.Accidental))
}

// clocksAgree says that no clock explains the overlaps.
func (in *Incident) clocksAgree() string {
	f := in.Facts
	if f == nil || len(f.Workers) < 2 || len(in.Summary.Clock) > 0 {
		return ""
	}
	return fmt.Sprintf("Clocks: none of the %s runs off the others by more than 1 ms and three standard errors.", counted(int64(len(f.Workers)), "worker's clock", "workers' clocks"))
}

// howFound is the thought process, step by step.
func (in *Incident) howFound() string {
	var steps []string
	for _, step := range []string{
		in.stepRead(), in.stepKey(), in.stepExact(), in.stepTolerance(), in.stepLink(), in.stepAttempts(), in.stepFacts(), in.stepCauses(), in.stepCheck(),
	} {
		if step != "" {
			steps = append(steps, fmt.Sprintf("%d. %s", len(steps)+1, step))
		}
	}
	return section("## How this was found", strings.Join(steps, "\n"))
}

func (in *Incident) stepRead() string {
	s := in.Summary
	var parts []string
	for _, p := range []struct {
		there            bool
		in               replay.SummaryInput
		singular, plural string
	}{
		{hasEvents(s), s.Inputs.Events, "event", "events"},
		{hasWorkers(s), s.Inputs.Workers, "line of the worker log", "lines of the worker log"},
		{true, s.Inputs.Output, "row", "rows"},
	} {
		if p.there {
			text := counted(p.in.Rows, p.singular, p.plural)
			if p.in.Rejected > 0 {
				text += fmt.Sprintf(" (%s rejected)", number(p.in.Rejected))
			}
			parts = append(parts, text)
		}
	}
	return "**Read everything, trust nothing.** " + andList(parts) +
		", times as whole nanoseconds and prices as exact decimals, so that equal means equal. What could not be read is in `rejected.csv`." + in.unusual()
}

// unusual counts what was not as it should be and was used all the same.
func (in *Incident) unusual() string {
	var parts []string
	for _, f := range []struct {
		name string
		in   *replay.SummaryInput
	}{
		{"the events", &in.Summary.Inputs.Events}, {"the worker log", &in.Summary.Inputs.Workers}, {"the output", &in.Summary.Inputs.Output},
	} {
		var notes []string
		for _, note := range slices.Sorted(maps.Keys(f.in.Notes)) {
			notes = append(notes, number(f.in.Notes[note])+" "+note)
		}
		if len(notes) > 0 {
			parts = append(parts, f.name+" "+andList(notes))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " Used all the same, and counted: in " + strings.Join(parts, "; in ") + "."
}

func (in *Incident) stepKey() string {
	k := &in.Summary.ByKey
	text := fmt.Sprintf("**Count as asked.** Grouping by `(symbol,timestamp)` gives %s.", counted(k.Groups, "group", "groups"))
	switch {
	case k.Groups == 0:
		text += " Had this been the whole answer, the output would pass for clean."
	case k.Collisions+k.Mixed > 0:
		text += fmt.Sprintf(" In %s the rows belong to different events: the key is too coarse, and blind to copies that carry another timestamp.",
			shareOf(k.Collisions+k.Mixed, k.Groups, "group", "groups"))
	case k.Untested == k.Groups:
		text += " Without events this is as far as the key goes."
	default:
		text += " Each was then tested for being one event."
	}
	return text
}

func (in *Incident) stepExact() string {
	if !hasEvents(in.Summary) {
		return ""
	}
	s, left := in.Summary, in.Matching.Rows
	return fmt.Sprintf("**Take away what is certain.** Rows that equal an event in symbol, time and price were matched one to one; that settled %s and left %s.",
		counted(s.Rows.In-s.Rows.Rejected-left, "row", "rows"), number(left))
}

func (in *Incident) stepTolerance() string {
	t, m := &in.Summary.Tolerance, &in.Matching
	source := map[string]string{
		"attempts":   "the control was the events with a single attempt, which have no copy to find: what lies near them lies there by accident",
		"time-shift": "the control was the same comparison with one side shifted in time: what still lies near lies there by accident",
		"given":      "it was given on the command line",
		"default":    "there were too few such rows to read it off the data, so the documented default was used",
	}[t.Null]
	if t.LateMS == nil || t.Price == nil || source == "" {
		if m.Reason == nil {
			return ""
		}
		return fmt.Sprintf("**Find out how far copies stray.** No tolerance could be read off the data (%s), so rows that equal no event were left without one.", m.Reason)
	}
	text := fmt.Sprintf("**Find out how far copies stray.** Tolerance `%s`; %s.", band(t), source)
	if m.AccidentalKnown {
		text += fmt.Sprintf(" %s within it; chance would give %s.", counted(m.Pairs, "pair lies", "pairs lie"), figure(m.Accidental))
	}
	return text
}

func (in *Incident) stepLink() string {
	m, near := &in.Matching, &in.Summary.Near
	if !hasEvents(in.Summary) {
		return fmt.Sprintf("**Put neighbours together.** Each row went to the earliest row of its symbol within reach, never to a row that was reached through another, "+
			"so that no chain of neighbours grows: %s, %s.", counted(near.Clusters, "cluster", "clusters"), counted(near.ExtraRows, "extra row", "extra rows"))
	}
	if m.Rows == 0 {
		return ""
	}
	means := "by shift in time and price"
	if hasWorkers(in.Summary) {
		means = "by shift in time and price, by the attempts that each event had, and by the place in the file"
	}
	text := fmt.Sprintf("**Link the rest.** The %s went to the events that explain them best together, %s: %s certain, %s likely, %s ambiguous, %s without an event.",
		counted(m.Rows, "remaining row", "remaining rows"), means, number(m.Certain), number(m.Likely), number(m.Ambiguous), number(m.Orphans))
	if m.Rescued > 0 {
		text += fmt.Sprintf(" %s just beyond the tolerance %s matched to the only event with room for it.", counted(m.Rescued, "row", "rows"), oneOf(m.Rescued, "was", "were"))
	}
	if m.Capped > 0 {
		text += fmt.Sprintf(" %s too large to solve exactly, so the cheapest links were taken first there.", counted(m.Capped, "knot of rivals was", "knots of rivals were"))
	}
	return text
}

func (in *Incident) stepAttempts() string {
	s := in.Summary
	if !hasWorkers(s) || s.Attempts.Total == 0 {
		return ""
	}
	a := &s.Attempts
	text := fmt.Sprintf("**Lay the attempts side by side.** %s by start, never by their order in the log: %s overlapping, %s.",
		counted(a.Total, "attempt", "attempts"), counted(a.OverlapPairs, "pair", "pairs"), counted(a.Retries, "retry", "retries"))
	if s.DoubleClaims > 0 {
		text += fmt.Sprintf(" %s attempted more than once; %s of them came out more than once.", counted(s.DoubleClaims, "event was", "events were"), number(s.DoubleDuplicated))
	}
	return text
}

func (in *Incident) stepFacts() string {
	f := in.Facts
	if f == nil || f.Durations.N == 0 {
		return ""
	}
	text := fmt.Sprintf("**Learn what is normal here.** Attempts take %s in the middle and %s at the 99th percentile; starts within %s count as one claim",
		span(f.Durations.Median), span(f.Durations.P99), span(f.ClaimWindow))
	if f.Lease.Known {
		text += fmt.Sprintf("; unfinished claims come back after %s", span(f.Lease.L))
	}
	if list := in.clocks(); len(list) > 0 {
		text += "; clocks against the others: " + andList(list) + " (shown, never applied)"
	}
	return text + "."
}

func (in *Incident) stepCauses() string {
	if !in.hasCauses() {
		return ""
	}
	return "**Ask why, one duplicate at a time.** Each extra row was set against the pair of attempts that may have written it; the most special cause that fits was taken, " +
		"and its rivals written down. Claims that two things go together were checked against chance."
}

func (in *Incident) stepCheck() string {
	return fmt.Sprintf("**Check the sum.** `%s`.", balance(&in.Summary.Rows))
}

func (in *Incident) assumptions() string {
	return section("## Assumptions", bullets(escaped(in.Summary.Assumptions)))
}

// escaped makes lines of ours that may quote the input inert.
func escaped(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = markdownLine(l)
	}
	return out
}

// openQuestions lists what the records cannot answer, with where to look.
func (in *Incident) openQuestions() string {
	s, e := in.Summary, &in.Summary.ByEvent
	var items []string
	ask := func(n int64, format string) {
		if n > 0 {
			items = append(items, fmt.Sprintf(format, number(n)))
		}
	}
	ask(e.Ambiguous, "Duplicates that may belong to another event: %s. Their alternatives are in `duplicates.csv`; an event id in the output would settle them.")
	ask(e.Orphans, "Rows that no event accounts for: %s. Where did they come from? Compare them with other streams, or widen `--tolerance`.")
	ask(s.Other[replay.LostDespiteSuccess], "Events that were done successfully and have no row: %s. Was the write lost, or the row deleted later?")
	ask(s.Other[replay.GhostCommit], "Events written although every attempt gave up: %s. Does giving up not abort the write, or is the status wrong?")
	ask(s.Other[replay.UnknownEventAttempt], "Attempts at ids that are not in the raw log: %s. Is the raw log complete?")
	var suspected int64
	for _, c := range byCount(s.Causes) {
		suspected += c.Suspected
	}
	switch {
	case in.hasCauses():
		ask(suspected, "Duplicates whose cause is only suspected: %s. Their evidence is in `duplicates.csv`.")
		ask(s.Causes[replay.UnexplainedCause.String()].Count, "Duplicates that fit no known cause: %s.")
	case hasEvents(s):
		ask(in.duplicates(), "Duplicates that nobody can be asked about: %s. Only the worker log can tell what wrote them.")
	default:
		ask(in.duplicates(), "Rows that may be copies or real events: %s. Only the events can tell.")
	}
	ask(in.Matching.Capped, "Knots of rivals that were too large to solve exactly: %s. A narrower `--tolerance` takes them apart.")
	return section("## Open questions", bullets(items), in.warnings())
}

func (in *Incident) warnings() string {
	if len(in.Summary.Warnings) == 0 {
		return ""
	}
	return stack("Warnings of this run:", bullets(escaped(in.Summary.Warnings)))
}
