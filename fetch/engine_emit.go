package fetch

import (
	"time"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
)

// unsendable ends a URL that nothing can be sent for. It is called with mu held
// and gives it up.
func (e *engine) unsendable(j *job) {
	o := e.c.out
	o.mu.Lock()
	if j.ofLine != 0 {
		e.duplicate(j)
	} else {
		e.bad(j)
	}
	o.mu.Unlock()
	e.mu.Unlock()
	begin(o.flush(nil))
}

func (e *engine) bad(j *job) {
	_, v := retry.Decide(j.policy, retry.State{}, retry.Attempt{Class: retry.ClassBadInput}, retry.Env{Now: e.now(), Budget: retry.Unlimited, Remaining: retry.Forever})
	e.emit(&pace.Emit{ID: j.id, Verdict: v})
}

func (e *engine) duplicate(j *job) {
	delete(e.jobs, j.id)
	e.tally.duplicates++
	at := e.stamp()
	if o := e.c.out; o.log != nil {
		l := o.waiting.lines.begin(at, "duplicate", j.shown).int("attempt", 0).int("line", j.line).int("of_line", j.ofLine)
		o.waiting.lines = l.flag("final", true).string("outcome", "duplicate").hex32("url_fp", j.fingerprint.check()).end()
	}
}

// stamp is the time of a record: it never decreases.
func (e *engine) stamp() time.Time {
	at := e.wall(e.at)
	if at.Before(e.last) {
		at = e.last
	}
	e.last = at
	return at
}

// emit records a decision and tells of it. It is called with mu held, and with
// that of the output.
func (e *engine) emit(m *pace.Emit) {
	j := e.jobs[m.ID]
	v := &m.Verdict
	var a *Attempt
	var body []byte
	if j.current != nil {
		a, body = &j.current.Attempt, j.current.body
	}
	if m.Attempted {
		e.countAttempt(j, a)
	}
	over := v.Action != retry.Retry
	at := e.stamp()
	e.scratch = e.calls(e.scratch[:0], j, a, m, body)
	if m.Attempted && j.wantHistory {
		j.outcome.History = append(j.outcome.History, *a)
	}
	if m.Attempted && j.outcome != nil {
		j.outcome.WireSends += a.WireSends
	}
	if v.Warning != "" {
		e.warn(j.shown + ": " + v.Warning)
	}
	var last *job
	if over {
		last = j
		if j.keep != nil {
			j.keep(j.current)
		}
		if j.outcome != nil {
			e.settle(j, a, m)
		}
		delete(e.jobs, m.ID)
		e.tally.end(j.origin, v.Outcome, finalStatus(a, m.Attempt), m.Attempt > 0, 1)
	} else {
		e.tally.retry(v.Reason)
		if j.current != nil && j.current.resp != nil {
			j.current.resp.Body.Close() // an answer that is tried again is nobody's
		}
	}
	e.tellGate(j, m)
	o := e.c.out
	if o.log != nil && v.Outcome != retry.OutcomeNotStarted { // a URL that was never begun has no record
		from := len(o.waiting.lines)
		o.waiting.lines = e.records(o.waiting.lines, j, a, m, at)
		if j.settle != nil {
			j.trail = append(j.trail, o.waiting.lines[from:]...)
		}
	}
	if j.settle != nil && over {
		e.settled(j, a, m)
	}
	o.add(e.scratch, last)
	if over && j.current != nil && j.keep == nil {
		e.free = append(e.free, j.current)
		j.current = nil
	}
}

func (e *engine) countAttempt(j *job, a *Attempt) {
	f := attemptFacts{
		origin: j.origin, number: a.Number, class: a.Class, latency: a.Latency, slow: e.isSlow(j, a),
		wireSends: a.WireSends, bytes: a.Bytes, wireBytes: a.WireBytes,
	}
	if a.hasStatus() {
		f.status = a.Status
	}
	e.tally.attempt(f)
}

// settle fills the outcome in.
func (e *engine) settle(j *job, a *Attempt, m *pace.Emit) {
	v, o := &m.Verdict, j.outcome
	o.URL, o.Line, o.Policy, o.Rule, o.Why, o.Kind = j.raw, j.line, j.policy.Name, v.Rule.String(), v.Why, v.Outcome
	o.Attempts, o.Status = m.Attempt, finalStatus(a, m.Attempt)
	if v.Outcome.Postponed() && v.NotBefore > 0 {
		o.NotBefore = e.wall(v.NotBefore)
	}
	switch {
	case j.bad != nil:
		o.LastErr = j.bad
	case a != nil:
		o.LastErr = a.err
		if a.Class == retry.ClassSuccess {
			o.Bytes, o.SHA256, o.BodyFile = a.Bytes, a.SHA256, a.BodyFile
		}
	}
	if o.LastErr == nil && v.Outcome == retry.OutcomeCancelled {
		o.LastErr = j.ctx.Err()
	}
}

func (e *engine) warn(text string) {
	if len(e.warned) < 1000 && !e.warned[text] {
		e.warned[text] = true
		e.c.warn(text)
	}
}
