package racers

import "time"

// queue hands events out: each when the source emits it, and again for the
// reasons below. Its offset can go back; a backlog is handed out at a pace.
type queue struct {
	crashAfter int64 // the tick after which all workers crash; -1 for never
	rewind     int   // ticks that are then handed out again

	recent  []*event // the last rewind events that the offset passed, while a crash may come
	backlog []*event // emitted or rewound, and not yet handed out; each is held
	down    bool
	up      time.Duration // when the workers are back
	paced   bool          // the backlog is being handed out
}

// reason is why an event is handed out.
type reason uint8

const (
	firstTime   reason = iota
	doubled            // the queue lets two workers have it
	retried            // an attempt was given up
	unheard            // an acknowledgement was lost
	leaseLapsed        // an attempt runs longer than its lease
	holderDied         // an attempt died, and its lease ran out
	rewound            // the offset went back
)

func newQueue(p *Params) queue {
	q := queue{crashAfter: -1}
	if p.Crash == nil {
		return q
	}
	from, to := p.Crash.From.Count(p.Events), p.Crash.To.Count(p.Events)
	if from < to {
		q.crashAfter = from + int64(Below(Draw(p.Seed, "crash"), uint64(to-from)))
		underWay := p.Service.Max/p.Interval + 1 // the offset never passes an event that is
		q.rewind = int(max(p.Crash.Rewind.Count(p.Events), int64(underWay)))
	}
	return q
}

// offerToStream queues a new event.
func (r *run) offerToStream(e *event) {
	q := &r.queue
	if q.down || q.paced {
		e.holds++
		q.backlog = append(q.backlog, e)
		return
	}
	r.pass(e)
}

// pass moves the offset past e and hands it out.
func (r *run) pass(e *event) {
	q, why := &r.queue, firstTime
	if e.streamed {
		why = rewound
	}
	e.streamed = true
	if q.crashAfter >= 0 {
		e.holds++
		q.recent = append(q.recent, e)
		if len(q.recent) > q.rewind {
			r.release(q.recent[0])
			q.recent = q.recent[1:]
		}
	}
	if why == rewound && r.policy.atomic && e.rows > 0 {
		return // the offset is stored with the rows: it does not go behind them
	}
	r.deliver(e, why)
}

// deliver hands e to a worker.
func (r *run) deliver(e *event, why reason) {
	if r.queue.down {
		r.schedule(r.queue.up-r.todo.Now(), work{what: deliver, event: e, reason: why})
		return
	}
	if e.acked && (why == leaseLapsed || why == holderDied) {
		return
	}
	c := claim{event: e, delivery: e.deliveries, reason: why}
	e.deliveries++
	c.worker = r.drawWorker(e, c.delivery)
	if r.policy.owner != nil {
		if why == doubled && c.worker != r.drawWorker(e, 0) {
			return // only the owner of a partition can claim in it
		}
		c.worker = r.policy.owner(e)
	}
	r.place(c)
	if c.delivery > 0 {
		return
	}
	switch e.fault {
	case DoubleClaim:
		r.deliver(e, doubled)
	case StaggeredClaim:
		r.schedule(r.p.Timing.StaggerGap.pick(r.draw("stagger", e.key)), work{what: deliver, event: e, reason: doubled})
	}
}

func (r *run) drawWorker(e *event, delivery uint64) int {
	return int(Below(r.draw("worker", e.key, delivery), uint64(len(r.p.Workers))))
}

// leaseEnd hands out again what a was to do, unless it is done or renewed.
func (r *run) leaseEnd(a *attempt) {
	switch {
	case a.dead:
		r.deliver(a.event, holderDied)
	case !a.claimed:
	case r.policy.heartbeat:
		r.schedule(r.policy.lease, work{what: leaseEnd, event: a.event, attempt: a})
	default:
		r.deliver(a.event, leaseLapsed)
	}
}

// crash kills all workers; what they and the offset had done lately is to be
// done again.
func (r *run) crash() {
	q := &r.queue
	r.killAll()
	q.backlog = append(q.recent, q.backlog...)
	q.recent, q.crashAfter = nil, -1
	q.down, q.up = true, r.todo.Now()+r.p.Crash.Silence.Duration()
	r.todo.At(q.up, work{what: restart})
}

func (r *run) restart() {
	r.queue.down = false
	r.queue.paced = true
	r.catchUp()
}

// catchUp hands out the oldest event of the backlog.
func (r *run) catchUp() {
	q := &r.queue
	if len(q.backlog) == 0 {
		q.paced = false
		return
	}
	e := q.backlog[0]
	q.backlog = q.backlog[1:]
	r.pass(e)
	r.release(e)
	r.todo.After(r.p.Crash.Pace.Duration(), work{what: catchUp})
}
