package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/fetch"
	"holdfast/fetch/retry"
)

// settle takes what became of a URL. It does not wait.
func (w *Worker) settle(f *flight, s fetch.Settled) {
	w.mu.Lock()
	w.settles(f)
	w.mu.Unlock()
	switch {
	case !s.Postponed:
		w.record(f, s)
	case s.NotBefore.IsZero() && s.Outcome != retry.OutcomeBreakerOpen:
		w.all.Go(func() { w.giveBack(f) })
	default:
		w.all.Go(func() {
			w.putOff(f, s)
			w.release(f)
		})
	}
}

// settles is called with mu held.
func (w *Worker) settles(f *flight) {
	f.settling = true
	w.settling++
	w.changed.Broadcast() // there is room for another
}

// record publishes a result: BEFORE the URL leaves the queue. A second result
// is refused by the stream, and the URL is done all the same.
func (w *Worker) record(f *flight, s fetch.Settled) {
	by := w.by + "." + strconv.FormatUint(f.delivered, 10)
	subject := w.c.resultsSubject(f.key)
	build := func() *nats.Msg {
		return &nats.Msg{Subject: subject, Data: w.fit(s.Records), Header: nats.Header{
			"Nats-Expected-Stream": w.expected,
			headerOutcome:          {s.Outcome.String()},
			headerAttempts:         {strconv.Itoa(s.Attempts)},
			headerBy:               {by},
		}}
	}
	bad := s.Outcome == retry.OutcomeBadInput
	w.pipe.send(&request{build: build, patience: w.c.Patience, read: stored, done: func(there bool, err error) {
		switch {
		case err != nil && w.ctx.Err() != nil: // nobody waits for it any more
		case err != nil:
			w.all.Go(func() { w.unrecorded(f, err) })
		case there:
			w.all.Go(func() { w.recorded(f, bad, w.isOurs(subject, by)) })
		default:
			w.recorded(f, bad, true)
		}
	}})
}

// unrecorded ends the run: a URL's result has no place to go.
func (w *Worker) unrecorded(f *flight, err error) {
	err = explain(w.conn, "stream "+w.c.resultsName(), err)
	w.mu.Lock()
	w.fail(err)
	w.mu.Unlock()
	w.release(f)
}

// recorded lets a URL that has a result leave the queue.
func (w *Worker) recorded(f *flight, bad, ours bool) {
	w.mu.Lock()
	if ours {
		w.n.Recorded++
	} else {
		w.n.Refused++
	}
	w.mu.Unlock()
	if f.wasPut {
		w.all.Go(func() { w.forgetPut(f.key) })
	}
	if bad {
		_ = w.message(f).TermWithReason("no URL that could be sent; its result says why") // otherwise it comes again, and is found done
		w.release(f)
		return
	}
	w.ack(f)
}

// ackPatience is how long an acknowledgement may take to be confirmed.
const ackPatience = 4 * time.Second

// ack removes a URL from the queue, and releases it when that is confirmed. If
// it is not, the URL comes again, and is found to have a result.
func (w *Worker) ack(f *flight) {
	m := &nats.Msg{Subject: w.message(f).Reply(), Data: ackText}
	w.pipe.send(&request{msg: m, patience: ackPatience, read: acknowledged, done: func(bool, error) { w.release(f) }})
}

var ackText = []byte("+ACK")

// fit cuts records that are longer than a message may be down to the last one.
func (w *Worker) fit(records []byte) []byte {
	most := longest(w.conn, w.p.results) - 1024 // its headers are shorter
	if len(records) <= most {
		return records
	}
	last := records[bytes.LastIndexByte(records[:len(records)-1], '\n')+1:]
	if len(last) > most {
		return nil // its headers tell the outcome
	}
	return last
}

// isOurs reports whether a result that was there already is of an earlier try
// of ours, whose answer was lost.
func (w *Worker) isOurs(subject, by string) bool {
	ctx, cancel := context.WithTimeout(w.ctx, 4*time.Second)
	defer cancel()
	m, err := w.p.results.GetLastMsgForSubject(ctx, subject)
	return err == nil && m.Header.Get(headerBy) == by
}

func (w *Worker) message(f *flight) jetstream.Msg {
	w.mu.Lock()
	defer w.mu.Unlock()
	return f.msg
}

// giveBack lets another process have a URL at once.
func (w *Worker) giveBack(f *flight) {
	_ = w.message(f).Nak() // lost, it comes again after AckWait
	w.mu.Lock()
	w.n.GaveBack++
	w.mu.Unlock()
	w.release(f)
}

// A put is what the bucket says of a URL that was put off.
type put struct {
	Attempts  int       `json:"attempts"`
	NotBefore time.Time `json:"not_before"`
	Late      bool      `json:"late"` // longer than a run waits
}

// breakerPause is when a URL of an origin that has failed for long is tried
// again at the earliest.
const breakerPause = time.Minute

// putOff lets a URL come again at its time. What was tried is written down
// BEFORE it goes back, so that whoever has it next counts on.
func (w *Worker) putOff(f *flight, s fetch.Settled) {
	p := put{Attempts: s.Attempts, NotBefore: s.NotBefore.UTC(), Late: time.Until(s.NotBefore) > w.c.Cap}
	if s.NotBefore.IsZero() {
		p.NotBefore, p.Late = time.Now().Add(breakerPause).UTC(), true
	}
	text, err := json.Marshal(p)
	if err != nil {
		panic(fmt.Sprintf("queue: %v", err))
	}
	err = w.conn.Try(w.ctx, func(ctx context.Context) error {
		_, err := w.p.bucket.Put(ctx, "put."+f.key, text)
		return err
	})
	if err != nil {
		w.c.Warn(fmt.Sprintf("a URL that was put off comes again sooner: %v", err))
		return
	}
	_ = w.message(f).NakWithDelay(max(time.Until(p.NotBefore), time.Millisecond)) // lost, it comes again after AckWait
	w.mu.Lock()
	w.n.PutOff++
	w.mu.Unlock()
}

func (w *Worker) readPut(key string) (tried int, was bool, err error) {
	var e jetstream.KeyValueEntry
	err = w.conn.Try(w.ctx, func(ctx context.Context) (err error) {
		e, err = w.p.bucket.Get(ctx, "put."+key)
		return err
	})
	if errors.Is(err, jetstream.ErrKeyNotFound) || errors.Is(err, jetstream.ErrKeyDeleted) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	var p put
	if json.Unmarshal(e.Value(), &p) != nil || p.Attempts < 0 || p.Attempts > 1<<20 {
		return 0, true, nil
	}
	return p.Attempts, true, nil
}

func (w *Worker) forgetPut(key string) {
	ctx, cancel := context.WithTimeout(w.ctx, 4*time.Second)
	defer cancel()
	_ = w.p.bucket.Purge(ctx, "put."+key) // one that stays names a time that is over
}
