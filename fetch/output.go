package fetch

import (
	"fmt"
	"sync"
)

// How much may wait to be written or told before attempts wait too (R3.8).
const (
	mostUnwritten = 8 << 20
	mostCalls     = 4096
	mostCallBytes = 64 << 20
)

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

// An output takes records and callbacks in order: first the log has them, then
// the handler is told (R3.10). One goroutine writes and one tells, each only
// while there is something to do.
type output struct {
	log      *Log // nil: none
	extended ExtendedHandler
	warn     func(string)
	onError  func(error)

	mu      sync.Mutex
	changed sync.Cond
	lines   line
	spare   line
	batch   []delivery
	writing bool
	queue   []delivery
	telling bool
	calls   int
	bytes   int64
	err     error // writing failed: nothing more is written or told
	panics  int64
	told    map[string]bool
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
// caller has appended to lines. It is called with mu held.
func (o *output) add(calls []call, done *job) {
	if len(calls) > 0 || done != nil && (done.done != nil || o.extended != nil) {
		d := delivery{done: done}
		d.calls = append(d.calls, calls...)
		if done != nil && done.current != nil {
			d.bytes = int64(len(done.current.body))
		}
		o.calls += len(d.calls)
		o.bytes += d.bytes
		o.batch = append(o.batch, d)
	}
	if !o.writing && (len(o.lines) > 0 || len(o.batch) > 0) {
		o.writing = true
		go o.write()
	}
}

// write brings what has come to the log, as long as something comes.
func (o *output) write() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.lines) > 0 || len(o.batch) > 0 {
		lines, batch := o.lines, o.batch
		o.lines, o.spare, o.batch = o.spare[:0], nil, nil
		if len(lines) > 0 && o.err == nil {
			o.mu.Unlock()
			err := o.log.append(lines)
			o.mu.Lock()
			if err != nil {
				o.err = err
				go o.onError(err)
			}
		}
		if cap(lines) <= mostUnwritten {
			o.spare = lines
		}
		o.queue = append(o.queue, batch...)
		if !o.telling && len(o.queue) > 0 {
			o.telling = true
			go o.tell()
		}
		o.changed.Broadcast()
	}
	o.writing = false
	o.changed.Broadcast()
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
	for o.err == nil && (len(o.lines) > mostUnwritten || o.calls > mostCalls || o.bytes > mostCallBytes) {
		o.changed.Wait()
	}
}

// drain waits until everything is written and told.
func (o *output) drain() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.writing || o.telling {
		o.changed.Wait()
	}
	return o.err
}
