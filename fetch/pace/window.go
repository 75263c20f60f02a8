package pace

import (
	"fmt"
	"time"

	"holdfast/fetch/retry"
)

// Memory is bounded by the window. While a slot is free and nothing in memory
// can use it, reading goes on beyond that, to find URLs of other origins: what
// cannot start is spilled at once, what can may take up as much again.

// hunt is how many URLs are read at a time beyond the window.
const hunt = 64

// read takes a unit in.
func (s *Scheduler) read(now time.Duration, u *Unit) {
	if _, ok := s.byID[u.ID]; ok {
		panic(fmt.Sprintf("pace: URL %d is read twice", u.ID))
	}
	i := s.originOf(now, u.Origin)
	o := &s.origins[i]
	s.touch(i)
	if u.Spilled {
		if !s.stopping {
			o.spilled, o.asked = o.spilled-1, o.asked-1
			s.spilled, s.asked = s.spilled-1, s.asked-1
		}
	} else {
		s.counts.Read++
	}
	p := &s.c.Policy
	if u.NotBefore-now > p.MaxBackoff && p.RetryAfter && !u.Spilled {
		o.gate.Close(now, u.NotBefore) // an origin asked for it in an earlier run: its others wait too
	}
	blocked, _ := s.blocked(now, o)
	outcome, notBefore := s.drained(now, o)
	spillable := s.c.Spill && !u.Spilled && !s.stopping && outcome == retry.OutcomeNone
	if spillable && (o.spilled > o.asked || s.inMemory() >= s.c.Window && (blocked || o.ready() > 0 || s.inMemory() >= 2*s.c.Window)) {
		s.spill(i, Spilled{ID: u.ID, NotBefore: u.NotBefore, State: u.State})
		return
	}
	n := s.add(now, u, i)
	s.units[n].ready = max(now, u.NotBefore)
	if u.State.Attempts > 0 {
		s.units[n].since = u.Since
		if u.Spilled {
			s.units[n].ready = u.NotBefore // it was ready in the spool
		}
	}
	switch {
	case s.stopping:
		s.giveUp(n)
	case outcome != retry.OutcomeNone:
		s.end(n, outcome, max(notBefore, u.NotBefore), "")
	case u.State.Deadline > 0 && u.State.Deadline <= max(now, u.NotBefore):
		s.end(n, retry.OutcomeDeadline, 0, "the deadline passed while it waited for its turn")
	case u.NotBefore > now:
		s.lay(n, waiting)
	case u.State.Attempts > 0:
		s.lay(n, woken)
	default:
		s.lay(n, fresh)
	}
}

// spill sends a URL to the spool of its origin.
func (s *Scheduler) spill(i int32, u Spilled) {
	o := &s.origins[i]
	u.Origin = o.name
	o.spilled++
	s.spilled++
	s.counts.SpilledInAll++
	s.effects.Spill = append(s.effects.Spill, u)
	s.touch(i)
}

// unspill asks for URLs of origins that could use them.
func (s *Scheduler) unspill() {
	for s.hungry.len > 0 && !s.stopping {
		room := s.c.Window - s.inMemory() - s.asked
		if s.starved() {
			room = max(room, min(hunt, 2*s.c.Window-s.inMemory()-s.asked))
		}
		if room <= 0 {
			return
		}
		i, _ := s.hungry.first()
		o := &s.origins[i]
		s.hungry.remove(s.hungryLinks, i)
		o.hungry = false
		n := min(room, o.spilled-o.asked, max(1, 2*s.c.Policy.PerHost-int(o.ready())-o.asked))
		o.asked += n
		s.asked += n
		s.effects.Unspill = append(s.effects.Unspill, Unspill{Origin: o.name, Count: n})
	}
}

// starved reports whether a slot is free and no URL in memory can have it.
func (s *Scheduler) starved() bool {
	return s.inFlight < s.c.Policy.Concurrency && s.ring.len == 0
}

// readMore is how many more URLs of the list are wanted. Reading goes in
// bursts: it begins when a quarter of the window is free, or a slot is that
// nothing in memory can use, and goes on until the window is full. So whoever
// reads is woken once for many URLs, not once for each. While a spool supplies
// the slots, what is read would only go to its end.
func (s *Scheduler) readMore() int {
	if s.eof || s.stopping {
		return 0
	}
	room := s.c.Window - s.inMemory() - s.asked
	starved := s.starved()
	if s.suppliers > 0 {
		room = 0
	}
	if room <= 0 && s.c.Spill && starved && s.asked == 0 {
		room = min(hunt, 2*s.c.Window-s.inMemory())
	}
	s.reading = room > 0 && (s.reading || starved || room >= s.c.Window/4)
	if !s.reading {
		return 0
	}
	return room
}
