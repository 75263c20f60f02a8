// Package racers makes incidents: workers that race for events, crash, lose
// acknowledgements and write rows twice, in virtual time, together with what
// really happened.
//
//	source -> queue -> workers -> sink -> log writers
//	  ^         ^ claim, lease,   ^ append, or what a safeguard allows
//	  | ticks,  | redelivery,
//	  | second  | offset, crash
//	  | ids     v
//	         acknowledgement, which may be lost
//
// It promises: the same parameters and safeguard give the same facts on every
// machine; each decision draws its own chance (see [Draw]), so a safeguard
// changes what it prevents and nothing else; memory is bounded by what is
// under way or may be rewound, not by the length of the incident, unless a
// safeguard remembers values (unique-symbol-timestamp, tolerance-dedupe).
// It does not write files (see lab/incident) and does not judge anybody's
// answer (see replay).
//
// Call [Preset] for the parameters of a named incident, then [Run].
package racers

import (
	"time"

	"holdfast/internal/des"
	"holdfast/replay/tick"
)

// Run plays the incident with a safeguard on (the zero Safeguard is none) and
// hands each fact to emit as soon as it is final. Parameters that [Preset] did
// not make must be sensible: a machine without workers panics.
func Run(p Params, s Safeguard, emit func(Fact)) Totals {
	return RunWhile(p, s, func(f Fact) bool { emit(f); return true })
}

// RunWhile is Run that ends early, with what it has counted, as soon as emit
// says false.
func RunWhile(p Params, s Safeguard, emit func(Fact) bool) Totals {
	if err := p.validate(); err != nil {
		panic("racers: " + err.Error())
	}
	r := newRun(&p, s, emit)
	r.play()
	return r.out.totals
}

// run is an incident under way. Each file of this package adds the methods of
// one of its parts.
type run struct {
	p      *Params
	policy policy
	todo   des.Queue[work]
	out    ledger

	source source
	coming trade // the next tick, already taken from the source
	events int64 // emitted so far

	queue  queue
	floor  floor
	tokens int64 // fencing tokens handed out
}

// work is something that is to happen. Its event is held until it has happened.
type work struct {
	what    what
	reason  reason   // of a delivery
	event   *event   // nil for tick, crash, restart and catchUp
	attempt *attempt // of finish, giveUp, lateCommit, leaseEnd and writeAgain
}

type what uint8

const (
	emitTick   what = iota // the source emits r.coming
	emitSecond             // the source emits event again, under a new id
	deliver                // the queue hands event out, not for the first time
	finish                 // attempt comes to its end
	giveUp                 // attempt is taken for dead, rightly or not
	lateCommit             // attempt, long given up, writes
	leaseEnd               // attempt's claim runs out
	writeAgain             // the sink's client repeats attempt's write
	crash                  // all workers die
	restart                // they are back
	catchUp                // the queue hands out one event of its backlog
)

// event is what the incident knows of an event while anything may still happen
// to it.
type event struct {
	number int64
	key    uint64 // of draws: the tick's number, and whether this is its second id
	at     time.Duration
	symbol int
	price  tick.Price
	fault  Fault
	first  *event // of which this is the second emission; nil if it is none

	holds      int    // reasons why something may still happen to it
	deliveries uint64 // how often the queue handed it out, also in vain
	streamed   bool   // the offset has passed it
	attempts   int    // claims that were granted
	successes  int    // attempts whose log says success
	running    []*attempt
	acked      bool

	offers int    // writes that the sink was asked for
	rows   int    // rows that it has
	row    int64  // N of the first of them; 0 until that is known
	again  string // why it was claimed again, by the first such attempt that wrote
	mark   mark   // what a safeguard remembers of it

	over  bool      // nothing will happen to it any more
	log   []Attempt // what the ledger holds back until then
	slots []*slot   // its rows, as long as the ledger may not or need not place them
}

// secondKey sets the draws of a second emission apart from those of the first.
const secondKey = 1 << 63

func newRun(p *Params, s Safeguard, emit func(Fact) bool) *run {
	r := &run{p: p, source: *newSource(p), policy: newPolicy(s, p)}
	r.out = ledger{emit: emit, ordered: p.SourceOrder}
	r.queue = newQueue(p)
	r.floor = newFloor(p)
	return r
}

// play does what is to be done until nothing is left.
func (r *run) play() {
	r.scheduleTick()
	for w, ok := r.todo.Next(); ok && !r.out.stopped; w, ok = r.todo.Next() {
		r.do(w)
	}
}

func (r *run) do(w work) {
	switch w.what {
	case emitTick:
		r.emitTick()
	case emitSecond:
		r.emitSecond(w.event)
	case deliver:
		r.deliver(w.event, w.reason)
	case finish:
		r.finish(w.attempt)
	case giveUp:
		r.giveUp(w.attempt)
	case lateCommit:
		r.lateCommit(w.attempt)
	case leaseEnd:
		r.leaseEnd(w.attempt)
	case writeAgain:
		r.writeAgain(w.attempt)
	case crash:
		r.crash()
	case restart:
		r.restart()
	case catchUp:
		r.catchUp()
	}
	if w.event != nil {
		r.release(w.event)
	}
}

// schedule puts work in and holds its event for it.
func (r *run) schedule(after time.Duration, w work) {
	if w.event != nil {
		w.event.holds++
	}
	r.todo.After(after, w)
}

// release drops one hold on e. With the last one e is over.
func (r *run) release(e *event) {
	e.holds--
	if e.holds > 0 {
		return
	}
	e.over = true
	if e.first != nil {
		r.release(e.first)
	}
	if e.rows == 0 {
		r.out.lose(e)
	}
	r.out.over(e)
}

func (r *run) draw(stream string, key ...uint64) uint64 { return Draw(r.p.Seed, stream, key...) }

func (r *run) time(at time.Duration) tick.Nanos { return r.p.Start + tick.Nanos(at) }

// scheduleTick takes the next tick from the source.
func (r *run) scheduleTick() {
	if t, ok := r.source.take(); ok {
		r.coming = t
		r.todo.At(t.at, work{what: emitTick})
	}
}

func (r *run) emitTick() {
	t := r.coming
	e := &event{key: uint64(t.number), symbol: t.symbol, price: t.price, fault: t.fault}
	if t.fault == SecondID {
		r.schedule(r.p.Timing.SecondID.pick(r.draw("second", e.key)), work{what: emitSecond, event: e})
	}
	if c := r.queue.crashAfter; c == t.number {
		r.todo.After(crashDelay.pick(r.draw("crash")), work{what: crash})
	}
	r.emit(e)
	r.scheduleTick()
}

// crashDelay puts a crash between two ticks, where attempts are under way.
var crashDelay = Span{1, 4}

func (r *run) emitSecond(first *event) {
	first.holds++ // its row is the canonical one of the second's
	r.emit(&event{key: first.key | secondKey, symbol: first.symbol, price: first.price, first: first})
}

// emit gives e its number and puts it into the source's log and the queue.
func (r *run) emit(e *event) {
	e.at = r.todo.Now()
	if r.policy.source != nil && !r.policy.source(e) {
		r.out.totals.Refused++
		if e.first == nil {
			r.out.totals.FalseRefusals++
		} else {
			r.release(e.first)
		}
		return
	}
	e.number = r.events
	r.events++
	e.holds++
	r.out.event(Event{e.number, r.time(e.at), r.p.Symbols[e.symbol], e.price}, e)
	r.offerToStream(e)
	r.release(e)
}
