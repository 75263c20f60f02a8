package retry

import (
	"fmt"
	"math"
	"time"
)

// Words of Verdict.Why that scripts may compare.
const (
	WhyNotIdempotent = "not_idempotent" // a repeat might do it twice
	WhyUnreplayable  = "unreplayable"   // the body cannot be sent again
	WhyServerHint    = "server_hint"    // x-should-retry decided
	WhyRetriesUsed   = "retries_used_up"
	WhySecond        = "second_time" // of a failure that is worth one retry
	WhyNotAsked      = "no_retry_after"
)

// Decide says what to do after attempt a of a URL in state s. The returned
// state is that of the next attempt. The questions come in the order of the
// table's sense: does the row allow a retry, may this request be repeated at
// all, are retries left, does the wait fit the deadline, is it short enough to
// be waited for, and can it be paid for. The first no decides.
func Decide(p *Policy, s State, a Attempt, e Env) (State, Verdict) {
	if a.Class == ClassNone {
		panic(fmt.Sprintf("retry: attempt %d ended as nothing", s.Attempts+1))
	}
	row := &table[rowOf[a.Class][a.Kind]]
	if a.Class != ClassBadInput { // it was never tried
		s.Attempts++
	}
	v := Verdict{Rule: Rule{p.Name, row.Number, a.Kind.String()}, Event: row.Event, Outcome: row.outcome(), Health: HealthOf(&a)}
	if a.Class == ClassSuccess {
		v.Refund, s.Paid = s.Paid, 0
	}
	w := p.wait(&s, &a, e)
	p.pause(&v, &a, w, e)

	if row.Answer(p.Name) == Stop {
		v.Action = Postpone
		return s, v
	}
	if a.Class == ClassTimeout && a.Limit == LimitDeadline {
		return s, v.late(p, &s, e, 0)
	}
	if !p.retries(&s, &a, row, &v) {
		return s, v
	}
	if n := s.Attempts - 1; n >= p.Retries || p.RetriesFor[row.Group] != Any && int(s.Retries[row.Group]) >= p.RetriesFor[row.Group] {
		v.Outcome, v.Then, v.Why = OutcomeMaxRetries, "max_retries", WhyRetriesUsed
		return s, v
	}

	v.Nominal = w.nominal
	v.NotBefore = max(after(e.Now, w.wait), e.Gate, v.CloseGate)
	cost := row.Cost
	if w.dictated || !p.Budget {
		cost = 0
	}
	switch {
	case s.Deadline > 0 && v.NotBefore >= s.Deadline, v.NotBefore-e.Now >= e.Remaining:
		return s, v.late(p, &s, e, v.NotBefore-e.Now)
	case p.RetryAfter && (w.parked || max(e.Gate, v.CloseGate)-e.Now > p.RetryAfterCap):
		if w.parked {
			v.NotBefore = max(after(e.Now, w.asked), e.Gate, v.CloseGate)
		}
		v.held(p, OutcomeParked)
		v.Why = fmt.Sprintf("the origin asked for a pause of %v, and %v is the longest that one run waits", round(v.NotBefore-e.Now), p.RetryAfterCap)
		return s, v
	case p.Breaker && e.BreakerOpen:
		v.held(p, OutcomeBreakerOpen)
		return s, v
	case p.Budget && cost > e.Budget:
		v.held(p, OutcomeBudgetExhausted)
		return s, v
	}

	v.Action, v.Outcome, v.Then, v.Reason = Retry, OutcomeNone, "retry", row.retryReason(a.Kind)
	v.Wait, v.Cost = w.wait, cost
	s.Fresh, v.FreshConn = row.Fresh, row.Fresh
	if row.Class == ClassClientError {
		v.Event = "transient_client_error"
	}
	if row.Answer(p.Name) == Once {
		s.Once |= 1 << row.Number
	}
	s.Retries[row.Group]++
	s.Paid = cost
	s.HTTP1 = s.HTTP1 || a.Kind == KindHTTP1Required
	v.ForceHTTP1 = s.HTTP1
	s.Previous = w.wait
	s.Exponent++
	if w.dictated {
		s.Exponent = 0
	}
	return s, v
}

// retries reports whether the row and the request allow a retry, and says in v
// why not.
func (p *Policy) retries(s *State, a *Attempt, row *Row, v *Verdict) bool {
	answer := row.Answer(p.Name)
	if p.ServerHint && a.Status != 0 && a.Class != ClassSuccess && a.ServerHint != HintNone {
		v.Why = WhyServerHint
		if a.ServerHint == HintStop {
			return false
		}
		answer = Again
	}
	switch answer {
	case Again:
	case Once:
		if s.Once&(1<<row.Number) != 0 {
			v.Why = WhySecond
			return false
		}
		if a.Kind == KindRequestTimeout && a.RetryAfter.Wait > 0 {
			v.Why = "a 408 with Retry-After is a refusal"
			return false
		}
	case IfAsked:
		if !p.RetryAfter || !a.RetryAfter.Found {
			v.Why = WhyNotAsked
			return false
		}
	default:
		return false
	}
	switch {
	case a.Unreplayable:
		v.Why = WhyUnreplayable
		return false
	case a.Sent && !a.Idempotent && !harmless(a.Kind):
		v.Why = WhyNotIdempotent
		return false
	}
	return true
}

// HealthOf is what an attempt says about its origin.
func HealthOf(a *Attempt) Health {
	if a.Class == ClassTimeout && a.Limit == LimitDeadline {
		return HealthUnknown // it had less time than others
	}
	return table[rowOf[a.Class][a.Kind]].Health
}

// harmless are answers by which the server says that it did nothing.
func harmless(k Kind) bool {
	return k == KindRequestTimeout || k == KindTooEarly || k == KindRateLimited
}

// A wait is how long a URL would wait if it is retried.
type wait struct {
	nominal, wait time.Duration
	asked         time.Duration // what the server asked for, at most the cap if that is absurd
	dictated      bool          // the server decided it
	parked        bool          // longer than one run waits
}

// wait computes the next wait: the backoff, or what the server asked for and
// up to a tenth, at most a second, more, so that those who were sent away
// together do not come back together (R6.2).
func (p *Policy) wait(s *State, a *Attempt, e Env) (w wait) {
	w.nominal, w.wait = p.Backoff(s.Exponent, e.U, s.Previous)
	w.dictated = p.gated() && a.Kind == KindRateLimited
	if !p.RetryAfter || !a.RetryAfter.Found || !asksForPause(a.Status) {
		return w
	}
	ra := a.RetryAfter.Wait
	if a.RetryAfter.Absurd {
		w.parked, w.dictated, w.asked = true, true, p.RetryAfterCap
		return w
	}
	if ra <= 0 {
		return w
	}
	w.asked, w.dictated, w.parked = ra, true, ra > p.RetryAfterCap
	w.wait = after(max(w.wait, ra), time.Duration(e.U*float64(min(ra/10, time.Second))))
	return w
}

// asksForPause are the statuses on which Retry-After is read (R6.1).
func asksForPause(status int) bool { return status == 413 || status == 429 || status == 503 }

// pause says whether the attempt closes its origin for others (R6.4, R6.5),
// whatever becomes of its own URL.
func (p *Policy) pause(v *Verdict, a *Attempt, w wait, e Env) {
	if !p.gated() {
		return
	}
	switch {
	case a.Status == 429 || a.Status == 503 && w.asked > 0:
		v.CloseGate = after(e.Now, max(w.asked, 1))
		if w.asked == 0 {
			v.CloseGate = after(e.Now, max(w.wait, 1))
		}
	case a.Kind == KindCalm:
		v.CloseGate = after(e.Now, max(w.wait, 1))
	}
	if p.RetryAfter && a.RateLimit.Empty && a.RateLimit.Reset > 0 {
		v.CloseGate = max(v.CloseGate, after(e.Now, a.RateLimit.Reset))
	}
	if p.RetryAfter && asksForPause(a.Status) {
		v.Warning = a.RetryAfter.Warning
	}
}

// gated reports whether origins have a gate under this policy.
func (p *Policy) gated() bool { return p.RetryAfter || p.SlowStart > 0 }

// late ends a URL whose deadline has passed or would pass while it waits for
// need; if it is the run's deadline, another run can go on with it.
func (v Verdict) late(p *Policy, s *State, e Env, need time.Duration) Verdict {
	v.Wait = 0
	if s.Deadline == 0 || e.Now < s.Deadline && after(e.Now, need) < s.Deadline {
		v.Action, v.Outcome = Postpone, OutcomeCancelled
		v.Rule = Rule{p.Name, rowCancelled, "run_deadline"}
		if v.Why = "the deadline of the run has passed"; e.Remaining > 0 {
			v.Why = fmt.Sprintf("the run ends in %v, before the wait of %v does", round(e.Remaining), round(need))
		}
		return v
	}
	v.Outcome, v.Then = OutcomeDeadline, "deadline"
	v.Rule = Rule{p.Name, rowDeadline, "deadline"}
	if rest := s.Deadline - e.Now; rest > 0 {
		v.Why = fmt.Sprintf("a wait of %v does not fit the %v that are left of the deadline", round(need), round(rest))
	} else {
		v.Why = "the deadline has passed"
	}
	return v
}

// held makes v one of the answers of row 29.
func (v *Verdict) held(p *Policy, o Outcome) {
	v.Outcome, v.Then = o, o.String()
	v.Rule = Rule{p.Name, rowHeld, v.Then}
	if o.Postponed() {
		v.Action = Postpone
		if v.Event == "client_error" {
			v.Event = "transient_client_error" // the URL does not end with this answer
		}
	}
}

// Put gives the verdict about a URL that ends without an attempt: put off,
// cancelled or late while it waited. o is parked, breaker_open, cancelled,
// not_started or deadline.
func Put(p *Policy, o Outcome, notBefore time.Duration, why string) Verdict {
	v := Verdict{Outcome: o, NotBefore: notBefore, Why: why}
	switch o {
	case OutcomeDeadline:
		v.Then, v.Rule = o.String(), Rule{p.Name, rowDeadline, o.String()}
	case OutcomeParked, OutcomeBreakerOpen:
		v.held(p, o)
	case OutcomeCancelled, OutcomeNotStarted:
		v.Action, v.Then, v.Rule = Postpone, OutcomeCancelled.String(), Rule{p.Name, rowCancelled, o.String()}
	default:
		panic(fmt.Sprintf("retry: a URL cannot end as %v without an attempt", o))
	}
	return v
}

// after is now + d, or the end of time.
func after(now, d time.Duration) time.Duration {
	if d > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + d
}

// round is for words.
func round(d time.Duration) time.Duration {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second)
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond)
	}
	return d
}
