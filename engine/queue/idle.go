package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
)

// Totals are those of a job, over all processes.
type Totals struct {
	Done     int64            `json:"done"`               // URLs with a result
	Left     int64            `json:"left"`               // URLs in the queue, and in anybody's hands
	PutOff   int64            `json:"put_off"`            // of them put off for longer than a run waits
	Outcomes map[string]int64 `json:"outcomes,omitempty"` // of those that are done
	Open     bool             `json:"open"`               // a list was not enqueued to its end
}

// Totals gives what was last seen of the job, about once a second. It has no
// outcomes: see [CountOutcomes].
func (w *Worker) Totals() Totals {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.totals
}

// watch looks how far the job is, and ends the run when nothing is left to do.
func (w *Worker) watch() {
	wait := 100 * time.Millisecond
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-time.After(wait):
		}
		w.mu.Lock()
		idle, over := len(w.held) == 0, w.stopped()
		w.mu.Unlock()
		if over {
			return
		}
		if wait = time.Second; idle {
			wait = 250 * time.Millisecond
		}
		w.see(w.census())
	}
}

// census asks the engine how much there is.
func (w *Worker) census() (t Totals, err error) {
	ctx, cancel := context.WithTimeout(w.ctx, 4*time.Second)
	defer cancel()
	queue, err := w.p.queue.Info(ctx) // before the results: what moves between is counted twice, never missed
	if err != nil {
		return t, err
	}
	results, err := w.p.results.Info(ctx)
	if err != nil {
		return t, err
	}
	t.Left, t.Done = int64(queue.State.Msgs), int64(results.State.Msgs)
	w.mu.Lock()
	look := len(w.held) == 0
	w.mu.Unlock()
	if look && t.Left > 0 {
		t.PutOff, err = w.countPut(ctx)
	}
	if err == nil && look && t.Left <= t.PutOff {
		t.Open, err = isOpen(ctx, w.p.bucket)
	}
	return t, err
}

// countPut is how many URLs are put off for longer than a run waits.
func (w *Worker) countPut(ctx context.Context) (n int64, err error) {
	all, err := w.p.bucket.Watch(ctx, "put.>", jetstream.IgnoreDeletes())
	if err != nil {
		return 0, err
	}
	defer all.Stop()
	for {
		select {
		case <-ctx.Done():
			return n, ctx.Err()
		case e, ok := <-all.Updates():
			if e == nil || !ok {
				return n, nil
			}
			var p put
			if json.Unmarshal(e.Value(), &p) == nil && p.Late && p.NotBefore.After(time.Now()) {
				n++
			}
		}
	}
}

func isOpen(ctx context.Context, bucket jetstream.KeyValue) (bool, error) {
	e, err := bucket.Get(ctx, keyEnqueue)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var s enqueueState
	if err := json.Unmarshal(e.Value(), &s); err != nil {
		return false, fmt.Errorf("bucket: its key %s is not of holdfast: %w", keyEnqueue, err)
	}
	return s.Open, nil
}

// see judges a census: the run is over when nothing waits, and nobody has
// anything in hand that could come back.
func (w *Worker) see(t Totals, err error) {
	if err != nil {
		return // if the engine is away, pull finds it out
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.Left != w.totals.Left || t.Done != w.totals.Done {
		w.moved = time.Now()
	}
	w.totals = t
	switch {
	case w.c.Follow || w.stopped() || len(w.held) > 0 || t.Left > t.PutOff:
		return
	case t.Open && time.Since(w.moved) < w.c.Patience:
		return
	}
	w.end(io.EOF)
}

// notOurs stands among the outcomes for results that no process of holdfast
// published.
const notOurs = "not_of_holdfast"

// CountOutcomes gives the totals of a job, with the outcomes of all results.
func CountOutcomes(ctx context.Context, conn *engine.Conn, c Config) (Totals, error) {
	t := Totals{Outcomes: map[string]int64{}}
	err := each(ctx, conn, c, true, func(m jetstream.Msg) error {
		t.Done++
		outcome := m.Headers().Get(headerOutcome)
		if !byHoldfast(m) {
			outcome = notOurs
		}
		t.Outcomes[outcome]++
		return nil
	})
	if err != nil {
		return t, err
	}
	err = conn.Try(ctx, func(ctx context.Context) error {
		q, err := conn.JS.Stream(ctx, c.queueName())
		if err != nil {
			return err
		}
		t.Left = int64(q.CachedInfo().State.Msgs)
		bucket, err := conn.JS.KeyValue(ctx, c.bucketName())
		if err != nil {
			return err
		}
		t.Open, err = isOpen(ctx, bucket)
		return err
	})
	return t, engine.Explain("job "+c.Job, err)
}
