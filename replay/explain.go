package replay

import (
	"slices"

	"holdfast/replay/tick"
)

// pairing is the consecutive pair of attempts that explains an extra row.
type pairing struct {
	first, second int // indexes of the attempts, the one that started first (by corrected clocks) first
	a, b          *Attempt
	relation
}

// pairOf is the pair that explains extra j (from 1): attempts j and j+1. ok is
// false if there are no such attempts.
func (p *Population) pairOf(c *EventCase, j int) (u pairing, ok bool) {
	if j >= len(c.Attempts) {
		return u, false
	}
	u = pairing{first: j - 1, second: j}
	u.relation = p.relate(&c.Attempts[j-1], &c.Attempts[j])
	if u.swapped {
		u.first, u.second = u.second, u.first
	}
	u.a, u.b = &c.Attempts[u.first], &c.Attempts[u.second]
	return u, true
}

// explain fills in cause, also, alternatives, grade and evidence of extra j by
// the table of R50, whose rows it tries in order.
func (p *Population) explain(d *Duplicate, c *EventCase, m, canonical *Match, j int) {
	var e evidence
	u, paired := p.pairOf(c, j)
	switch {
	case c.Repeats > 1:
		d.Cause = SourceIDRepeat
		e.repeats(c)
	case !p.HaveWorkers():
		d.Cause = UnknownCause
		e.add("no worker log")
	case !p.HaveEvents():
		d.Cause = UnknownCause
		e.add("no events to tie attempts to rows")
	case !paired:
		d.Cause = SinkDoubleEmit
		e.sink(c, m, canonical)
		if slices.ContainsFunc(c.Attempts, func(a Attempt) bool { return a.Lines > 1 }) {
			d.Alternatives = []Cause{SameWorkerDoubleClaim}
			e.add("the log has the attempt on more than one line")
		}
		d.Attempts = numbers(len(c.Attempts))
	default:
		p.explainPair(d, c, &u, &e)
		d.Attempts = []int{u.first + 1, u.second + 1}
	}
	pair := &u
	if !paired {
		pair = nil
	}
	d.Also = append(d.Also, p.modifiers(c, m, pair)...)
	d.Grade = p.grade(d, c, m, canonical, pair)
	if m.Rescued {
		e.add("found beyond the tolerance, in the only free place")
	}
	d.Evidence = e.String()
}

// explainPair is the part of the table that compares two attempts.
func (p *Population) explainPair(d *Duplicate, c *EventCase, u *pairing, e *evidence) {
	later := &c.Attempts[max(u.first, u.second)]
	if b := p.burstOf(c.Rank, later.Start); b != nil {
		d.Cause = RestartBurst
		if u.overlap {
			d.Also = append(d.Also, u.doubleClaim())
		} else if general := p.sequentialCause(u); general != UnexplainedCause {
			d.Also = append(d.Also, general)
		}
		e.burst(b)
		e.pair(u)
		return
	}
	switch {
	case u.overlap && p.nearLease(u.gap):
		d.Cause = ShortLease
		d.Also = append(d.Also, u.doubleClaim())
		e.lease(p)
		if p.hedged() && u.a.Status == StatusSuccess && u.b.Status == StatusSuccess {
			d.Alternatives = []Cause{HedgedAttempt}
			e.hedge(p)
		}
	case u.overlap:
		d.Cause = u.doubleClaim()
	default:
		d.Cause = p.sequentialCause(u)
		p.rivals(d, u, e)
	}
	e.pair(u)
}

// numbers lists the attempts 1 to n, as far as a list goes.
func numbers(n int) []int {
	out := make([]int, min(n, listedMost))
	for i := range out {
		out[i] = i + 1
	}
	return out
}

// doubleClaim is D2 or D1.
func (u *pairing) doubleClaim() Cause {
	if u.a.Worker == u.b.Worker {
		return SameWorkerDoubleClaim
	}
	return ConcurrentDoubleClaim
}

// sequentialCause is the first of D6, D4 and D5 that fires.
func (p *Population) sequentialCause(u *pairing) Cause {
	if u.a.Open {
		if silence, died, _ := p.backedBySilence(u.a); silence > 0 || died > 0 {
			return CrashReplay
		}
		return TimeoutThenLateCommit
	}
	switch {
	case u.a.Status == StatusTimeout, u.a.Status == StatusFailed:
		return TimeoutThenLateCommit
	case u.a.Status == StatusSuccess && !u.a.BadInterval() && u.sinceEnd >= 0:
		return RetryAfterSuccess
	}
	return UnexplainedCause
}

// rivals adds the alternatives that the table names for D4, and the evidence
// for D6 and D4.
func (p *Population) rivals(d *Duplicate, u *pairing, e *evidence) {
	if d.Cause != CrashReplay && d.Cause != TimeoutThenLateCommit {
		return
	}
	if u.a.Open {
		silence, died, judged := p.backedBySilence(u.a)
		e.crash(silence, died, judged)
		if !judged {
			d.Alternatives = append(d.Alternatives, CrashReplay)
		}
	}
	if d.Cause == TimeoutThenLateCommit && p.nearLease(u.gap) {
		d.Alternatives = append([]Cause{ShortLease}, d.Alternatives...)
		e.lease(p)
	}
}

// modifiers are those that apply to an extra row, in the order of the table.
func (p *Population) modifiers(c *EventCase, m *Match, u *pairing) []Cause {
	var out []Cause
	if p.Restamp.Significant && m.Row.Time != c.Event.Time {
		out = append(out, RestampedEmission)
	}
	if p.Reread.Significant && u != nil && m.Row.Price != c.Event.Price && p.reread(c, m, u) {
		out = append(out, MutableStateReread)
	}
	if len(c.Attempts) >= 4 {
		out = append(out, RetryStorm)
	}
	if p.inBatch(m.Row.N) {
		out = append(out, BatchReplay)
	}
	if u != nil && u.suspect {
		out = append(out, ClockSuspect)
	}
	return out
}

// reread reports that the row has the price that was in force when one of the
// two attempts ended.
func (p *Population) reread(c *EventCase, m *Match, u *pairing) bool {
	for _, i := range [...]int{u.first, u.second} {
		if q := c.quoteOf(i); q.Event != "" && q.Price == m.Row.Price {
			return true
		}
	}
	return false
}

// grade is the strength of the cause (R52).
func (p *Population) grade(d *Duplicate, c *EventCase, m, canonical *Match, u *pairing) Grade {
	shortLease := d.Cause == ShortLease && p.Lease.Configured
	switch {
	case d.Cause == UnknownCause, d.Cause == UnexplainedCause,
		m.Label <= Ambiguous, canonical.Label <= Ambiguous,
		!p.HaveEvents(),
		u != nil && u.suspect,
		d.Cause == ShortLease && p.Lease.Known && p.Lease.Near < 10:
		return Suspected
	case len(d.Alternatives) > 0, d.Cause.inferred() && !shortLease, !p.clearCut(c):
		return Consistent
	}
	return Proved
}

// clearCut reports an event whose records leave no room: every row certain, as
// many as attempts (or one attempt), every attempt closed and successful.
func (p *Population) clearCut(c *EventCase) bool {
	n := len(c.Attempts)
	if n == 0 || n != 1 && n != len(c.Rows) {
		return false
	}
	for i := range c.Rows {
		if c.Rows[i].Label != Certain {
			return false
		}
	}
	for i := range c.Attempts {
		if a := &c.Attempts[i]; a.Open || a.BadInterval() || a.Status != StatusSuccess {
			return false
		}
	}
	return true
}

// rest is the time between the end of the first attempt and the start of the
// second, if that is known.
func (u *pairing) rest() (tick.Nanos, bool) { return u.sinceEnd, !u.a.Open && !u.overlap }
