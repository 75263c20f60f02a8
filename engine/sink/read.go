package sink

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/record/publish"
)

// readChunk is how many messages are told at once.
const readChunk = 256

// read does what a Read asks for, and tells it until ctx ends. When asking ends
// the connection broke.
func (p *Publisher) read(ctx, asking context.Context, r publish.Read) {
	unread := func(err error) {
		p.trouble(err)
		p.tell(ctx, publish.Input{Kind: publish.Unread, ID: r.ID})
	}
	if r.Snapshot {
		e, err := p.snapshots.Get(asking, p.c.Session)
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
			p.tell(ctx, publish.Input{Kind: publish.Loaded, ID: r.ID})
		case err != nil:
			unread(engine.Explain("bucket "+bucketSnapshot, err))
		default:
			p.tell(ctx, publish.Input{Kind: publish.Loaded, ID: r.ID, Data: e.Value()})
		}
		return
	}
	last, err := p.last(asking)
	if err != nil {
		unread(err)
		return
	}
	if p.sampled.CompareAndSwap(false, true) {
		if err := p.sample(ctx, asking, r, last); err != nil {
			p.sampled.Store(false)
			unread(err)
			return
		}
	}
	chunk := make([]publish.Input, 0, readChunk)
	if last > 0 && r.After <= last {
		err = p.conn.Scan(asking, p.stream, max(r.After, 1), last, func(m engine.StoredMessage) error {
			in, err := storedMessage(p.c.Session, r.ID, m)
			if err != nil {
				return err
			}
			if chunk = append(chunk, in); len(chunk) == readChunk {
				p.tell(ctx, chunk...)
				chunk = make([]publish.Input, 0, readChunk)
			}
			return nil
		})
	}
	if err != nil {
		unread(err)
		return
	}
	p.tell(ctx, append(chunk, publish.Input{Kind: publish.ReadEnd, ID: r.ID, At: last})...)
}

// samples is how many messages are looked at of those that a snapshot spares
// the reading of.
const samples = 16

// sample tells some messages before those that are read anyway, the first among
// them: whether the log is of the same recording is not taken on trust.
func (p *Publisher) sample(ctx, asking context.Context, r publish.Read, last uint64) error {
	end := min(r.After, last+1)
	for i := range uint64(samples) {
		at := 1 + i*end/samples
		if at >= end || i > 0 && at == 1+(i-1)*end/samples {
			continue
		}
		err := p.conn.Scan(asking, p.stream, at, at, func(m engine.StoredMessage) error {
			in, err := storedMessage(p.c.Session, r.ID, m)
			if err == nil {
				p.tell(ctx, in)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// last is where the stream ends, by its leader. A stream that is gone is made
// again, and filled from the log.
func (p *Publisher) last(ctx context.Context) (uint64, error) {
	s, err := p.conn.Stream(ctx, p.c.stream(), p.c.wrong)
	if err != nil {
		return 0, err
	}
	return s.CachedInfo().State.LastSeq, nil
}

// save keeps a snapshot. If it cannot be kept, an older one is there, or none.
func (p *Publisher) save(ctx context.Context, data []byte) {
	if _, err := p.snapshots.Put(ctx, p.c.Session, data); err != nil {
		p.trouble(engine.Explain("bucket "+bucketSnapshot, err))
	}
}
