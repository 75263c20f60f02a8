package fetch

import (
	"context"
	"time"
)

// grace is how long attempts in flight may go on when a run is stopped.
const grace = 5 * time.Second

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

// cancel gives up a URL, whose ctx has ended.
func (e *engine) cancel(j *job) {
	e.mu.Lock()
	if e.jobs[j.id] != j {
		e.mu.Unlock()
		return
	}
	j.abort()
	begin(e.perform(e.sched.Cancel(e.input(), j.id), nil))
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
	begin(e.perform(e.sched.Stop(e.input()), nil))
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
