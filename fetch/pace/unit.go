package pace

import (
	"time"

	"holdfast/fetch/retry"
)

// place is where a unit is.
type place uint8

const (
	nowhere place = iota // in the free list
	fresh                // ready, never tried
	woken                // ready again, ahead of the fresh ones
	waiting              // for a time
	flying               // an attempt is under way
)

// A unit is a URL in memory.
type unit struct {
	id          ID
	fingerprint uint64
	policy      *retry.Policy
	state       retry.State
	home        int32 // its own origin: the retry budget
	at          int32 // the origin that it is queued or in flight at: another after a redirect
	place       place
	probe       bool // the breaker of at let it through to see
	hop         int32
	since       time.Duration // when it was read or its wait was decided
	ready       time.Duration // when it became, or becomes, ready
	started     time.Duration // when it last took its slots
	used        time.Duration // time on the wire of this attempt before the last redirect
}

func (s *Scheduler) inMemory() int { return len(s.byID) }

// add makes a unit of u, in no list yet.
func (s *Scheduler) add(now time.Duration, u *Unit, home int32) int32 {
	i := int32(len(s.units))
	if n := len(s.free); n > 0 {
		i, s.free = s.free[n-1], s.free[:n-1]
	} else {
		s.units, s.links = append(s.units, unit{}), append(s.links, link{})
	}
	p := u.Policy
	if p == nil {
		p = &s.c.Policy
	}
	s.units[i] = unit{id: u.ID, fingerprint: u.Fingerprint, policy: p, state: u.State, home: home, at: home, since: now, ready: now}
	s.byID[u.ID] = i
	s.origins[home].units++
	return i
}

// drop forgets a unit that is in no list.
func (s *Scheduler) drop(i int32) {
	u := &s.units[i]
	delete(s.byID, u.id)
	s.timers.clear(unitKey(i))
	s.origins[u.home].units--
	home := u.home
	s.units[i] = unit{}
	s.free = append(s.free, i)
	s.touch(home)
}

// lay puts a unit into a list of the origin that it is at.
func (s *Scheduler) lay(i int32, p place) {
	u := &s.units[i]
	o := &s.origins[u.at]
	u.place = p
	switch p {
	case fresh:
		o.fresh.push(s.links, i)
	case woken:
		o.woken.push(s.links, i)
	case waiting:
		o.waiting.push(s.links, i)
		s.waiting++
		s.timers.put(unitKey(i), u.ready)
		s.touch(u.at)
		return
	}
	due := Never // a unit that is ready can still run out of time
	if u.state.Deadline > 0 {
		due = u.state.Deadline
	}
	s.timers.put(unitKey(i), due)
	s.touch(u.at)
}

// lift takes a unit out of its list.
func (s *Scheduler) lift(i int32) {
	u := &s.units[i]
	o := &s.origins[u.at]
	switch u.place {
	case fresh:
		o.fresh.remove(s.links, i)
	case woken:
		o.woken.remove(s.links, i)
	case waiting:
		o.waiting.remove(s.links, i)
		s.waiting--
	}
	u.place = nowhere
	s.timers.clear(unitKey(i))
	s.touch(u.at)
}

// end emits what a unit ends as without an attempt having ended, and forgets it.
func (s *Scheduler) end(i int32, o retry.Outcome, notBefore time.Duration, why string) {
	u := &s.units[i]
	s.lift(i)
	attempt := u.state.Attempts
	if u.hop > 0 {
		attempt++ // the one that was redirected
	}
	s.emit(Emit{ID: u.id, Attempt: attempt, Verdict: retry.Put(u.policy, o, notBefore, why)})
	s.drop(i)
}

func (s *Scheduler) emit(e Emit) {
	switch e.Verdict.Action {
	case retry.Done:
		s.counts.Final++
	case retry.Postpone:
		s.counts.Postponed++
	case retry.Retry:
		s.counts.Retries++
	}
	if e.Verdict.Outcome == retry.OutcomeBudgetExhausted {
		s.counts.BudgetDenied++
	}
	s.effects.Emit = append(s.effects.Emit, e)
}
