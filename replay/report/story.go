package report

import (
	"fmt"
	"slices"
	"strings"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// Story tells in plain words how one duplicate came to be: who claimed the
// event when, who finished, which rows came out, how sure that is, and what
// would have stopped it (R106). The text is one line and holds nothing that a
// terminal would act on; it is not escaped for HTML. c is the case of d.Owner.
func Story(c *replay.EventCase, d *replay.Duplicate) string { return plainVoice.story(c, d) }

func (v voice) story(c *replay.EventCase, d *replay.Duplicate) string {
	if c.Event.ID == "" {
		return v.nearStory(c, d)
	}
	sentences := []string{
		v.event(c) + " " + v.race(c, d) + ".",
		v.rows(c, d) + ".",
		v.verdict(c, d) + ".",
		fmt.Sprintf(proseOf(d.Cause).cure, v.name(c.Event.ID)),
	}
	return strings.Join(sentences, " ")
}

// nearStory tells of a near cluster: without events nobody knows more.
func (v voice) nearStory(c *replay.EventCase, d *replay.Duplicate) string {
	near := int64(len(c.Rows) - 1)
	return fmt.Sprintf("Row %d (%s, %s) has %s close to it, and there are no events to tell whether %s. Row %d is %s. "+
		"Suspected, on weak evidence. If it reports the same event, a sink that refuses a second row of an event would have stopped it.",
		d.CanonicalRow, v.name(c.Event.Symbol), c.Event.Price, counted(near, "row", "rows"),
		oneOf(near, "that is a copy", "these are copies"), d.Row.N, copyOf(d.TimeShift, d.PriceShift))
}

// event introduces the event: evt_0000412 (INFY, 1502.15).
func (v voice) event(c *replay.EventCase) string {
	return fmt.Sprintf("%s (%s, %s)", v.name(c.Event.ID), v.name(c.Event.Symbol), c.Event.Price)
}

// race tells what happened to the event, as the end of a sentence that begins
// with it.
func (v voice) race(c *replay.EventCase, d *replay.Duplicate) string {
	switch d.Cause {
	case replay.UnknownCause:
		return fmt.Sprintf("has %s, and there is no worker log to tell who wrote them", counted(int64(len(c.Rows)), "row", "rows"))
	case replay.SourceDoubleEmit:
		return fmt.Sprintf("looks like %s under another id: same symbol, same price, almost the same time", v.name(c.Twin))
	case replay.SourceIDRepeat:
		return fmt.Sprintf("stands in the raw log %s, each time with the same values; it was attempted %s and has %s",
			times(c.Repeats), times(len(c.Attempts)), counted(int64(len(c.Rows)), "row", "rows"))
	}
	earlier, later, ok := pairOf(c, d)
	if !ok {
		return v.lone(c)
	}
	return v.meeting(earlier, later, d.Cause) + v.among(c, d) + v.ending(c, earlier, later)
}

// lone tells of an event whose rows no two attempts account for.
func (v voice) lone(c *replay.EventCase) string {
	rows := counted(int64(len(c.Rows)), "row", "rows")
	if len(c.Attempts) == 0 {
		return "was never claimed according to the worker log, yet it has " + rows
	}
	if len(c.Attempts) > 1 {
		text := fmt.Sprintf("was claimed %s and has %s", times(len(c.Attempts)), rows)
		if len(c.Rows) > len(c.Attempts) {
			text += ", more than attempts could have written one each"
		}
		return text
	}
	a := &c.Attempts[0]
	return fmt.Sprintf("was claimed once, by %s at %s; it %s, and %s came out", v.name(a.Worker), clock(a.Start), outcome(a), rows)
}

// pairOf returns the two attempts that explain the duplicate.
func pairOf(c *replay.EventCase, d *replay.Duplicate) (earlier, later *replay.Attempt, ok bool) {
	if len(d.Attempts) < 2 {
		return nil, nil, false
	}
	return &c.Attempts[d.Attempts[0]-1], &c.Attempts[d.Attempts[1]-1], true
}

// meeting tells how the later attempt came upon the earlier one.
func (v voice) meeting(earlier, later *replay.Attempt, cause replay.Cause) string {
	first, second := v.name(earlier.Worker), v.name(later.Worker)
	at, gap := clock(earlier.Start), later.Start-earlier.Start
	again := "by " + second
	if earlier.Worker == later.Worker {
		again = "again"
	}
	switch {
	case gap == 0 && earlier.Worker == later.Worker:
		return fmt.Sprintf("was claimed twice by %s at the same instant, %s", first, at)
	case gap == 0:
		return fmt.Sprintf("was claimed by %s and %s at the same instant, %s", first, second, at)
	case cause == replay.ShortLease:
		return fmt.Sprintf("was claimed by %s at %s, and %s %s later, when the lease ran out with the earlier attempt still at work", first, at, again, span(gap))
	case cause == replay.HedgedAttempt:
		return fmt.Sprintf("was claimed by %s at %s, and %s %s later, because the earlier attempt was slow", first, at, again, span(gap))
	case cause == replay.CrashReplay:
		return fmt.Sprintf("was claimed at %s by %s, which then fell silent; %s later it was claimed %s", at, first, span(gap), again)
	case cause == replay.RestartBurst:
		return fmt.Sprintf("was claimed by %s at %s, and %s %s later, in a run of events that were all done again", first, at, again, span(gap))
	case earlier.Open:
		return fmt.Sprintf("was claimed by %s at %s, and %s %s later, when the earlier attempt had not been heard of again", first, at, again, span(gap))
	case later.Start >= earlier.End:
		return fmt.Sprintf("was claimed by %s at %s; %s after that attempt had ended it was claimed %s", first, at, span(later.Start-earlier.End), again)
	}
	return fmt.Sprintf("was claimed by %s at %s, and %s %s later, while the earlier attempt was still at work", first, at, again, span(gap))
}

// among places the two attempts among more than two.
func (v voice) among(c *replay.EventCase, d *replay.Duplicate) string {
	if len(c.Attempts) == 2 {
		return ""
	}
	return fmt.Sprintf(" (attempts %d and %d of %d)", d.Attempts[0], d.Attempts[1], len(c.Attempts))
}

// ending tells how the two attempts ended and what came out.
func (v voice) ending(c *replay.EventCase, earlier, later *replay.Attempt) string {
	both := "; " + v.endings(earlier, later)
	rows, attempts := len(c.Rows), len(c.Attempts)
	succeeded := earlier.Status == replay.StatusSuccess && later.Status == replay.StatusSuccess
	switch {
	case rows < attempts:
		return fmt.Sprintf("%s, and %s came out of %s", both, counted(int64(rows), "row", "rows"), counted(int64(attempts), "attempt", "attempts"))
	case succeeded:
		return both + ", and both wrote"
	}
	return both + ", and yet both wrote"
}

// endings tells of both attempts, the one that ended first before the other.
func (v voice) endings(a, b *replay.Attempt) string {
	if !b.Open && (a.Open || b.End < a.End) {
		a, b = b, a
	}
	if outcome(a) == outcome(b) {
		return "both " + outcome(a)
	}
	first, second := v.name(a.Worker), v.name(b.Worker)
	if a.Worker == b.Worker {
		first, second = "one attempt", "the other"
		if a.Start != b.Start {
			first, second = "the earlier attempt", "the later"
			if b.Start < a.Start {
				first, second = "the later attempt", "the earlier"
			}
		}
	}
	return fmt.Sprintf("%s %s, %s %s", first, outcome(a), second, strings.TrimPrefix(outcome(b), sharedVerb(a, b)))
}

// sharedVerb is the verb that b need not repeat after a.
func sharedVerb(a, b *replay.Attempt) string {
	_, ok := a.Duration()
	if _, too := b.Duration(); ok && too && a.Status == b.Status {
		return endingVerbs[a.Status] + " "
	}
	return ""
}

var endingVerbs = map[replay.Status]string{
	replay.StatusSuccess: "finished", replay.StatusTimeout: "timed out", replay.StatusFailed: "failed",
	replay.StatusUnknown: "ended with a status that is not known",
}

// outcome tells how an attempt ended, after its worker's name.
func outcome(a *replay.Attempt) string {
	verb := endingVerbs[a.Status]
	if d, ok := a.Duration(); ok {
		return verb + " after " + span(d)
	}
	if a.Open {
		return verb + " with no end on record"
	}
	return verb + ", before it started if the log is right"
}

// rows tells the copy from the event's own row.
func (v voice) rows(c *replay.EventCase, d *replay.Duplicate) string {
	if d.Cause == replay.SourceDoubleEmit {
		return fmt.Sprintf("Row %d is its row, and row %d that of %s; both are events of the source, so neither row is removed",
			d.Row.N, d.CanonicalRow, v.name(c.Twin))
	}
	own := "the event's own row"
	if i := slices.IndexFunc(c.Rows, func(m replay.Match) bool { return m.Row.N == d.CanonicalRow }); i >= 0 && !c.Rows[i].Exact {
		own = "the nearest to the event and stays"
	}
	text := fmt.Sprintf("Row %d is %s; row %d is %s", d.CanonicalRow, own, d.Row.N, copyOf(d.TimeShift, d.PriceShift))
	if d.Removed {
		return text
	}
	return text + ", but it is not removed, because another event may need it"
}

// copyOf describes a copy by its shifts from the event.
func copyOf(dt tick.Nanos, dp tick.Price) string {
	switch {
	case dt == 0 && dp == 0:
		return "the same once more"
	case dp == 0:
		return "a copy " + shiftedTime(dt) + " at the same price"
	case dt == 0:
		return "a copy of the same time, " + shiftedPrice(dp)
	}
	return "a copy " + shiftedTime(dt) + " and " + shiftedPrice(dp)
}

// verdict says how sure the cause is, and how sure the event.
func (v voice) verdict(c *replay.EventCase, d *replay.Duplicate) string {
	var text string
	switch d.Grade {
	case replay.Proved:
		text = "Proved, if the worker log is complete"
	case replay.Consistent:
		text = "Consistent with the records, which suggest it and do not prove it"
		if len(d.Alternatives) > 0 {
			text = "Consistent with the records, as " + andList(v.labels(d.Alternatives)) + " would be"
		}
	default:
		text = "Suspected, on weak evidence"
	}
	if len(d.EventAlternatives) > 0 {
		a := d.EventAlternatives[0]
		text += fmt.Sprintf("; with a probability of %s row %d belongs to %s instead", figure(a.Posterior), d.Row.N, v.set(a.IDs))
	}
	for _, m := range d.Also {
		if says, ok := modifierInStory[m]; ok {
			text += "; " + says
		}
	}
	return text
}

// modifierInStory says what a modifier means for the copy at hand.
var modifierInStory = map[replay.Cause]string{
	replay.RestampedEmission:  "copies in this file carry the time of their processing",
	replay.MutableStateReread: "its price is one that was in force when it was written, not the event's",
	replay.ClockSuspect:       "the overlap depends on how a worker's clock is corrected",
}

// set names one event, or some that nothing tells apart.
func (v voice) set(ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = v.name(id)
	}
	return strings.Join(names, " or ")
}

func (v voice) labels(causes []replay.Cause) []string {
	list := make([]string, len(causes))
	for i, c := range causes {
		list[i] = v.label(c.String())
	}
	return list
}

// times is once, twice, 3 times.
func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return number(int64(n)) + " times"
}
