package fetch

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
)

// grace is how long attempts in flight may go on when a run is stopped.
const grace = 5 * time.Second

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
	e.perform(e.sched.Begin(0))
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
// goroutines of their own, when the log has all that was decided before.
func (e *engine) perform(f pace.Effects) (own begun, ok bool) {
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
		return o.flush()
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
	begin(e.perform(e.sched.Tick(e.input())))
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
			s, ok = e.perform(e.sched.Hop(now, j.id, origin(r.url), r.Attempt.Attempt))
		} else {
			s, ok = e.perform(e.sched.Done(now, j.id, r.Attempt.Attempt))
		}
		e.c.out.room()
	}
}

// abort ends all attempts.
func (e *engine) abort(cause error) {
	e.cease(cause) // BEFORE: an attempt that begins now looks at it
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, j := range e.jobs {
		j.abort()
	}
}

// abort ends the attempt of a job whose ctx has ended, if there is one. It is
// called with the engine's mu held.
func (j *job) abort() {
	if r := j.current; r != nil {
		if h := r.hop.Load(); h != nil {
			h.cancel(context.Cause(j.ctx))
		}
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
	begin(e.perform(e.sched.Read(e.input(), u)))
	return true
}

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
	begin(o.flush())
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

// cancel gives up a URL, whose ctx has ended.
func (e *engine) cancel(j *job) {
	e.mu.Lock()
	if e.jobs[j.id] != j {
		e.mu.Unlock()
		return
	}
	j.abort()
	begin(e.perform(e.sched.Cancel(e.input(), j.id)))
}

// stop starts nothing more. What is in flight may go on for a while.
func (e *engine) stop() {
	e.mu.Lock()
	if e.stopped || e.ended {
		e.mu.Unlock()
		return
	}
	e.stopped = true
	e.more.Broadcast()
	begin(e.perform(e.sched.Stop(e.input())))
	t := time.AfterFunc(grace, func() { e.abort(ErrCancelled) })
	context.AfterFunc(e.hard, func() { t.Stop() })
}

// fail ends the run: the environment does not let it go on.
func (e *engine) fail(err error) {
	e.mu.Lock()
	if e.err == nil {
		e.err = err
	}
	e.mu.Unlock()
	e.abort(err)
	e.stop()
}

// read feeds the list to the scheduler, as much as it wants at a time.
func (e *engine) read(src Source, keep func(*Unit) (bool, error)) {
	for e.waitWanted() {
		u, err := src.Next()
		e.count(src)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				e.mu.Lock()
				if e.err == nil {
					e.err = err // what was read before is still fetched
				}
				e.mu.Unlock()
			}
			break
		}
		take, err := keep(&u)
		if err != nil {
			e.fail(err)
			return
		}
		if !take {
			continue
		}
		j := e.jobOf(&u)
		if e.spill != nil {
			j.text = j.raw // most often the same, and then no copy
			if text := e.spill.src.Text(); string(text) != j.raw {
				j.text = string(text)
			}
		}
		if !e.add(j) {
			return
		}
	}
	e.mu.Lock()
	if e.stopped || e.ended {
		e.mu.Unlock()
		return
	}
	begin(e.perform(e.sched.InputEOF(e.input())))
}

// jobOf makes a job of a unit.
func (e *engine) jobOf(u *Unit) *job {
	j := newJob(e.c, u.Request)
	if u.Bad != nil {
		j.bad = u.Bad
	}
	j.ofLine, j.notBefore = u.OfLine, u.NotBefore
	j.settle, j.tried, j.run = u.Settle, u.Tried, u.Run
	j.ctx, j.values, j.fatal = e.hard, e.values, e.fail
	if e.c.extended != nil {
		j.outcome = &Outcome{}
	}
	return j
}

// count notes how much of the list was read: a run that is stopped does not wait
// for a source that may be at it.
func (e *engine) count(src Source) {
	if l, ok := src.(Lister); ok {
		e.mu.Lock()
		e.inputs = l.Inputs()
		e.mu.Unlock()
	}
}

func (e *engine) waitWanted() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for (e.wanted <= 0 || e.spill.behind()) && !e.stopped {
		e.more.Wait()
	}
	return !e.stopped
}
