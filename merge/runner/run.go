package runner

import (
	"context"
	"fmt"
	"time"
)

// Patience bounds the waiting of [Worker.Run]; 0 is for ever.
type Patience struct {
	Idle  time.Duration // without anything from the other worker
	Stall time.Duration // with a message in the inbox that cannot be read
}

// An IdleError says that nothing came from the other worker for so long.
type IdleError struct {
	Inbox  string
	Waited time.Duration
}

func (e *IdleError) Error() string {
	return fmt.Sprintf("nothing new in %s for %s: is the other worker running?", e.Inbox, e.Waited)
}

// Run steps the worker until it has nothing to do any more. While nothing
// comes it sleeps, 1 ms at first and up to 50 ms, and looks again. The context
// ends it between two steps.
func (w *Worker) Run(ctx context.Context, p Patience) error {
	const shortest, longest = time.Millisecond, 50 * time.Millisecond
	pause := shortest
	idleSince, stallSince := time.Now(), time.Time{}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		before := w.state.Steps
		more, err := w.Step()
		if !more || err != nil {
			return err
		}
		if w.state.Steps != before {
			pause, idleSince = shortest, time.Now()
			continue
		}
		switch now := time.Now(); {
		case w.stalled == nil:
			stallSince = time.Time{}
		case stallSince.IsZero():
			stallSince = now
		case p.Stall > 0 && now.Sub(stallSince) >= p.Stall:
			return w.stalled
		}
		if waited := time.Since(idleSince); p.Idle > 0 && waited >= p.Idle {
			return &IdleError{w.o.Inbox, waited.Round(time.Millisecond)}
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longest)
	}
}
