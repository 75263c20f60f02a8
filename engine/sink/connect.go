package sink

import (
	"context"
	"time"

	"holdfast/engine"
)

// connect finds the engine and makes what is needed, again and again. Once the
// log has ended there is one last try.
func (p *Publisher) connect(ctx context.Context) (time.Duration, error) {
	for tries := 0; ; tries++ {
		ended := p.isOver()
		ttl, err := p.open(ctx)
		if err == nil || ctx.Err() != nil || ended || hopeless(err) {
			return ttl, err
		}
		if tries > 0 { // a short recording tells it at its end only
			p.problems.add(err)
		}
		select {
		case <-ctx.Done():
		case <-p.ended:
		case <-time.After(time.Second):
		}
	}
}

func (p *Publisher) open(ctx context.Context) (time.Duration, error) {
	if p.conn == nil {
		access := p.c.Access
		access.Warn = p.c.Warn
		conn, err := engine.Connect(ctx, access)
		if err != nil {
			return 0, err
		}
		p.conn = conn
	}
	if err := p.conn.CanScan(); err != nil {
		return 0, err
	}
	if _, err := p.last(ctx); err != nil {
		return 0, err
	}
	return p.openLease(ctx)
}

func (p *Publisher) isOver() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}
