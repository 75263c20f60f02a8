package fetch

import (
	"fmt"
	"runtime"
	"sync"
)

// How much may wait to be told before attempts wait too (R3.8).
const (
	mostCalls     = 4096
	mostCallBytes = 64 << 20
)

// mostSpare is the largest buffer that is kept for the next records.
const mostSpare = 1 << 20

// A call is one callback.
type call struct {
	method string
	do     func()
}

// A delivery is what is told once its records are in the log.
type delivery struct {
	calls []call
	bytes int64
	done  *job // its URL is over
}

// An output takes records, callbacks and attempts in order: first the log has
// the records of a decision, then the handler is told (R3.10), and only then
// the attempts that it lets start begin: so a killed process repeats what was
// in flight and no more (R12.2).
//
// Whoever made records writes them. Who comes while another writes leaves its
// own to that one and waits for nothing. A goroutine that does nothing but
// write would have to be woken for each request, which costs as much as the
// write; a lock that is held during a write would make all wait in a row.
// Another goroutine tells, only while there is something to tell.
type output struct {
	log      *Log // nil: none
	extended ExtendedHandler
	warn     func(string)
	onError  func(error)

	mu      sync.Mutex
	changed sync.Cond
	waiting turn // not written yet
	spare   turn // its memory and that of waiting are used in turn
	writing bool
	queue   []delivery
	telling bool
	calls   int
	bytes   int64
	err     error // writing failed: nothing more is written or told
	panics  int64
	told    map[string]bool
}

// A turn is what is done together, in the order of its fields.
type turn struct {
	lines line       // to the log, BEFORE
	tell  []delivery // to the handler
	begin []begun    // attempts
	idle  []worker   // that wait for them
}

func (t *turn) empty() bool {
	return len(t.lines) == 0 && len(t.tell) == 0 && len(t.begin) == 0 && len(t.idle) == 0
}

// A worker is a goroutine that runs attempts, and where it gets one if it has to
// wait for another's write: the zero begun if there is none for it. It has room
// for one.
type worker chan begun

// cleared is t without its content, to be filled again.
func (t *turn) cleared() turn {
	if cap(t.lines) > mostSpare {
		t.lines = nil
	}
	clear(t.tell)
	clear(t.begin)
	clear(t.idle)
	return turn{t.lines[:0], t.tell[:0], t.begin[:0], t.idle[:0]}
}

func newOutput(log *Log, warn func(string)) *output {
	o := &output{log: log, warn: warn, told: map[string]bool{}}
	o.changed.L = &o.mu
	return o
}

func (o *output) run() int {
	if o.log == nil {
		return 1
	}
	return o.log.run
}

// add takes what is to be told after the records of one decision, which the
// caller has appended. It is called with mu held; flush comes later.
func (o *output) add(calls []call, done *job) {
	if len(calls) == 0 && (done == nil || done.done == nil && o.extended == nil) {
		return
	}
	d := delivery{done: done}
	d.calls = append(d.calls, calls...)
	if done != nil && done.current != nil {
		d.bytes = int64(len(done.current.body))
	}
	o.calls += len(d.calls)
	o.bytes += d.bytes
	o.waiting.tell = append(o.waiting.tell, d)
}

// flush does what waits, unless another is at it, who does it then. Of the
// attempts that are to begin it returns one for its caller to go on with. A
// worker waits for one that another's write holds up: to end here and to be
// begun anew costs as much as a write.
func (o *output) flush(w worker) (own begun, ok bool) {
	o.mu.Lock()
	if o.writing {
		if w == nil {
			o.mu.Unlock()
			return own, false
		}
		o.waiting.idle = append(o.waiting.idle, w)
		o.mu.Unlock()
		own = <-w
		return own, own.e != nil
	}
	defer o.mu.Unlock()
	for !o.waiting.empty() {
		o.gather()
		t := o.waiting
		o.waiting, o.spare = o.spare, turn{}
		o.write(t.lines)
		o.pass(t.tell)
		if ok {
			t.begin = append(t.begin, own)
		}
		own, ok = t.share()
		o.spare = t.cleared()
	}
	o.changed.Broadcast()
	return own, ok
}

// gather lets attempts that are about to end add their records to a write. Only
// what is ready to run is waited for, so a run with one attempt waits for nothing.
// It gives mu up meanwhile.
func (o *output) gather() {
	if len(o.waiting.lines) == 0 || o.err != nil {
		return
	}
	o.writing = true
	o.mu.Unlock()
	runtime.Gosched()
	o.mu.Lock()
	o.writing = false
}

// share gives attempts to the workers that wait, one to the caller, and each of
// the others a goroutine.
func (t *turn) share() (own begun, ok bool) {
	left := t.begin
	for _, w := range t.idle {
		b := begun{}
		if len(left) > 0 {
			b, left = left[0], left[1:]
		}
		w <- b
	}
	for n, b := range left {
		if n == 0 {
			own, ok = b, true
		} else {
			go b.run()
		}
	}
	return own, ok
}

// write appends to the log. It gives mu up meanwhile.
func (o *output) write(lines line) {
	if len(lines) == 0 || o.err != nil {
		return
	}
	o.writing = true
	o.mu.Unlock()
	err := o.log.append(lines)
	o.mu.Lock()
	o.writing = false
	if err != nil {
		o.err = err
		go o.onError(err)
	}
}

// pass hands deliveries to the goroutine that tells.
func (o *output) pass(tell []delivery) {
	if len(tell) == 0 {
		return
	}
	o.queue = append(o.queue, tell...)
	if !o.telling {
		o.telling = true
		go o.tell()
	}
}

func (o *output) tell() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) > 0 {
		d := o.queue[0]
		o.queue[0] = delivery{}
		o.queue = o.queue[1:]
		if o.err == nil {
			o.mu.Unlock()
			o.deliver(d)
			o.mu.Lock()
		} else if d.done != nil && d.done.done != nil {
			close(d.done.done)
		}
		o.calls -= len(d.calls)
		o.bytes -= d.bytes
		o.changed.Broadcast()
	}
	o.queue = nil
	o.telling = false
	o.changed.Broadcast()
}

func (o *output) deliver(d delivery) {
	for _, c := range d.calls {
		o.guard(c)
	}
	if d.done == nil {
		return
	}
	if o.extended != nil {
		o.guard(call{"OnDone", func() { o.extended.OnDone(*d.done.outcome) }})
	}
	if d.done.done != nil {
		close(d.done.done)
	}
}

// guard keeps a panic of a handler from the run.
func (o *output) guard(c call) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		o.mu.Lock()
		first := !o.told[c.method]
		o.told[c.method] = true
		o.panics++
		o.mu.Unlock()
		if first {
			o.warn(fmt.Sprintf("the handler's %s panicked: %v; the run goes on, and its further panics are only counted", c.method, p))
		}
	}()
	c.do()
}

// room waits until there is some. Slots are free by then: only who would start
// a new attempt waits.
func (o *output) room() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.err == nil && (o.calls > mostCalls || o.bytes > mostCallBytes) {
		o.changed.Wait()
	}
}

// drain waits until everything is written and told.
func (o *output) drain() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.waiting.empty() || o.writing || o.telling {
		o.changed.Wait()
	}
	return o.err
}
