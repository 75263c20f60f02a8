package record

import (
	"context"
	"errors"
	"io"
	"time"

	"holdfast/internal/vfs"
	"holdfast/record/seq"
)

// Run records until the session is over. When ctx ends it stops in good order
// with [ErrInterrupted]. When a source fails that may end the process, its error
// comes back at once and nothing else is done: the caller ends the process. A
// Logger runs once.
func (l *Logger) Run(ctx context.Context) (Stats, error) {
	if l.m == nil {
		s, err := l.completed()
		l.abandon()
		return s, err
	}
	l.started = time.Now()
	err := l.record(ctx)
	switch {
	case err == nil:
		return l.stop(seq.StopComplete, nil)
	case l.frugal && errors.As(err, new(*sourceError)):
		return Stats{}, errors.Unwrap(err)
	case vfs.IsFull(err):
		return Stats{}, l.stopFull(err)
	case ctx.Err() != nil:
		return l.stop(seq.StopInterrupted, ErrInterrupted)
	}
	var stall *seq.StallError
	var source *sourceError
	switch {
	case errors.As(err, &stall):
		l.abandon()
		return Stats{}, err
	case errors.As(err, &source):
		return l.stop(seq.StopError, source.error)
	}
	l.abandon()
	return Stats{}, err
}

// A sourceError is one that the source returned.
type sourceError struct{ error }

func (e *sourceError) Unwrap() error { return e.error }

func (l *Logger) record(ctx context.Context) error {
	ready, err := l.m.Start(0, l.c.wall())
	if err != nil {
		return err
	}
	if err := l.perform(ready, nil); err != nil {
		return err
	}
	if err := l.settle(); err != nil {
		return err
	}
	if err := l.lines.flush(); err != nil { // what an earlier process left does not wait for company
		return err
	}
	l.take, l.buffered = l.receive, l.collects()
	if t, ok := l.src.(Teller); ok {
		l.take = t.Next
	}
	for !l.ready.Done {
		err := l.next(ctx)
		switch {
		case err == io.EOF:
			return l.drain(ctx)
		case err != nil:
			return err
		}
		if err := l.input(&l.event); err != nil {
			return err
		}
	}
	return nil
}

// next waits for the next event; timers that are due fire meanwhile.
func (l *Logger) next(ctx context.Context) error {
	for {
		ready := l.room() && l.buffered()
		if !ready {
			if err := l.settle(); err != nil {
				return err
			}
		}
		err := l.await(ctx, ready)
		switch {
		case err == nil, err == io.EOF:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case !l.c.RealClock || !errors.Is(err, context.DeadlineExceeded):
			return &sourceError{err}
		}
		if err := l.tick(l.now()); err != nil {
			return err
		}
		if l.ready.Done {
			return io.EOF
		}
	}
}

// await calls the source, for no longer than until the machine wants to wake.
// One that is ready does not wait.
func (l *Logger) await(ctx context.Context, ready bool) (err error) {
	if !ready && l.c.RealClock && l.ready.Wake != seq.Never {
		until, cancel := context.WithDeadline(ctx, l.started.Add(l.ready.Wake))
		defer cancel()
		ctx = until
	}
	l.event, err = l.take(ctx)
	return err
}

func (l *Logger) receive(ctx context.Context) (Event, error) {
	d, err := l.src.Receive(ctx)
	return Event{Delivery: d, At: d.At, Cursor: d.Cursor}, err
}

func (l *Logger) now() time.Duration { return time.Since(l.started) }

// input gives one event to the machine, and before it the timers that were due.
func (l *Logger) input(e *Event) error {
	now := e.At
	if l.c.RealClock {
		now = l.now()
		e.Delivery.At = now
	}
	for l.ready.Wake <= now {
		was := l.ready.Wake
		if err := l.tick(was); err != nil {
			return err
		}
		if l.ready.Wake <= was {
			break
		}
	}
	l.at = max(l.at, now)
	switch e.Kind {
	case Arrived:
		return l.perform(l.m.Packet(now, e.Delivery), &e.Delivery)
	case Heartbeat:
		return l.perform(l.m.Heartbeat(now, e.Next, e.Line), nil)
	case EndOfSession:
		return l.perform(l.m.End(now, e.Next), nil)
	case Rejected:
		l.m.Count(seq.Rejected, 1)
	}
	return l.tick(now)
}

func (l *Logger) tick(now time.Duration) error {
	l.at = max(l.at, now)
	return l.perform(l.m.Tick(now), nil)
}

// drain waits for what is missing when the source has no more.
func (l *Logger) drain(ctx context.Context) error {
	now := l.at
	if l.c.RealClock {
		now = l.now()
		l.at = now
	}
	if err := l.perform(l.m.End(now, 0), nil); err != nil {
		return err
	}
	for !l.ready.Done {
		now = max(now, l.ready.Wake)
		if l.c.RealClock {
			if err := l.settle(); err != nil {
				return err
			}
			t := time.NewTimer(time.Until(l.started.Add(now)))
			select {
			case <-ctx.Done():
				t.Stop()
				return ctx.Err()
			case <-t.C:
			}
		}
		if err := l.tick(now); err != nil {
			return err
		}
	}
	return nil
}
