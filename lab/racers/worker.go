package racers

import (
	"slices"
	"time"
)

// floor is where the workers are.
type floor struct {
	busy    []int     // attempts that each worker runs
	waiting [][]claim // for a slot of the worker; each holds its event
	alive   []*attempt
}

func newFloor(p *Params) floor {
	return floor{busy: make([]int, len(p.Workers)), waiting: make([][]claim, len(p.Workers))}
}

// claim is an event that was handed to a worker.
type claim struct {
	event    *event
	worker   int
	delivery uint64 // of the event, from 0: the key of all that is drawn for it
	reason   reason
}

// attempt is a claim that was granted.
type attempt struct {
	claim
	number  int
	token   int64 // grows with every claim that is granted
	start   time.Duration
	cause   string // of a duplicate that it may lead to
	claimed bool   // it runs, and the queue knows
	dead    bool
	success bool // its log will say so

	asked  bool
	commit time.Duration
	wrote  values
	fate   string
}

// first says that this is what the event's fault is about.
func (a *attempt) first(f Fault) bool { return a.delivery == 0 && a.event.fault == f }

// place begins c, or lets it wait for a slot.
func (r *run) place(c claim) {
	f := &r.floor
	if f.busy[c.worker] == r.p.Slots {
		c.event.holds++
		f.waiting[c.worker] = append(f.waiting[c.worker], c)
		return
	}
	r.begin(c)
}

// begin is the moment of the claim.
func (r *run) begin(c claim) {
	if r.policy.claim != nil && !r.policy.claim(r.todo.Now(), c) {
		return
	}
	e := c.event
	a := &attempt{claim: c, start: r.todo.Now(), cause: c.cause(), claimed: true, token: r.tokens}
	r.tokens++
	e.attempts++
	a.number = e.attempts
	e.running = append(e.running, a)
	r.floor.busy[c.worker]++
	r.floor.alive = append(r.floor.alive, a)
	if r.policy.lease > 0 {
		r.schedule(r.policy.lease, work{what: leaseEnd, event: e, attempt: a})
	}
	if a.first(Zombie) || a.first(Timeout) {
		r.schedule(r.p.Timing.GiveUp.Duration(), work{what: giveUp, event: e, attempt: a})
		return
	}
	r.schedule(r.service(c), work{what: finish, event: e, attempt: a})
}

// service is how long an attempt takes.
func (r *run) service(c claim) time.Duration {
	e, span := c.event, r.p.Service
	draw := r.draw("service", e.key, c.delivery)
	switch {
	case e.fault == Slow:
		return r.p.Timing.SlowService.pick(draw)
	case e.fault != DoubleClaim || c.delivery != 1 || r.drawWorker(e, 0) != r.drawWorker(e, 1):
		return span.pick(draw)
	}
	// The same worker at the same instant: it takes any time but the first
	// attempt's, so that no two lines of the log are equal.
	first := span.pick(r.draw("service", e.key, 0))
	span.Max--
	d := span.pick(draw)
	if d >= first {
		d += time.Millisecond
	}
	return d
}

// cause names, by R50, what a duplicate would be due to that exists because of
// this claim.
func (c claim) cause() string {
	switch c.reason {
	case doubled:
		return c.overlap()
	case retried:
		return causeLateCommit
	case unheard:
		return causeAfterSuccess
	case leaseLapsed:
		return causeShortLease
	case holderDied:
		return causeCrash
	case rewound:
		return causeRestart
	}
	return ""
}

// overlap tells a race from a repetition: by what really ran, not by what the
// clocks in the log will say.
func (c claim) overlap() string {
	running := c.event.running
	switch {
	case len(running) == 0:
		return causeAfterSuccess
	case slices.ContainsFunc(running, func(a *attempt) bool { return a.worker == c.worker }):
		return causeSameWorker
	}
	return causeConcurrent
}

// finish is the end of an attempt that worked.
func (r *run) finish(a *attempt) {
	if a.dead {
		return
	}
	e := a.event
	r.leave(a)
	switch {
	case !a.first(SilentTimeout):
		r.write(a)
		a.success = true
		e.successes++
		r.acknowledge(a)
	case r.policy.atomic: // the timeout takes its row back, and the event comes again
		a.fate = FateAborted
		r.redeliverUnacked(a, retried)
	default:
		r.write(a)
	}
	if a.first(DoubleWrite) {
		r.schedule(r.p.Timing.WriteRepeat.pick(r.draw("repeat", e.key)), work{what: writeAgain, event: e, attempt: a})
		return
	}
	r.log(a, r.todo.Now())
}

// acknowledge tells the queue, which may not hear it. A sink that stores row
// and acknowledgement together cannot lose one of them.
func (r *run) acknowledge(a *attempt) {
	if a.first(LostAck) && !r.policy.atomic {
		r.redeliverUnacked(a, unheard)
		return
	}
	a.event.acked = true
}

// redeliverUnacked hands a's event out again when the queue has waited long
// enough for the acknowledgement.
func (r *run) redeliverUnacked(a *attempt, why reason) {
	due := a.start + r.p.AckWait.Duration()
	r.schedule(max(0, due-r.todo.Now()), work{what: deliver, event: a.event, reason: why})
}

// giveUp takes a for dead. A zombie is not.
func (r *run) giveUp(a *attempt) {
	if a.dead {
		return
	}
	e, timing := a.event, r.p.Timing
	r.free(a)
	r.schedule(timing.Retry.pick(r.draw("retry", e.key)), work{what: deliver, event: e, reason: retried})
	if a.first(Zombie) && !r.policy.atomic {
		late := timing.LateCommit.pick(r.draw("late", e.key)) - timing.GiveUp.Duration()
		r.schedule(max(0, late), work{what: lateCommit, event: e, attempt: a})
		return
	}
	a.fate = FateNone
	if a.first(Zombie) {
		a.fate = FateAborted
	}
	r.bury(a)
	r.log(a, r.todo.Now())
}

func (r *run) lateCommit(a *attempt) {
	if a.dead {
		return
	}
	r.bury(a)
	r.write(a)
	r.log(a, r.todo.Now())
}

// killAll is a crash: nobody finishes, and claims that waited are forgotten.
func (r *run) killAll() {
	f := &r.floor
	alive := f.alive
	f.alive = nil
	slices.SortFunc(alive, func(a, b *attempt) int { return int(a.token - b.token) })
	for _, a := range alive {
		a.dead, a.fate = true, FateKilled
		r.unclaim(a)
		r.log(a, r.todo.Now())
	}
	clear(f.busy)
	for w, waiting := range f.waiting {
		f.waiting[w] = nil
		for _, c := range waiting {
			r.release(c.event)
		}
	}
}

// leave is the regular end of a run.
func (r *run) leave(a *attempt) {
	r.bury(a)
	r.free(a)
}

// bury takes a off the list of those that a crash would kill.
func (r *run) bury(a *attempt) {
	f := &r.floor
	i := slices.Index(f.alive, a)
	last := len(f.alive) - 1
	f.alive[i], f.alive[last] = f.alive[last], nil
	f.alive = f.alive[:last]
}

// unclaim ends the claim as the queue sees it.
func (r *run) unclaim(a *attempt) {
	a.claimed = false
	e := a.event
	if i := slices.Index(e.running, a); i >= 0 {
		e.running = slices.Delete(e.running, i, i+1)
	}
}

// free ends the claim and gives the slot to those who wait for it.
func (r *run) free(a *attempt) {
	r.unclaim(a)
	f, w := &r.floor, a.worker
	f.busy[w]--
	for f.busy[w] < r.p.Slots && len(f.waiting[w]) > 0 {
		c := f.waiting[w][0]
		f.waiting[w] = f.waiting[w][1:]
		r.begin(c)
		r.release(c.event)
	}
}

// log hands the attempt to the log writers, when it ended.
func (r *run) log(a *attempt, end time.Duration) {
	worker := r.p.Workers[a.worker]
	t := Attempt{
		Event: a.event.number, Number: a.number, Worker: worker.Name,
		LogStart: r.time(a.start + worker.Skew.Duration()), Open: !a.success, Success: a.success,
		Start: r.time(a.start), End: r.time(end), Commit: r.time(a.commit), Asked: a.asked, Fate: a.fate,
	}
	if a.success {
		t.LogEnd = r.time(end + worker.Skew.Duration())
	}
	r.out.attempt(a.event, t)
}
