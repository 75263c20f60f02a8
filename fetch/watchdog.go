package fetch

import (
	"sync/atomic"
	"time"

	"holdfast/fetch/retry"
)

// speedWindow is the time over which --min-speed is measured.
const speedWindow = 10 * time.Second

// A watchdog ends an attempt when one of its limits passes. It is one timer for
// the limit of the whole attempt and for that of its phase. Its fields are
// guarded by the mu of its attempt, but for the last two.
type watchdog struct {
	timer   *time.Timer
	begun   time.Time
	limit   time.Duration // of the attempt, or 0
	kind    retry.Limit   // whether that is its own or the rest of the deadline
	until   time.Time     // end of limit; zero: none
	armed   time.Time     // when the timer fires
	phase   retry.Limit   // the limit of the phase; LimitNone: it has none
	phaseTo time.Time

	windowEnd   time.Time
	windowBytes int64

	received atomic.Int64 // body bytes so far
	last     atomic.Int64 // when the last of them came, in nanoseconds after begun
}

func (w *watchdog) start(r *running, limit time.Duration, kind retry.Limit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.begun, w.limit, w.kind, w.until = r.began, limit, kind, time.Time{}
	w.phase, w.phaseTo, w.windowEnd = retry.LimitNone, time.Time{}, time.Time{}
	if limit > 0 {
		w.until = r.began.Add(limit)
	}
	w.enter(r, retry.PhaseConnect, r.began)
}

// stop is the end of a hop.
func (w *watchdog) stop(r *running) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
		w.timer, w.armed = nil, time.Time{}
	}
}

// enter sets the limit of a phase. Name resolution and all addresses together
// are one connect.
func (w *watchdog) enter(r *running, phase retry.Phase, now time.Time) {
	p := r.job.policy
	limit, d := retry.LimitNone, time.Duration(0)
	switch phase {
	case retry.PhaseDNS, retry.PhaseConnect:
		limit, d, now = retry.LimitConnect, p.Connect, w.begun
	case retry.PhaseTLS:
		limit, d = retry.LimitTLS, p.TLS
	case retry.PhaseHeaders:
		limit, d = retry.LimitHeaders, p.Headers
	case retry.PhaseBody:
		w.last.Store(int64(now.Sub(w.begun)))
		if p.MinSpeed > 0 {
			w.windowEnd, w.windowBytes = now.Add(speedWindow), w.received.Load()
		}
		limit, d = retry.LimitIdle, p.Idle
	}
	w.phase, w.phaseTo = limit, time.Time{}
	if d > 0 {
		w.phaseTo = now.Add(d)
	}
	w.arm(r, now)
}

// arm sets the timer to the next limit, if there is any.
func (w *watchdog) arm(r *running, now time.Time) {
	next := w.until
	for _, t := range []time.Time{w.phaseTo, w.windowEnd} {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if next.IsZero() {
		return
	}
	switch {
	case w.timer == nil:
		w.timer = time.AfterFunc(next.Sub(now), func() { w.fire(r) })
	case w.armed.IsZero() || next.Before(w.armed):
		w.timer.Reset(next.Sub(now))
	default:
		return // it fires too early, finds nothing and is set again
	}
	w.armed = next
}

// fire looks which limit has passed. A timer that comes late, or for a phase
// that is over, finds none and goes on.
func (w *watchdog) fire(r *running) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || w.timer == nil {
		return
	}
	now := time.Now()
	w.armed = time.Time{}
	if w.phase == retry.LimitIdle && !w.phaseTo.IsZero() {
		w.phaseTo = w.begun.Add(time.Duration(w.last.Load())).Add(r.job.policy.Idle)
	}
	switch {
	case !w.until.IsZero() && !now.Before(w.until):
		r.limit(w.kind)
	case !w.phaseTo.IsZero() && !now.Before(w.phaseTo):
		r.limit(w.phase)
	case !w.windowEnd.IsZero() && !now.Before(w.windowEnd):
		got := w.received.Load()
		if got-w.windowBytes < r.job.policy.MinSpeed*int64(speedWindow/time.Second) {
			r.limit(retry.LimitSpeed)
			return
		}
		w.windowEnd, w.windowBytes = now.Add(speedWindow), got
		w.arm(r, now)
	default:
		w.arm(r, now)
	}
}

// limit ends the attempt in the phase that it is in. It is called with mu held.
func (r *running) limit(l retry.Limit) {
	r.fired = true
	r.cancel(&limitError{l})
}

// came is told of body bytes.
func (w *watchdog) came(n int) {
	w.received.Add(int64(n))
	w.last.Store(int64(time.Since(w.begun)))
}

// given is how long a limit was, for the record.
func (w *watchdog) given(l retry.Limit, r *running) time.Duration {
	p := r.job.policy
	switch l {
	case retry.LimitConnect:
		return p.Connect
	case retry.LimitTLS:
		return p.TLS
	case retry.LimitHeaders:
		return p.Headers
	case retry.LimitIdle:
		return p.Idle
	case retry.LimitSpeed:
		return speedWindow
	case retry.LimitAttempt:
		if p.Timeout > 0 {
			return p.Timeout
		}
	}
	return w.limit
}
