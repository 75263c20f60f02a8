package relay

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
)

// A census is what the engine says about source and sink.
type census struct {
	since int64 // accepted when it began
	keys  int64
	empty bool // nothing waits, and no relay has anything in its hands
	err   error
}

// count asks the engine now and then how much there is.
func (r *runner) count() {
	every := 2 * time.Second
	if r.c.Drain {
		every = 300 * time.Millisecond
	}
	for wait := time.Duration(0); ; wait = every {
		select {
		case <-r.done:
			return
		case <-r.doubt:
		case <-time.After(wait):
		}
		c := r.ask()
		select {
		case r.census <- c:
		case <-r.done:
			return
		}
	}
}

func (r *runner) ask() (c census) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	c.since = r.accepted.Load()
	for _, s := range r.s.sinks {
		info, err := s.Info(ctx)
		if err != nil {
			return census{err: err}
		}
		c.keys += int64(info.State.Msgs)
	}
	info, err := r.s.consumer.Info(ctx)
	if err != nil {
		return census{err: err}
	}
	c.empty = info.NumPending == 0 && info.NumAckPending == 0
	return c
}

func (r *runner) judgeCensus(c census, it jetstream.MessagesContext) {
	switch {
	case c.err != nil:
		// Once may be a server that has just come back.
		if r.missing++; !isGone(c.err) {
			r.missing = 0
		} else if r.missing > 2 {
			r.stop(it, engine.Explain("stream "+r.s.source+" or "+r.c.To, c.err))
		}
		return
	case r.c.Mode.perKey() && c.keys >= r.c.MaxKeys:
		r.stop(it, ErrMaxKeys)
	case r.c.Drain && c.empty && !r.moved && len(r.flights) == 0:
		r.stop(it, nil)
	}
	r.keys, r.since, r.moved, r.missing = c.keys, c.since, false, 0
	if len(r.flights) == 0 {
		r.dry = 0
	}
}

func isGone(err error) bool {
	return errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrConsumerNotFound)
}
