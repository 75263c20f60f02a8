package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/fetch"
)

// Headers of messages.
const (
	headerCheck    = "Holdfast-Check"    // in the queue: there may be a result already
	headerOutcome  = "Holdfast-Outcome"  // of a result
	headerAttempts = "Holdfast-Attempts" // of a result
	headerBy       = "Holdfast-By"       // of a result: process and delivery
)

// keyEnqueue says in the bucket whether a list is being enqueued.
const keyEnqueue = "enqueue"

type enqueueState struct {
	Open bool      `json:"open"`
	At   time.Time `json:"at"`
}

// underway is how many URLs are on their way to the engine at once.
const underway = 1024

// Enqueued counts the lines of a list.
type Enqueued struct {
	Job        string `json:"job"`
	Lines      int64  `json:"lines"`
	Blank      int64  `json:"blank"`
	Comments   int64  `json:"comments"`
	Duplicates int64  `json:"duplicates"`
	Bad        int64  `json:"bad"`
	Enqueued   int64  `json:"enqueued"` // new in the queue
	Waiting    int64  `json:"waiting"`  // were there already, not fetched yet
	Done       int64  `json:"done"`     // have a result already
	Others     int64  `json:"others"`   // URLs of the job that are not of this list
}

// ErrTooLong says that a line is longer than a message of the engine may be.
var ErrTooLong = errors.New("too long for the engine")

// Key names a URL of a job: its line, and 64 bits of SHA-256 over the line's
// text, which holds all that the list says of a request.
func Key(line int64, text []byte) string {
	sum := sha256.Sum256(text)
	return strconv.FormatInt(line, 10) + "." + hex.EncodeToString(sum[:8])
}

// An enqueuer is one call of Enqueue.
type enqueuer struct {
	c     Config
	conn  *engine.Conn
	p     parts
	list  *fetch.List
	bad   func(line int64, url string, err error)
	check bool // a result may be there already
	pipe  *pipe
	slots chan struct{} // as many as URLs underway

	mu     sync.Mutex
	n      Enqueued
	err    error
	failed string // what the error is about
	stop   context.CancelFunc
}

// Enqueue brings a list into a job, which it makes if there is none. bad is told
// each line that cannot be used. tell is told now and then how far it is.
//
// It may be killed and called again with the same list at any time: the engine
// refuses what waits already, and what has a result is not sent. An error comes
// with the counts up to it.
func Enqueue(ctx context.Context, conn *engine.Conn, c Config, list *fetch.List, bad func(line int64, url string, err error), tell func(Enqueued)) (Enqueued, error) {
	e := &enqueuer{c: c, conn: conn, list: list, bad: bad, slots: make(chan struct{}, underway), n: Enqueued{Job: c.Job}}
	var err error
	if e.p, err = c.find(ctx, conn, true); err != nil {
		return e.n, err
	}
	if err := e.open(ctx, true); err != nil {
		return e.n, err
	}
	e.check = e.p.queue.CachedInfo().State.LastSeq > 0 || e.p.results.CachedInfo().State.Msgs > 0
	err = e.run(ctx, tell)
	in := list.Inputs()
	e.n.Lines, e.n.Blank, e.n.Comments = in.Lines, in.Blank, in.Comments
	if err == nil {
		err = e.countOthers(ctx)
	}
	if err == nil {
		err = e.open(ctx, false)
	}
	return e.n, err
}

// countOthers finds out what else is in the job. The stream numbers what it
// takes, each URL once, and does not forget how far it is when URLs leave it.
func (e *enqueuer) countOthers(ctx context.Context) error {
	err := e.conn.Try(ctx, func(ctx context.Context) error {
		info, err := e.p.queue.Info(ctx)
		if err == nil {
			e.n.Others = max(int64(info.State.LastSeq)-e.n.Enqueued-e.n.Waiting-e.n.Done, 0)
		}
		return err
	})
	return explain(e.conn, "stream "+e.c.queueName(), err)
}

// open says whether more URLs are to come.
func (e *enqueuer) open(ctx context.Context, is bool) error {
	text, err := json.Marshal(enqueueState{is, time.Now().UTC()})
	if err != nil {
		return err
	}
	err = e.conn.Try(ctx, func(ctx context.Context) error {
		_, err := e.p.bucket.Put(ctx, keyEnqueue, text)
		return err
	})
	return explain(e.conn, "bucket "+e.c.bucketName(), err)
}

// run reads the list, and waits until all of it has come to the engine.
func (e *enqueuer) run(ctx context.Context, tell func(Enqueued)) (err error) {
	ctx, e.stop = context.WithCancel(ctx)
	defer e.stop()
	if e.pipe, err = newPipe(e.conn); err != nil {
		return err
	}
	var sending sync.WaitGroup
	sending.Go(func() { e.pipe.run(ctx) })
	err = e.read(ctx, tell)
	for range underway {
		e.slots <- struct{}{} // what has failed or was cancelled comes back too
	}
	e.stop()
	sending.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err != nil {
		return explain(e.conn, e.failed, e.err)
	}
	return err
}

// fail ends the sending; where is the stream that the error is about.
func (e *enqueuer) fail(where string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil {
		e.err, e.failed = err, where
	}
	e.stop()
}

func (e *enqueuer) count(n *int64) {
	e.mu.Lock()
	*n++
	e.mu.Unlock()
}

func (e *enqueuer) read(ctx context.Context, tell func(Enqueued)) error {
	for ctx.Err() == nil {
		u, err := e.list.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		text := e.list.Text()
		if most := longest(e.conn, e.p.queue); u.Bad == nil && len(text) > most-1024 {
			u.Bad = fmt.Errorf("%w: a message may have %d bytes there", ErrTooLong, most)
		}
		switch {
		case u.Bad != nil:
			e.count(&e.n.Bad)
			e.bad(u.Line, u.URL, u.Bad)
			continue
		case u.OfLine != 0:
			e.count(&e.n.Duplicates)
			continue
		}
		select {
		case e.slots <- struct{}{}:
			e.send(Key(u.Line, text), append([]byte(nil), text...))
		case <-ctx.Done():
		}
		e.mu.Lock()
		n := e.n
		e.mu.Unlock()
		n.Lines = u.Line
		tell(n)
	}
	return ctx.Err()
}

// send brings one URL to the queue, unless it is there or done.
func (e *enqueuer) send(key string, text []byte) {
	if !e.check {
		e.publish(key, text)
		return
	}
	e.pipe.send(&request{
		msg:      &nats.Msg{Subject: "$JS.API.DIRECT.GET." + e.c.resultsName() + "." + e.c.resultsSubject(key)},
		patience: e.c.Patience,
		read:     found,
		done: func(done bool, err error) {
			switch {
			case err != nil:
				e.sent(nil, "stream "+e.c.resultsName(), err)
			case done:
				e.sent(&e.n.Done, "", nil)
			default:
				e.publish(key, text)
			}
		},
	})
}

func (e *enqueuer) publish(key string, text []byte) {
	m := &nats.Msg{Subject: e.c.queueSubject(key), Data: text, Header: nats.Header{
		"Nats-Msg-Id":          {e.c.Job + "." + key},
		"Nats-Expected-Stream": {e.c.queueName()},
	}}
	if e.check {
		m.Header.Set(headerCheck, "1")
	}
	e.pipe.send(&request{msg: m, patience: e.c.Patience, read: stored, done: func(there bool, err error) {
		if there {
			e.sent(&e.n.Waiting, "", nil)
		} else {
			e.sent(&e.n.Enqueued, "stream "+e.c.queueName(), err)
		}
	}})
}

// sent counts a URL that is where it belongs, and makes room for another.
func (e *enqueuer) sent(n *int64, where string, err error) {
	if err == nil {
		e.count(n)
	} else {
		e.fail(where, err)
	}
	<-e.slots
}

// found reads the answer to a question for the last message of a subject.
func found(m *nats.Msg) (there bool, err error) {
	switch m.Header.Get("Status") {
	case "":
		return true, nil
	case "404":
		return false, nil
	}
	return false, nats.ErrNoResponders
}

// hasResult reports whether a subject of the results is taken.
func hasResult(ctx context.Context, conn *engine.Conn, results jetstream.Stream, subject string) (bool, error) {
	err := conn.Try(ctx, func(ctx context.Context) error {
		_, err := results.GetLastMsgForSubject(ctx, subject)
		return err
	})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	return err == nil, err
}
