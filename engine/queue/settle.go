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
)

// settle takes what became of a URL. It does not wait.
func (w *Worker) settle(f *flight, s fetch.Settled) {
	w.mu.Lock()
	f.settling = true
	w.mu.Unlock()
	w.all.Go(func() {
		switch {
		case !s.Postponed:
			w.record(f, s)
		case s.NotBefore.IsZero() && s.Outcome.String() != "breaker_open":
			w.giveBack(f)
		default:
			w.putOff(f, s)
		}
		w.release(f)
	})
}

// record publishes a result: BEFORE the URL leaves the queue. A second result
// is refused by the stream, and the URL is done all the same.
func (w *Worker) record(f *flight, s fetch.Settled) {
	by := w.by + "." + strconv.FormatUint(f.delivered, 10)
	m := &nats.Msg{Subject: w.c.resultsSubject(f.key), Header: nats.Header{}, Data: w.fit(s.Records)}
	m.Header.Set("Nats-Expected-Stream", w.c.resultsName())
	m.Header.Set(headerOutcome, s.Outcome.String())
	m.Header.Set(headerAttempts, strconv.Itoa(s.Attempts))
	m.Header.Set(headerBy, by)
	there, err := publish(w.ctx, w.conn, m, w.c.Patience)
	if err != nil {
		err = explain(w.conn, "stream "+w.c.resultsName(), err)
		w.mu.Lock()
		w.fail(err)
		w.mu.Unlock()
		return
	}
	ours := !there || w.isOurs(m.Subject, by)
	w.mu.Lock()
	if ours {
		w.n.Recorded++
	} else {
		w.n.Refused++
	}
	w.mu.Unlock()
	if f.wasPut {
		w.forgetPut(f.key)
	}
	if s.Outcome.String() == "bad_input" {
		_ = w.message(f).TermWithReason("no URL that could be sent; its result says why") // otherwise it comes again, and is found done
		return
	}
	w.ack(f)
}

// fit cuts records that are longer than a message may be down to the last one.
func (w *Worker) fit(records []byte) []byte {
	most := int(w.conn.NATS.MaxPayload()) - 4096
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

// ack removes a URL from the queue. If that fails it comes again, and is found
// to have a result.
func (w *Worker) ack(f *flight) {
	ctx, cancel := context.WithTimeout(w.ctx, 4*time.Second)
	defer cancel()
	_ = w.message(f).DoubleAck(ctx)
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
