package pace

import (
	"time"

	"holdfast/fetch/retry"
)

// idleAfter is how long an origin without URLs keeps its state.
const idleAfter = 10 * time.Minute

// An origin is one scheme, host and port.
type origin struct {
	name    string
	gate    Gate
	breaker retry.Breaker
	budget  retry.Budget

	fresh, woken, waiting list
	units                 int32 // of which it is the home
	inFlight              int
	next                  time.Duration // earliest next start under the rate
	http1                 bool          // it demanded HTTP/1.1

	spilled  int  // URLs in its spool
	asked    int  // of them asked back
	supplies bool // the rest could start, had they slots

	touched, ringed, stalled, hungry, idle bool // which lists it is in
	idleSince                              time.Duration
}

// ready is how many URLs wait for their turn.
func (o *origin) ready() int32 { return o.fresh.len + o.woken.len }

// busy reports whether anything needs the origin.
func (o *origin) busy() bool {
	return o.units > 0 || o.inFlight > 0 || o.ready() > 0 || o.waiting.len > 0 || o.spilled > 0
}

// originOf finds or makes the origin of a name.
func (s *Scheduler) originOf(now time.Duration, name string) int32 {
	if i, ok := s.byName[name]; ok {
		return i
	}
	s.evict(now)
	i := int32(len(s.origins))
	if n := len(s.freeOrigins); n > 0 {
		i, s.freeOrigins = s.freeOrigins[n-1], s.freeOrigins[:n-1]
	} else {
		s.origins = append(s.origins, origin{})
		s.ringLinks, s.stalledLinks = append(s.ringLinks, link{}), append(s.stalledLinks, link{})
		s.hungryLinks, s.idleLinks = append(s.hungryLinks, link{}), append(s.idleLinks, link{})
	}
	p := &s.c.Policy
	s.origins[i] = origin{name: name, gate: NewGate(p.SlowStart, p.PerHost), budget: p.OriginBudget(now)}
	s.byName[name] = i
	return i
}

// evict forgets origins that were idle for long, and the longest idle one if
// there are too many. One that is unwell is remembered while there is room.
func (s *Scheduler) evict(now time.Duration) {
	for range 2 {
		i, ok := s.idle.first()
		if !ok {
			return
		}
		o := &s.origins[i]
		full := len(s.byName) >= s.c.MaxOrigins
		if o.touched || !full && now-o.idleSince < idleAfter {
			return
		}
		s.idle.remove(s.idleLinks, i)
		if !full && (o.gate.Closed(now) || o.breaker.State() != retry.BreakerClosed) {
			o.idleSince = now
			s.idle.push(s.idleLinks, i)
			continue
		}
		delete(s.byName, o.name)
		s.timers.clear(originKey(i))
		*o = origin{}
		s.freeOrigins = append(s.freeOrigins, i)
	}
}

// blocked reports whether an origin lets nothing start now, and until when if
// time alone will change that; Never if only an event can.
func (s *Scheduler) blocked(now time.Duration, o *origin) (bool, time.Duration) {
	if o.inFlight >= o.gate.Limit() {
		return true, Never
	}
	until := s.closedUntil(now, o)
	return until > now, until
}

// closedUntil is when an origin lets the next attempt start, had it a slot.
func (s *Scheduler) closedUntil(now time.Duration, o *origin) time.Duration {
	until := o.next
	if o.gate.Closed(now) {
		until = max(until, o.gate.Until())
	}
	if s.c.Policy.Breaker {
		if p, at := o.breaker.Peek(now); p == retry.Reject {
			until = max(until, at)
		}
	}
	return until
}

// drained says why an origin's URLs are put off rather than kept waiting, and
// until when: its gate opens after the longest wait of a run, or its breaker
// has not been closed for longer than we are patient (R6.4, R7.2).
func (s *Scheduler) drained(now time.Duration, o *origin) (retry.Outcome, time.Duration) {
	p := &s.c.Policy
	if p.RetryAfter && o.gate.Until()-now > p.RetryAfterCap {
		return retry.OutcomeParked, o.gate.Until()
	}
	if p.Breaker && s.impatient(now, o) {
		if ask, _ := o.breaker.Peek(now); ask != retry.Probe {
			return retry.OutcomeBreakerOpen, 0
		}
	}
	return retry.OutcomeNone, 0
}

func (s *Scheduler) impatient(now time.Duration, o *origin) bool {
	since, open := o.breaker.OpenSince()
	return open && now-since >= s.c.Policy.BreakerPatience
}

// drain puts all URLs off that are queued or wait at an origin.
func (s *Scheduler) drain(now time.Duration, i int32) {
	outcome, notBefore := s.drained(now, &s.origins[i])
	if outcome == retry.OutcomeNone {
		return
	}
	for _, l := range [...]*list{&s.origins[i].woken, &s.origins[i].fresh, &s.origins[i].waiting} {
		for u, ok := l.first(); ok; u, ok = l.first() {
			s.end(u, outcome, notBefore, "")
		}
	}
}

// touch notes that something about an origin changed that settle must look at.
func (s *Scheduler) touch(i int32) {
	if o := &s.origins[i]; !o.touched {
		o.touched = true
		s.touched = append(s.touched, i)
	}
}

// settle brings the lists and the timer of each touched origin up to date.
func (s *Scheduler) settle(now time.Duration) {
	for s.stalled.len > 0 && s.inMemory() <= s.c.Window { // there is room again
		i, _ := s.stalled.first()
		s.join(&s.origins[i].stalled, &s.stalled, s.stalledLinks, i, false)
		s.touch(i)
	}
	for n := 0; n < len(s.touched); n++ {
		i := s.touched[n]
		o := &s.origins[i]
		o.touched = false
		blocked, until := s.blocked(now, o)
		ready := o.ready() > 0 && !s.held(o)
		s.join(&o.ringed, &s.ring, s.ringLinks, i, ready && !blocked)
		s.join(&o.stalled, &s.stalled, s.stalledLinks, i, s.held(o))

		inSpool := o.spilled > o.asked
		out, _ := s.drained(now, o)
		if supplies := inSpool && out == retry.OutcomeNone && s.closedUntil(now, o) <= now; supplies != o.supplies {
			o.supplies = supplies
			if supplies {
				s.suppliers++
			} else {
				s.suppliers--
			}
		}
		s.join(&o.hungry, &s.hungry, s.hungryLinks, i, inSpool && (out != retry.OutcomeNone || !blocked && int(o.ready()) < s.c.Policy.PerHost))

		due := Never
		if blocked && until > now && (o.ready() > 0 || inSpool) {
			due = until
		}
		if since, open := o.breaker.OpenSince(); open && (o.ready() > 0 || o.waiting.len > 0) {
			if end := since + s.c.Policy.BreakerPatience; end > now {
				due = min(due, end)
			}
		}
		s.timers.put(originKey(i), due)

		idle := !o.busy()
		if idle && !o.idle {
			o.idleSince = now
		}
		s.join(&o.idle, &s.idle, s.idleLinks, i, idle)
	}
	s.touched = s.touched[:0]
}

// join puts an origin into a list or takes it out.
func (s *Scheduler) join(is *bool, l *list, links []link, i int32, want bool) {
	switch {
	case want && !*is:
		l.push(links, i)
	case !want && *is:
		l.remove(links, i)
	}
	*is = want
}

// held reports whether an origin's fresh URLs must stay where they are because
// memory is full and enough of its others wait already.
func (s *Scheduler) held(o *origin) bool {
	return o.fresh.len > 0 && o.woken.len == 0 && s.inMemory() > s.c.Window && int(o.waiting.len) >= s.c.Policy.PerHost
}
