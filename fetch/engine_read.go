package fetch

import (
	"errors"
	"io"
)

// read feeds the list to the scheduler, as much as it wants at a time.
func (e *engine) read(src Source, keep func(*Unit) (bool, error)) {
	var u Unit // outside of the loop: keep makes it one on the heap
	for e.waitWanted() {
		var err error
		u, err = src.Next()
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
	begin(e.perform(e.sched.InputEOF(e.input()), nil))
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
