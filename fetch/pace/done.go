package pace

import (
	"time"

	"holdfast/fetch/retry"
)

// done decides about a unit whose attempt has ended.
func (s *Scheduler) done(now time.Duration, i int32, a retry.Attempt) {
	u := &s.units[i]
	s.land(now, i)
	o, home := &s.origins[u.at], &s.origins[u.home]
	probe := u.probe
	if s.c.Policy.Breaker {
		s.judge(now, u, &a)
	}
	e := retry.Env{
		Now:         now,
		U:           retry.Uniform(s.c.Seed, u.fingerprint, u.state.Attempts+1),
		Remaining:   retry.Forever,
		Budget:      retry.Unlimited,
		BreakerOpen: s.c.Policy.Breaker && s.impatient(now, home),
	}
	if s.c.RunDeadline != Never {
		e.Remaining = s.c.RunDeadline - now
	}
	if s.stopping {
		e.Remaining = 0
	}
	if home.gate.Closed(now) {
		e.Gate = home.gate.Until()
	}
	if s.c.Policy.Budget {
		s.charge(now, home, retry.Tokens(a.Resends)*retry.Token)
		e.Budget = min(home.budget.Available(now), s.budget.Available(now))
	}
	state, v := retry.Decide(u.policy, u.state, a, e)
	u.state = state
	if s.c.Policy.Budget {
		s.charge(now, home, v.Cost)
		home.budget.Refund(now, v.Refund)
		s.budget.Refund(now, v.Refund)
	}
	s.learn(now, o, &v, probe)
	if a.Kind == retry.KindHTTP1Required {
		o.http1 = true
	}
	at := u.at
	s.touch(at)
	s.touch(u.home)
	s.emit(Emit{ID: u.id, Attempt: state.Attempts, Attempted: true, Verdict: v})
	if v.Action == retry.Retry {
		s.again(now, i, &v)
	} else {
		s.drop(i)
	}
	s.drain(now, at)
}

// land gives back the slots of a unit in flight.
func (s *Scheduler) land(now time.Duration, i int32) {
	u := &s.units[i]
	u.used += now - u.started
	s.origins[u.at].inFlight--
	s.inFlight--
	u.place = nowhere
}

// judge tells the breaker of the unit's origin how its attempt went.
func (s *Scheduler) judge(now time.Duration, u *unit, a *retry.Attempt) {
	o := &s.origins[u.at]
	before := o.breaker.State()
	draw := retry.Uniform(s.c.Seed, u.fingerprint, -1-u.state.Attempts)
	o.breaker.Record(now, retry.HealthOf(a), u.probe, draw)
	u.probe = false
	if before == retry.BreakerClosed && o.breaker.State() == retry.BreakerOpen {
		s.counts.BreakerOpened++
	}
}

// learn adapts the gate of an origin to an answer.
func (s *Scheduler) learn(now time.Duration, o *origin, v *retry.Verdict, probe bool) {
	switch {
	case v.CloseGate > 0:
		o.gate.Close(now, v.CloseGate)
	case v.Health == retry.Healthy && probe:
		o.gate.Restart()
	case v.Health == retry.Healthy:
		o.gate.Success(now)
	}
}

func (s *Scheduler) charge(now time.Duration, home *origin, cost retry.Tokens) {
	home.budget.Take(now, cost)
	s.budget.Take(now, cost)
}

// again lets a unit wait for its retry, at its own origin.
func (s *Scheduler) again(now time.Duration, i int32, v *retry.Verdict) {
	u := &s.units[i]
	u.at, u.hop, u.used = u.home, 0, 0
	u.since, u.ready = now, now+v.Wait
	home := &s.origins[u.home]
	if s.c.Spill && s.inMemory() > s.c.Window && home.gate.Closed(now) {
		s.spill(u.home, Spilled{ID: u.id, NotBefore: u.ready, State: u.state, Since: u.since})
		s.drop(i)
		return
	}
	if v.Wait == 0 {
		s.lay(i, woken)
		return
	}
	s.lay(i, waiting)
}

// redirect moves a unit in flight to another origin.
func (s *Scheduler) redirect(now time.Duration, i int32, name string, a retry.Attempt) {
	u := &s.units[i]
	s.land(now, i)
	from, probe := u.at, u.probe
	if s.c.Policy.Breaker {
		s.judge(now, u, &a)
	}
	_, v := retry.Decide(u.policy, u.state, a, retry.Env{Now: now, Remaining: retry.Forever, Budget: retry.Unlimited})
	s.learn(now, &s.origins[from], &v, probe)
	s.touch(from)
	u.at = s.originOf(now, name)
	u.hop++
	u.since, u.ready = now, now
	s.rejoin(now, i, a.RetryAfter)
	s.drain(now, from)
}

// rejoin queues a redirected unit where it goes on, ahead of those that have
// not begun; a Retry-After on the redirect delays it (R6.1).
func (s *Scheduler) rejoin(now time.Duration, i int32, ra retry.RetryAfter) {
	u := &s.units[i]
	if s.stopping {
		s.giveUp(i)
		return
	}
	if outcome, notBefore := s.drained(now, &s.origins[u.at]); outcome != retry.OutcomeNone {
		s.end(i, outcome, notBefore, "")
		return
	}
	if !u.policy.RetryAfter || !ra.Found || ra.Wait <= 0 {
		s.lay(i, woken)
		return
	}
	switch wait := min(ra.Wait, Never-now); {
	case u.state.Deadline > 0 && now+wait >= u.state.Deadline:
		s.end(i, retry.OutcomeDeadline, 0, "the redirect asks for a pause that does not fit the deadline")
	case ra.Absurd:
		s.end(i, retry.OutcomeParked, now+u.policy.RetryAfterCap, ra.Warning)
	case wait > u.policy.RetryAfterCap:
		s.end(i, retry.OutcomeParked, now+wait, "the redirect asks for a longer pause than one run waits")
	default:
		u.ready = now + wait
		s.lay(i, waiting)
	}
}
