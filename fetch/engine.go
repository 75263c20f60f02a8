package fetch

import (
	"context"
	"sync"
	"time"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
)

// An engine performs what a scheduler decides. It has no goroutine of its own:
// whoever brings news (an attempt that ended, a URL, a timer) holds mu while
// the scheduler thinks, performs the effects in their order, and goes on with
// the first attempt that is to start itself; others get a goroutine each. So
// there are as many goroutines as attempts in flight, and none when idle.
//
// mu is never held while anything waits for network, disk or a handler. Lock
// order: engine.mu, then output.mu.
type engine struct {
	c     *Client
	start time.Time
	run   int // number of the run, from 1

	mu       sync.Mutex
	more     sync.Cond // wanted or stopped changed
	sched    *pace.Scheduler
	jobs     map[pace.ID]*job
	next     pace.ID
	wanted   int
	timer    *time.Timer
	wake     time.Duration
	stopped  bool
	finished chan struct{}
	ended    bool
	err      error // what ended the run early
	tally    *tally
	inputs   Inputs        // of the list so far
	at       time.Duration // of the last input
	last     time.Time     // of a record; times in a log never decrease
	scratch  []call
	warned   map[string]bool
	gates    GateSharer               // nil: nobody shares them
	away     map[putOffKey]lastResult // put off, and counted so
	spill    *spilling                // nil: what waits stays in memory

	free   []*running      // to be used again
	values context.Context // of attempts
	hard   context.Context // its end is that of all attempts: see abort
	cease  context.CancelCauseFunc
}

// newEngine makes an engine that will read src; nil if it will get its URLs
// otherwise.
func newEngine(c *Client, ctx context.Context, src Source) (*engine, error) {
	e := &engine{
		c: c, start: time.Now(), run: c.out.run(), jobs: map[pace.ID]*job{}, wake: pace.Never,
		finished: make(chan struct{}), tally: newTally(), warned: map[string]bool{},
	}
	e.more.L = &e.mu
	e.values = context.WithoutCancel(ctx)
	e.hard, e.cease = context.WithCancelCause(e.values)
	e.spill = newSpilling(e, src)
	config := pace.Config{Policy: c.config.Policy, Seed: c.config.Seed, Window: c.config.Window, Spill: e.spill != nil, RunDeadline: c.config.RunDeadline}
	var err error
	if e.sched, err = pace.New(config); err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.perform(e.sched.Begin(0), nil)
	return e, nil
}

// now is the time of the scheduler.
func (e *engine) now() time.Duration { return time.Since(e.start) }

// input is the time of an input to the scheduler, and of all records that come
// of it: a wait is counted from the moment that its record names, even if this
// goroutine loses its processor in between. It is called with mu held.
func (e *engine) input() time.Duration {
	e.at = e.now()
	return e.at
}

// wall is a time of the scheduler as a clock on the wall has it, untouched by
// steps of that clock.
func (e *engine) wall(t time.Duration) time.Time { return e.start.Round(0).Add(t) }

// A begun is an attempt to start.
type begun struct {
	pace.Start
	e   *engine
	job *job
}

// run runs it, and others after it.
func (b begun) run() { b.e.work(b) }

// perform does what the scheduler wants, in the order of the fields, and ends
// the caller's turn: it is called with mu held and gives it up. Of the attempts
// to start it returns one for the caller to go on with; the others get
// goroutines of their own, when the log has all that was decided before. A
// caller that is a worker says so.
func (e *engine) perform(f pace.Effects, w worker) (own begun, ok bool) {
	o := e.c.out
	some := len(f.Emit) > 0 || len(f.Start) > 0
	if some {
		o.mu.Lock()
		for n := range f.Emit {
			e.emit(&f.Emit[n])
		}
	}
	if len(f.Spill) > 0 || len(f.Unspill) > 0 {
		e.move(&f)
	}
	if some {
		for _, s := range f.Start {
			j := e.jobs[s.ID]
			if s.Hop == 0 {
				if j.current == nil || j.keep != nil {
					j.current = e.attempt()
				}
				j.current.prepare(e.c, j, &s)
			}
			o.waiting.begin = append(o.waiting.begin, begun{s, e, j})
		}
		o.mu.Unlock()
	}
	e.wanted = f.ReadMore
	if e.wanted > 0 {
		e.more.Signal()
	}
	e.setWake(f.Wake)
	if f.Finish && !e.ended {
		e.ended = true
		close(e.finished)
	}
	e.mu.Unlock()
	if some {
		return o.flush(w)
	}
	return own, false
}

// begin starts what perform returned, for a caller that is no attempt.
func begin(own begun, ok bool) {
	if ok {
		go own.run()
	}
}

func (e *engine) setWake(at time.Duration) {
	if at == e.wake {
		return
	}
	e.wake = at
	switch {
	case at == pace.Never:
		if e.timer != nil {
			e.timer.Stop()
		}
	case e.timer == nil:
		e.timer = time.AfterFunc(at-e.now(), e.tick)
	default:
		e.timer.Reset(at - e.now())
	}
}

func (e *engine) tick() {
	e.mu.Lock()
	if e.ended {
		e.mu.Unlock()
		return
	}
	e.wake = pace.Never // what was set in the meantime is asked for again
	begin(e.perform(e.sched.Tick(e.input()), nil))
}

// attempt gives memory for one. It is called with mu held.
func (e *engine) attempt() *running {
	n := len(e.free)
	if n == 0 {
		return &running{}
	}
	r := e.free[n-1]
	e.free = e.free[:n-1]
	return r
}

// work runs one attempt after another, as long as each ending lets one start.
func (e *engine) work(s begun) {
	w := make(worker, 1)
	for ok := true; ok; {
		j := s.job
		r := j.current
		if s.Hop == 0 {
			e.c.point("before send")
		}
		r.Queued += s.Queued
		again := r.run(s.Limit, s.LimitKind)
		e.mu.Lock()
		if now := e.input(); again {
			s, ok = e.perform(e.sched.Hop(now, j.id, origin(r.url), r.Attempt.Attempt), w)
		} else {
			s, ok = e.perform(e.sched.Done(now, j.id, r.Attempt.Attempt), w)
		}
		e.c.out.room()
	}
}

// add takes a URL. It reports whether the run takes more.
func (e *engine) add(j *job) bool {
	e.mu.Lock()
	if e.stopped || e.ended {
		e.mu.Unlock()
		return false
	}
	e.next++
	j.id = e.next
	e.jobs[j.id] = j
	if j.bad != nil || j.ofLine != 0 {
		e.input()
		e.unsendable(j)
		e.c.out.room()
		return true
	}
	if j.settle != nil {
		e.again(j)
	}
	u := pace.Unit{ID: j.id, Origin: j.origin, Fingerprint: j.fingerprint.seed(), State: retry.State{Attempts: j.tried}}
	if j.policy != &e.c.config.Policy {
		u.Policy = j.policy
	}
	if !j.notBefore.IsZero() {
		u.NotBefore = max(j.notBefore.Sub(e.wall(0)), 0)
	}
	begin(e.perform(e.sched.Read(e.input(), u), nil))
	return true
}
