package guard

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// phase is where a message stands.
//
//	fetched -> publishing(k) -> answered -> acking -> done
//	              |  ^  |           |
//	              v  |  |           v conflict
//	            waiting |        burying(k) -> acking -> dead
//	                    v tries used up
//	                  returned
type phase uint8

const (
	publishing phase = iota // an answer of the sink is due
	waiting                 // to publish again
	burying                 // an answer of the dead-letter stream is due
	mourning                // to bury again
	acking                  // the fate is known
)

// A flight is one message between its delivery and its end.
type flight struct {
	id      uint64
	phase   phase
	try     int           // publishes to the stream it is meant for now
	why     Why           // why it is to be buried
	outcome Outcome       // when acking
	due     time.Duration // when the machine acts without an input
	first   time.Duration // the first publish
}

// A Relay decides for one relay process. [New] makes it.
type Relay struct {
	c       Config
	rng     *rand.Rand
	flights map[uint64]*flight
	alarms  alarms
	stopped bool
	broken  bool // the connection
	counts  Counters
	out     Effects
}

// Counters gives the deliveries so far.
func (r *Relay) Counters() Counters {
	c := r.counts
	c.InFlight = uint64(len(r.flights))
	return c
}

// Step takes one input at a time that never goes back. Answers for messages
// that are not in flight are ignored: they come late, or twice.
func (r *Relay) Step(now time.Duration, in Input) Effects {
	o := &r.out
	o.DeadLetter, o.Publish, o.AckSource, o.NakSource, o.Report = o.DeadLetter[:0], o.Publish[:0], o.AckSource[:0], o.NakSource[:0], o.Report[:0]
	switch in.Kind {
	case Fetched:
		r.fetched(now, in)
	case Stop:
		r.stop()
	case Broken:
		r.breaks(now)
	case Whole:
		r.whole(now)
	case Tick:
	default:
		if f := r.flights[in.ID]; f != nil {
			r.answered(now, f, in)
		}
	}
	r.expire(now)
	o.Room = 0
	if !r.stopped {
		o.Room = max(0, r.c.InFlight-len(r.flights))
	}
	o.Wake, o.Done = r.alarms.next(r.flights), r.stopped && len(r.flights) == 0
	return r.out
}

func (r *Relay) fetched(now time.Duration, in Input) {
	if f := r.flights[in.ID]; f != nil {
		// The source lost patience and delivered it again. What is known of it
		// stands; only a finished acknowledgement has to be made once more,
		// because it named the delivery before.
		if f.phase == acking {
			r.ack(now, f)
		}
		return
	}
	r.counts.Received++
	f := &flight{id: in.ID, why: in.Why}
	r.flights[in.ID] = f
	switch {
	case r.stopped:
		r.giveBack(f, 0)
	case in.Why != Sound:
		r.bury(now, f)
	default:
		r.publish(now, f)
	}
}

// answered takes the answer of a sink, of the dead-letter stream or of the
// source. A definite answer is true whichever try it belongs to.
func (r *Relay) answered(now time.Duration, f *flight, in Input) {
	switch f.phase {
	case publishing, waiting:
		if in.Why != Sound {
			return // the dead-letter stream's, from before the message was given back
		}
		switch in.Kind {
		case SinkAccepted:
			r.settle(now, f, Accepted)
		case SinkResumed:
			r.settle(now, f, Resumed)
		case SinkDuplicate:
			r.settle(now, f, Duplicate)
		case SinkConflict:
			f.why, f.try = Conflict, 0
			r.bury(now, f)
		case SinkRefused:
			f.why, f.try = TooLarge, 0
			r.bury(now, f)
		case SinkUnknown:
			if f.phase == publishing && in.Try == f.try {
				r.unknown(now, f)
			}
		}
	case burying, mourning:
		switch in.Kind {
		case SinkAccepted, SinkResumed, SinkDuplicate:
			if in.Why == f.why { // and no late answer of the sink itself
				r.settle(now, f, deadOutcome(f.why))
			}
		case SinkUnknown:
			if f.phase == burying && in.Try == f.try && in.Why == f.why {
				r.unknown(now, f)
			}
		}
	case acking:
		switch in.Kind {
		case SourceAcked:
			r.end(f, f.outcome)
		case SourceUnknown:
			// The source delivers it again if the acknowledgement is lost, and
			// the sink will know it.
			r.end(f, f.outcome)
		}
	}
}

func deadOutcome(w Why) Outcome {
	if w == Conflict {
		return Conflicted
	}
	return Dead
}

func (r *Relay) publish(now time.Duration, f *flight) {
	if r.broken {
		r.park(now, f, waiting)
		return
	}
	f.try++
	switch {
	case f.try == 1:
		f.first = now
	case r.c.Horizon > 0 && now-f.first > r.c.Horizon:
		f.why, f.try = Undecided, 0
		r.bury(now, f)
		return
	default:
		r.counts.Republish++
	}
	f.phase = publishing
	r.at(f, now+r.c.Patience)
	r.out.Publish = append(r.out.Publish, Attempt{f.id, f.try})
}

func (r *Relay) bury(now time.Duration, f *flight) {
	if r.broken {
		r.park(now, f, mourning)
		return
	}
	f.phase = burying
	f.try++
	r.at(f, now+r.c.Patience)
	r.out.DeadLetter = append(r.out.DeadLetter, Letter{f.id, f.try, f.why})
}

func (r *Relay) settle(now time.Duration, f *flight, o Outcome) {
	f.phase, f.outcome = acking, o
	r.ack(now, f)
}

func (r *Relay) ack(now time.Duration, f *flight) {
	r.at(f, now+r.c.Patience)
	r.out.AckSource = append(r.out.AckSource, Ack{f.id, f.outcome == Dead})
}

// unknown waits before the next try, or gives the message back when its tries
// are used up or the relay stops: whoever gets it next asks the sink again.
func (r *Relay) unknown(now time.Duration, f *flight) {
	delay := r.backoff(f.try)
	if r.stopped || r.c.Tries > 0 && f.try >= r.c.Tries && !r.broken {
		r.giveBack(f, delay)
		return
	}
	to := waiting
	if f.phase == burying {
		to = mourning
	}
	if r.broken {
		r.park(now, f, to)
		return
	}
	f.phase = to
	r.at(f, now+delay)
}

// park lets a message wait for the connection. To give it back would need one.
// One that was never published counts as if it had been, now: when the
// connection is back another relay may have done it, long ago.
func (r *Relay) park(now time.Duration, f *flight, p phase) {
	if p == waiting && f.try == 0 {
		f.try, f.first = 1, now
	}
	f.phase = p
	r.at(f, now+r.c.MaxBackoff)
}

// breaks ends the waiting for answers that were due: they went with the
// connection. Patience would end it too, long after the connection is back.
func (r *Relay) breaks(now time.Duration) {
	r.broken = true
	for _, id := range r.alarms.ids(r.flights) {
		switch f := r.flights[id]; f.phase {
		case publishing, burying:
			r.unknown(now, f)
		case acking:
			r.end(f, f.outcome)
		}
	}
}

// whole goes on with what waits.
func (r *Relay) whole(now time.Duration) {
	if !r.broken {
		return
	}
	r.broken = false
	for _, id := range r.alarms.ids(r.flights) {
		if f := r.flights[id]; f.phase == waiting || f.phase == mourning {
			r.at(f, now)
		}
	}
}

// backoff doubles with each try; half of it is chance, so that relays that
// failed together do not come back together.
func (r *Relay) backoff(try int) time.Duration {
	d := min(r.c.Backoff<<min(try-1, 20), r.c.MaxBackoff)
	return d/2 + time.Duration(r.rng.Int64N(int64(d/2)+1))
}

func (r *Relay) giveBack(f *flight, delay time.Duration) {
	r.out.NakSource = append(r.out.NakSource, Nak{f.id, delay})
	r.end(f, Returned)
}

func (r *Relay) end(f *flight, o Outcome) {
	delete(r.flights, f.id)
	switch o {
	case Accepted:
		r.counts.Accepted++
	case Resumed:
		r.counts.Resumed++
	case Duplicate:
		r.counts.Duplicates++
	case Conflicted:
		r.counts.Conflicts++
	case Dead:
		r.counts.Dead++
	case Returned:
		r.counts.Returned++
	}
	r.out.Report = append(r.out.Report, Report{f.id, o})
}

// stop gives back what only waits. The alarms say who that is, in a fixed order.
func (r *Relay) stop() {
	r.stopped = true
	for _, id := range r.alarms.ids(r.flights) {
		if f := r.flights[id]; f.phase == waiting || f.phase == mourning {
			r.giveBack(f, 0)
		}
	}
}

// expire acts on every alarm that is due.
func (r *Relay) expire(now time.Duration) {
	for r.alarms.next(r.flights) <= now {
		f := r.flights[heap.Pop(&r.alarms).(alarm).id]
		switch f.phase {
		case waiting:
			r.publish(now, f)
		case mourning:
			r.bury(now, f)
		case publishing, burying:
			r.unknown(now, f)
		case acking:
			r.end(f, f.outcome)
		}
	}
}

func (r *Relay) at(f *flight, due time.Duration) {
	f.due = due
	heap.Push(&r.alarms, alarm{due, f.id})
}
