package pace

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"holdfast/fetch/retry"
)

// A Scheduler is one run. [New] makes it.
type Scheduler struct {
	c Config

	byID  map[ID]int32
	units []unit
	links []link
	free  []int32

	byName                  map[string]int32
	origins                 []origin
	ringLinks, stalledLinks []link
	hungryLinks, idleLinks  []link
	freeOrigins             []int32
	ring                    list // origins that can start something now, in turn
	stalled                 list // origins that could, but must wait for room in memory
	hungry                  list // origins whose spool should be read
	idle                    list // origins without URLs, the longest first
	touched                 []int32

	timers    timers
	budget    retry.Budget  // of the run
	next      time.Duration // earliest next start under the rate
	inFlight  int
	waiting   int
	spilled   int
	asked     int
	suppliers int  // origins whose spools supply the slots
	reading   bool // a burst of it is on
	eof       bool
	stopping  bool

	counts  Counts
	effects Effects
}

// New gives the scheduler of a run.
func New(c Config) (*Scheduler, error) {
	if err := c.Policy.Validate(); err != nil {
		return nil, err
	}
	if c.Window < 0 || c.MaxOrigins < 0 || c.RunDeadline < 0 {
		return nil, fmt.Errorf("pace: window %d, at most %d origins, run deadline %v: not below 0", c.Window, c.MaxOrigins, c.RunDeadline)
	}
	if c.Window == 0 {
		c.Window = max(1024, 8*c.Policy.Concurrency)
	}
	if c.MaxOrigins == 0 {
		c.MaxOrigins = 100_000
	}
	if c.RunDeadline == 0 {
		c.RunDeadline = Never
	}
	return &Scheduler{c: c, byID: map[ID]int32{}, byName: map[string]int32{}, budget: c.Policy.RunBudget(0)}, nil
}

// Begin is the first input: it asks for URLs.
func (s *Scheduler) Begin(now time.Duration) Effects {
	s.input(now)
	return s.finish(now)
}

// Read takes a URL: from the list, or back from the spool. An ID that is
// already known panics.
func (s *Scheduler) Read(now time.Duration, u Unit) Effects {
	s.input(now)
	s.read(now, &u)
	return s.finish(now)
}

// InputEOF says that the list is at its end.
func (s *Scheduler) InputEOF(now time.Duration) Effects {
	s.input(now)
	s.eof = true
	return s.finish(now)
}

// Done takes the facts of an attempt that has ended, and decides. An ID that
// is not in flight panics.
func (s *Scheduler) Done(now time.Duration, id ID, a retry.Attempt) Effects {
	s.input(now)
	s.done(now, s.flying(id), a)
	return s.finish(now)
}

// Hop says that an attempt was redirected: it gives up its slots and its hold
// on a worker, and goes on with a Start when the other origin lets it. a holds
// the facts of the answer: its 3xx status and headers.
func (s *Scheduler) Hop(now time.Duration, id ID, origin string, a retry.Attempt) Effects {
	s.input(now)
	s.redirect(now, s.flying(id), origin, a)
	return s.finish(now)
}

// Tick says that the time of a Wake has come.
func (s *Scheduler) Tick(now time.Duration) Effects {
	s.input(now)
	return s.finish(now)
}

// CloseGate keeps an origin closed until a time, because another process was
// asked to leave it alone. It changes nothing if that is over.
func (s *Scheduler) CloseGate(now time.Duration, origin string, until time.Duration) Effects {
	s.input(now)
	if s.c.Policy.RetryAfter && until > now && !s.stopping {
		i := s.originOf(now, origin)
		s.origins[i].gate.Close(now, until)
		s.touch(i)
		s.drain(now, i)
	}
	return s.finish(now)
}

// Cancel gives up a URL that waits. Nothing happens to one that is not known
// any more, or in flight: its caller cancels that and calls Done with
// [retry.ClassCancelled].
func (s *Scheduler) Cancel(now time.Duration, id ID) Effects {
	s.input(now)
	if i, ok := s.byID[id]; ok && s.units[i].place != flying {
		s.giveUp(i)
	}
	return s.finish(now)
}

// Stop starts nothing more: what waits is emitted as cancelled or not started,
// what is in flight still gets its Done. URLs in the spool are forgotten: they
// have no final record, so a later run takes them up.
func (s *Scheduler) Stop(now time.Duration) Effects {
	s.input(now)
	s.stop()
	return s.finish(now)
}

func (s *Scheduler) stop() {
	if s.stopping {
		return
	}
	s.stopping = true
	s.spilled, s.asked = 0, 0
	var rest []int32
	for _, i := range s.byID {
		if s.units[i].place != flying {
			rest = append(rest, i)
		}
	}
	slices.SortFunc(rest, func(a, b int32) int { return cmp.Compare(s.units[a].id, s.units[b].id) })
	for _, i := range rest {
		s.giveUp(i)
	}
	for i := range s.origins {
		if o := &s.origins[i]; o.spilled > 0 {
			o.spilled, o.asked = 0, 0
			s.touch(int32(i))
		}
	}
}

// giveUp ends a unit that waits because its caller wants no more.
func (s *Scheduler) giveUp(i int32) {
	u := &s.units[i]
	outcome := retry.OutcomeCancelled
	if u.state.Attempts == 0 && u.hop == 0 {
		outcome = retry.OutcomeNotStarted
	}
	notBefore := time.Duration(0)
	if u.place == waiting {
		notBefore = u.ready
	}
	s.end(i, outcome, notBefore, "")
}

// input begins an input: what was due before comes first.
func (s *Scheduler) input(now time.Duration) {
	s.effects.Emit, s.effects.Spill = s.effects.Emit[:0], s.effects.Spill[:0]
	s.effects.Unspill, s.effects.Start = s.effects.Unspill[:0], s.effects.Start[:0]
	if now >= s.c.RunDeadline {
		s.stop()
	}
	for {
		key, at, ok := s.timers.take(now)
		if !ok {
			return
		}
		if i := key / 2; key%2 == 0 {
			s.due(i, at)
		} else {
			s.drain(now, i)
			s.touch(i)
		}
	}
}

// due is the end of a unit's wait, or of its deadline.
func (s *Scheduler) due(i int32, at time.Duration) {
	u := &s.units[i]
	if u.place != waiting {
		s.end(i, retry.OutcomeDeadline, 0, "the deadline passed while it waited for its turn")
		return
	}
	s.lift(i)
	u.ready = at
	if u.state.Attempts == 0 && u.hop == 0 {
		s.lay(i, fresh)
	} else {
		s.lay(i, woken)
	}
}

// finish ends an input: start what can be started, ask for what is needed.
func (s *Scheduler) finish(now time.Duration) Effects {
	s.settle(now)
	s.dispatch(now)
	s.settle(now)
	s.unspill()
	s.settle(now)
	e := &s.effects
	e.ReadMore = s.readMore()
	e.Finish = s.inMemory() == 0 && (s.stopping || s.eof && s.spilled == 0)
	e.Wake = s.timers.next()
	if !s.stopping {
		e.Wake = min(e.Wake, s.c.RunDeadline)
		if s.ring.len > 0 && s.inFlight < s.c.Policy.Concurrency {
			e.Wake = min(e.Wake, s.next)
		}
	}
	if e.Finish {
		e.Wake = Never
	}
	return *e
}

func (s *Scheduler) flying(id ID) int32 {
	i, ok := s.byID[id]
	if !ok || s.units[i].place != flying {
		panic(fmt.Sprintf("pace: URL %d is not in flight", id))
	}
	return i
}
