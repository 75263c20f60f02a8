package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"holdfast/engine"
	"holdfast/record/publish"
)

const (
	bucketLease    = "HF_LEASE"
	bucketSnapshot = "HF_SNAPSHOT"
	defaultLease   = 10 * time.Second
)

// A holder is who has the lease, as its key says.
type holder struct {
	Node    string `json:"node"`
	Log     string `json:"log"`     // host and path: it is locked, so who has it next knows that the last one is dead
	Process string `json:"process"` // chance
}

// bucket gives a key-value bucket, and makes it if need be.
func (p *Publisher) bucket(ctx context.Context, want jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	kv, err := p.conn.JS.KeyValue(ctx, want.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = p.conn.JS.CreateKeyValue(ctx, want)
	}
	if errors.Is(err, jetstream.ErrBucketExists) || errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // made meanwhile
		kv, err = p.conn.JS.KeyValue(ctx, want.Bucket)
	}
	return kv, engine.Explain("bucket "+want.Bucket, err)
}

// openLease opens the buckets, and gives the time of a lease.
func (p *Publisher) openLease(ctx context.Context) (time.Duration, error) {
	ttl := p.c.Options.Lease
	if ttl == 0 {
		ttl = defaultLease
	}
	var err error
	if p.leases, err = p.bucket(ctx, jetstream.KeyValueConfig{
		Bucket: bucketLease, Description: "who publishes a recording", TTL: ttl, Replicas: p.c.Options.Replicas,
	}); err != nil {
		return 0, err
	}
	if p.snapshots, err = p.bucket(ctx, jetstream.KeyValueConfig{
		Bucket: bucketSnapshot, Description: "what the streams of recordings hold", Replicas: p.c.Options.Replicas,
	}); err != nil {
		return 0, err
	}
	status, err := p.leases.Status(ctx)
	if err != nil {
		return 0, engine.Explain("bucket "+bucketLease, err)
	}
	if status.TTL() < minLease {
		return 0, &engine.Error{Kind: engine.ErrShape, Where: "bucket " + bucketLease, What: fmt.Sprintf("its keys end after %v, if ever", status.TTL()),
			Do: "remove it, or give it a TTL such as 10s"}
	}
	return status.TTL(), nil
}

// ask does what is to be done about the lease. Nothing that is not known for
// sure is told.
func (p *Publisher) ask(ctx context.Context, l publish.Lease) publish.Input {
	rev, err := p.askFor(ctx, l)
	var lost *jetstream.APIError
	switch {
	case err == nil:
		return publish.Input{Kind: publish.Granted, Rev: rev}
	case errors.Is(err, errHeld),
		l.Op != publish.Acquire && errors.As(err, &lost) && lost.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence:
		return publish.Input{Kind: publish.Denied}
	}
	p.trouble(engine.Explain("bucket "+bucketLease, err))
	return publish.Input{Kind: publish.Unsure}
}

var errHeld = errors.New("another recorder holds the lease")

func (p *Publisher) askFor(ctx context.Context, l publish.Lease) (uint64, error) {
	switch l.Op {
	case publish.Renew:
		return p.leases.Update(ctx, p.c.Session, p.me, l.Rev)
	case publish.Release:
		return 0, p.leases.Delete(ctx, p.c.Session, jetstream.LastRevision(l.Rev))
	}
	e, err := p.leases.Get(ctx, p.c.Session)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return p.leases.Create(ctx, p.c.Session, p.me)
	}
	if err != nil {
		return 0, err
	}
	var h holder
	if err := json.Unmarshal(e.Value(), &h); err != nil {
		return 0, fmt.Errorf("the lease of %s is not a recorder's: %w", p.c.Session, err)
	}
	if h.Process == p.self.Process || l.Steal && h.Log == p.self.Log {
		return p.leases.Update(ctx, p.c.Session, p.me, e.Revision())
	}
	p.holder.Store(&h.Node)
	return 0, errHeld
}

// self says who this process is.
func self(c Config) holder {
	return holder{Node: c.Node, Log: Node(c.Log), Process: nats.NewInbox()}
}
