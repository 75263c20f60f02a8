package sink

import (
	"context"
	"sync"
	"time"
)

const forEver = 1000 * time.Hour

// A link ends what asks the engine when the connection breaks: an answer that
// was under way then never comes, and would be waited for. The zero value works.
type link struct {
	mu    sync.Mutex    // guards whole
	whole chan struct{} // closed when it breaks; nil before anybody asked
}

func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.whole != nil {
		close(l.whole)
		l.whole = nil
	}
}

// context is ctx until the connection breaks, or for most at the longest if that
// is not 0.
func (l *link) context(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	l.mu.Lock()
	if l.whole == nil {
		l.whole = make(chan struct{})
	}
	whole := l.whole
	l.mu.Unlock()
	if most == 0 {
		most = forEver
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	go func() {
		select {
		case <-whole:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
