package audit

import (
	"errors"
	"io"

	"holdfast/replay"
	"holdfast/replay/ingest"
)

// inputs are the three files, sorted for the joins.
type inputs struct {
	events   *table[replay.Event]   // by id
	attempts *table[replay.Attempt] // by event id, in the order of R20
	rows     *table[replay.Row]     // by symbol, time, price, N

	eventStats, workerStats, outputStats ingest.Stats
	prints                               struct{ events, workers, output fingerprint }
	header                               ingest.Header
}

// reader is what the three readers of package ingest share.
type reader[T any] interface {
	Next() (T, error)
	Stats() ingest.Stats
	Changed() error
	Close() error
}

// readAll passes every record of r to each, tells the progress, and makes sure
// that the file did not change underneath.
func readAll[T any](a *audit, name string, r reader[T], each func(T)) (ingest.Stats, error) {
	defer r.Close()
	for n := int64(0); ; n++ {
		x, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return r.Stats(), err
		}
		each(x)
		if n%checkEvery == 0 {
			a.step("read "+name, n, 0)
			a.w.fail(a.w.ctx.Err())
		}
		if a.w.err != nil {
			return r.Stats(), a.w.err
		}
	}
	if err := r.Changed(); err != nil {
		return r.Stats(), err
	}
	return r.Stats(), a.w.err
}

func (a *audit) read() error {
	if err := a.readEvents(); err != nil {
		return err
	}
	if err := a.readAttempts(); err != nil {
		return err
	}
	return a.readRows()
}

func (a *audit) readEvents() error {
	b := newTable(a.w, keyEventID, encodeEvent, decodeEvent)
	defer func() { a.in.events = b.done() }()
	if a.cfg.Events == "" {
		return nil
	}
	r, err := ingest.OpenEvents(a.w.ctx, a.cfg.Events, a.readOptions(roleEvents))
	if err != nil {
		return err
	}
	a.in.eventStats, err = readAll(a, "events", r, func(v replay.Event) {
		a.in.prints.events.event(v)
		b.add(v)
	})
	return err
}

func (a *audit) readAttempts() error {
	b := newTable(a.w, keyAttemptOfEvent, encodeAttemptOfEvent, decodeAttemptOfEvent)
	defer func() { a.in.attempts = b.done() }()
	if a.cfg.Workers == "" {
		return nil
	}
	r, err := ingest.OpenAttempts(a.w.ctx, a.cfg.Workers, a.readOptions(roleWorkers))
	if err != nil {
		return err
	}
	a.in.workerStats, err = readAll(a, "worker log", r, func(v replay.Attempt) {
		a.in.prints.workers.attempt(v)
		b.add(v)
	})
	return err
}

func (a *audit) readRows() error {
	b := newTable(a.w, keyRow, encodeRow, decodeRow)
	defer func() { a.in.rows = b.done() }()
	r, err := ingest.OpenRows(a.w.ctx, a.cfg.Output, a.readOptions(roleOutput))
	if err != nil {
		return err
	}
	a.in.header = r.Header()
	a.in.outputStats, err = readAll(a, "output", r, func(v ingest.Record) {
		a.in.prints.output.row(v.Row)
		b.add(v.Row)
	})
	return err
}

func (a *audit) readOptions(r role) ingest.Options {
	o := a.cfg.Read
	o.OnReject, o.Stdin = a.rejecter(r), a.cfg.Stdin
	return o
}
