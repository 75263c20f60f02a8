package pace

import (
	"time"

	"holdfast/fetch/retry"
)

// dispatch starts what may start now: one URL of each origin in turn.
func (s *Scheduler) dispatch(now time.Duration) {
	for s.inFlight < s.c.Policy.Concurrency && !s.stopping && s.next <= now {
		i, ok := s.ring.first()
		if !ok {
			return
		}
		o := &s.origins[i]
		s.ring.remove(s.ringLinks, i)
		o.ringed = false
		u, ok := o.woken.first()
		if !ok {
			u, _ = o.fresh.first()
		}
		s.start(now, u)
		s.settle(now) // puts the origin at the end of the ring if it can start more
	}
}

// start begins an attempt, or the next hop of one.
func (s *Scheduler) start(now time.Duration, i int32) {
	u := &s.units[i]
	s.lift(i)
	o, home := &s.origins[u.at], &s.origins[u.home]
	if u.hop == 0 && u.state.Attempts == 0 {
		home.budget.First(now)
		s.budget.First(now)
		if u.policy.Deadline > 0 && u.state.Deadline == 0 {
			u.state.Deadline = now + u.policy.Deadline
		}
	}
	if s.c.Policy.Breaker {
		ask, _ := o.breaker.Ask(now)
		u.probe = ask == retry.Probe
	}
	u.place = flying
	u.started = now
	o.inFlight++
	s.inFlight++
	if u.hop == 0 {
		s.counts.Started++
	}
	intended := max(u.ready, s.slot(now, &s.next, s.c.Policy.Rate), s.slot(now, &o.next, s.c.Policy.PerHostRate))
	st := Start{
		ID: u.id, Attempt: u.state.Attempts + 1, Hop: int(u.hop), Queued: now - intended,
		FreshConn: u.state.Fresh, ForceHTTP1: u.state.HTTP1 || o.http1, Probe: u.probe,
	}
	if u.hop > 0 || u.state.Attempts > 0 {
		st.Waited = now - u.since
	}
	st.Limit, st.LimitKind = s.limit(now, u)
	s.effects.Start = append(s.effects.Start, st)
	s.touch(u.at)
	if u.probe && s.impatient(now, o) {
		s.drain(now, u.at) // the others do not wait for what the probe finds
	}
}

// limit is how long an attempt may take from now on.
func (s *Scheduler) limit(now time.Duration, u *unit) (time.Duration, retry.Limit) {
	limit, kind := u.policy.Timeout-u.used, retry.LimitAttempt
	for _, end := range [...]time.Duration{u.state.Deadline, s.c.RunDeadline} {
		if end > 0 && end != Never && end-now < limit {
			limit, kind = end-now, retry.LimitDeadline
		}
	}
	return max(limit, 1), kind
}

// slot takes the next instant of a rate and gives it: now at the latest. A
// start that comes late may be followed by one sooner, but only by one.
func (s *Scheduler) slot(now time.Duration, next *time.Duration, rate float64) time.Duration {
	if rate <= 0 {
		return 0
	}
	every := max(1, time.Duration(float64(time.Second)/rate))
	slot := max(*next, now-every)
	if *next == 0 {
		slot = now
	}
	*next = slot + every
	return slot
}
