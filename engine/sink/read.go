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
	chunk := make([]publish.Input, 0, readChunk)
	if last > 0 && r.After <= last {
		err = p.conn.Scan(asking, p.stream, max(r.After, 1), last, func(m engine.StoredMessage) error {
			seq, epoch, err := origin(p.c.Session, m)
			if err != nil {
				return err
			}
			if chunk = append(chunk, publish.Input{Kind: publish.Stored, ID: r.ID, At: m.Sequence, Seq: seq, Epoch: epoch}); len(chunk) == readChunk {
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
