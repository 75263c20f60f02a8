// Package incident makes a real incident: a JetStream work queue whose lease is
// shorter than some of the work, and three worker processes that append to one
// output and are killed (kill -9) while they hold claims. Nothing is simulated:
// the engine hands out, the processes race, the system kills.
//
// It promises that what happened is known exactly: every row tells in its own
// write which attempt made it, every attempt is logged when it begins, and an
// end that is missing is a kill. It promises the plan (see package plan), not the
// outcome: who claims what depends on the machine, and a machine that stalls
// makes more copies, never fewer. [Result.Held] names the rows that are due to
// stalls, so that they can be told from what a safeguard did.
//
// What the processes are is its caller's to say, with [Spawn]; each of them calls
// [Work]. Call [Run], with a [Safeguard] that is really on or with None.
package incident

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/engine"
	"holdfast/engine/incident/plan"
)

// Workers is how many worker processes there are.
const Workers = 3

// Spawn gives the command of a process that calls [Work] with its standard input
// and output.
type Spawn func(Worker) (*exec.Cmd, error)

// A Config says what to run. All fields but Safeguard and Tell are needed.
type Config struct {
	Conn      *engine.Conn
	URL       string // of the engine, for the workers
	Run       string // name, a word: no two runs of an engine share it
	Dir       string // for the logs of the workers; made if there is none
	Plan      plan.Plan
	Ticks     []plan.Tick // what goes through the queue, in order
	Safeguard Safeguard
	Spawn     Spawn
	Tell      func(queued, left int) // now and then; nil tells nobody
}

// run is one race.
type run struct {
	Config
	names  names
	shift  time.Duration // the machine's clock minus the market's
	late   time.Duration // of every tick in the queue, by the market's clock
	crew   []*member
	killed atomic.Int64
}

// Run races and returns when everything in the queue is done and all workers
// have ended. When it fails, or ctx ends, no process is left.
func Run(ctx context.Context, c Config) (*Result, error) {
	if err := os.MkdirAll(c.Dir, 0o777); err != nil {
		return nil, err
	}
	r := &run{Config: c, names: names{c.Run}}
	if r.Tell == nil {
		r.Tell = func(int, int) {}
	}
	if err := prepare(ctx, c.Conn, r.names, c.Safeguard, Workers); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.shift = time.Since(time.Unix(0, int64(c.Ticks[0].Time)))
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel(nil)
	for w := range Workers {
		m := &member{run: r, number: w, orders: make(chan string, 8), end: make(chan struct{}), life: make(chan struct{})}
		r.crew = append(r.crew, m)
		group.Go(func() {
			if err := m.live(ctx); err != nil {
				cancel(fmt.Errorf("%s: %w", workerName(w), err))
			}
		})
	}
	err := r.play(ctx)
	if err == nil {
		for _, m := range r.crew {
			close(m.end)
		}
		group.Wait()
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		return nil, err
	}
	return r.result(ctx)
}

// play feeds the queue at the market's pace, orders the kills, and waits until
// all is done.
func (r *run) play(ctx context.Context) error {
	for _, m := range r.crew {
		if err := m.awake(ctx); err != nil {
			return err
		}
	}
	// Every tick is as late as the first, for which the workers had to be there.
	r.late = time.Since(time.Unix(0, int64(r.Ticks[0].Time)).Add(r.shift))
	kills := r.Plan.Kills(Workers)
	var body []byte
	for i, t := range r.Ticks {
		for len(kills) > 0 && kills[0].After <= i {
			if err := r.condemn(ctx, kills[0]); err != nil {
				return err
			}
			kills = kills[1:]
		}
		if err := r.at(ctx, t); err != nil {
			return err
		}
		body = t.AppendJSON(body[:0])
		if err := r.publish(ctx, t, body); err != nil {
			return err
		}
		if i%50 == 0 {
			r.Tell(i, len(r.Ticks)-i)
		}
	}
	return r.drain(ctx)
}

// condemn orders a kill. The market waits for a worker that is still on its way
// back from the one before: it could take no claim to be killed with.
func (r *run) condemn(ctx context.Context, k plan.Kill) error {
	m, asked := r.crew[k.Worker], time.Now()
	if err := m.awake(ctx); err != nil {
		return err
	}
	r.late += time.Since(asked)
	if k.Written {
		m.orders <- sayHoldRow
	} else {
		m.orders <- sayHoldClaim
	}
	return nil
}

// at waits until a tick is due. One that is late does not wait.
func (r *run) at(ctx context.Context, t plan.Tick) error {
	return pause(ctx, time.Until(time.Unix(0, int64(t.Time)).Add(r.shift+r.late)))
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// publish puts a tick into the queue; its id makes sure that it is there once,
// whatever becomes of an answer.
func (r *run) publish(ctx context.Context, t plan.Tick, body []byte) error {
	for {
		once, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err := r.Conn.JS.Publish(once, r.names.inSubject(t.Number%r.Safeguard.partitions(Workers)), body, withID(t.ID()))
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return engine.Explain("stream "+r.names.in(), err)
		}
	}
}

// drain waits until the queue is empty, as long as it gets emptier.
func (r *run) drain(ctx context.Context) error {
	const patience = time.Minute
	least, since := ^uint64(0), time.Now()
	for {
		n, err := left(ctx, r.Conn, r.names)
		switch {
		case err != nil:
			return err
		case n == 0:
			return nil
		case n < least:
			least, since = n, time.Now()
		case time.Since(since) > patience:
			return fmt.Errorf("run %s: the workers have not got on for %v, %d events are left", r.Run, patience, n)
		}
		r.Tell(len(r.Ticks), int(n))
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// A member is a worker through all its lives.
type member struct {
	*run
	number int
	orders chan string   // to hold, and be killed
	end    chan struct{} // closed when it is to end

	mu   sync.Mutex
	life chan struct{} // closed when the process of now is ready; guarded by mu
}

// awake waits until the worker's process of now is ready.
func (m *member) awake(ctx context.Context) error {
	m.mu.Lock()
	ready := m.life
	m.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// born begins a life, and gives the channel to close when it is ready.
func (m *member) born() (ready chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.life = make(chan struct{})
	return m.life
}

// live starts the worker, kills it when it holds a claim as ordered, starts it
// again, and returns when it has ended as it was told.
func (m *member) live(ctx context.Context) error {
	ready := m.life // nobody else writes it before play asks
	for {
		command, err := m.Spawn(Worker{URL: m.URL, Run: m.Run, Dir: m.Dir, Number: m.number, Safeguard: m.Safeguard, Plan: m.Plan, Shift: m.shift})
		if err != nil {
			return err
		}
		p, err := startProcess(command)
		if err != nil {
			return err
		}
		ended, err := m.follow(ctx, p, ready)
		ready = m.born()
		p.kill()
		if err != nil || ended {
			return err
		}
	}
}

// follow goes with one life of the worker, until it is to be killed or has ended
// as it was told.
func (m *member) follow(ctx context.Context, p *process, ready chan struct{}) (ended bool, err error) {
	orders, end := m.orders, m.end
	for {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case order := <-orders:
			orders = nil // one at a time: the next is for the next life
			if err := p.say(order); err != nil {
				return false, err
			}
		case <-end:
			orders, end = nil, nil
			if err := p.say(sayEnd); err != nil {
				return false, err
			}
		case line, alive := <-p.lines:
			switch {
			case !alive && end != nil:
				return false, fmt.Errorf("ended by itself: %w", p.err())
			case !alive:
				return true, p.err()
			case line == tellReady:
				close(ready)
			case strings.HasPrefix(line, tellHeld):
				p.kill()
				m.killed.Add(1)
				return false, nil
			}
		}
	}
}
