package http1

import (
	"slices"
	"sync"
	"time"
)

// idle are connections that wait to be used again. The one that came last is
// taken first, so that those which are not needed grow old. No goroutine reads
// from one that waits: that its peer has closed it is seen when it is used (see
// swap), or when its time is over.
type idle struct {
	mu     sync.Mutex
	hosts  map[string][]*conn // in the order in which they came
	n      int
	ends   [2]*conn // of the list of all in that order: the oldest, the newest
	timer  *time.Timer
	ticked bool // the timer runs
}

// idling is what a connection has in the list.
type idling struct {
	since       time.Time
	older, next *conn
}

// take gives a connection to a host, or nil.
func (l *idle) take(t *Transport, host string) *conn {
	for {
		l.mu.Lock()
		at := len(l.hosts[host]) - 1
		if at < 0 {
			l.mu.Unlock()
			return nil
		}
		c := l.hosts[host][at]
		l.remove(c, at)
		l.mu.Unlock()
		if time.Since(c.since) < t.IdleTimeout {
			return c
		}
		c.net.Close()
	}
}

// put keeps a connection, or closes one.
func (l *idle) put(c *conn) {
	over := c
	c.since = time.Now()
	l.mu.Lock()
	if l.hosts == nil {
		l.hosts = map[string][]*conn{}
	}
	if have := l.hosts[c.host]; len(have) < c.t.PerHost {
		over = nil
		l.hosts[c.host] = append(have, c)
		l.link(c)
		if l.n > c.t.MaxIdle {
			over = l.ends[0]
			l.remove(over, 0)
		}
		if !l.ticked {
			l.tick(c.t)
		}
	}
	l.mu.Unlock()
	if over != nil {
		over.net.Close()
	}
}

func (l *idle) link(c *conn) {
	l.n++
	c.older, c.next = l.ends[1], nil
	if c.older != nil {
		c.older.next = c
	} else {
		l.ends[0] = c
	}
	l.ends[1] = c
}

// remove takes c out, which is at a place among those of its host.
func (l *idle) remove(c *conn, at int) {
	l.n--
	l.hosts[c.host] = slices.Delete(l.hosts[c.host], at, at+1)
	if c.older != nil {
		c.older.next = c.next
	} else {
		l.ends[0] = c.next
	}
	if c.next != nil {
		c.next.older = c.older
	} else {
		l.ends[1] = c.older
	}
	c.older, c.next = nil, nil
}

// tick sets the timer for the oldest. It is called with mu held.
func (l *idle) tick(t *Transport) {
	l.ticked = true
	after := t.IdleTimeout - time.Since(l.ends[0].since)
	if l.timer == nil {
		l.timer = time.AfterFunc(after, func() { l.sweep(t) })
	} else {
		l.timer.Reset(after)
	}
}

// sweep closes what has waited for too long, and forgets hosts that have none.
func (l *idle) sweep(t *Transport) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := l.ends[0]; c != nil && time.Since(c.since) >= t.IdleTimeout; c = l.ends[0] {
		l.remove(c, 0)
		c.net.Close()
	}
	for host, have := range l.hosts {
		if len(have) == 0 {
			delete(l.hosts, host)
		}
	}
	l.ticked = false
	if l.n > 0 {
		l.tick(t)
	}
}

// close closes all.
func (l *idle) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := l.ends[0]; c != nil; c = l.ends[0] {
		l.remove(c, 0)
		c.net.Close()
	}
	if l.timer != nil {
		l.timer.Stop()
		l.ticked = false
	}
}
