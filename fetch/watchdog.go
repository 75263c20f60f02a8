package fetch

import (
	"sync/atomic"
	"time"

	"holdfast/fetch/retry"
)

// speedWindow is the time over which --min-speed is measured.
const speedWindow = 10 * time.Second

// A watchdog ends an attempt when one of its limits passes. It is one timer for
// the limit of the whole attempt and for that of its phase. It is not stopped
// at the end of an attempt, because the next one with the same memory mostly
// needs it sooner than it fires: a timer that comes too early finds nothing and
// is set again. Its fields are guarded by the mu of the hop, but for the last
// two; times are those of the client's clock, 0 is none.
type watchdog struct {
	timer   *time.Timer
	armed   time.Duration // when the timer fires
	limit   time.Duration // of the attempt, or 0
	kind    retry.Limit   // whether that is its own or the rest of the deadline
	phase   retry.Limit   // the limit of the phase; LimitNone: it has none
	until   time.Duration // end of limit
	phaseTo time.Duration

	windowEnd   time.Duration
	windowBytes int64

	received atomic.Int64 // body bytes so far
	last     atomic.Int64 // when the last of them came
}

func (w *watchdog) start(r *running, limit time.Duration, kind retry.Limit) {
	w.limit, w.kind, w.until, w.windowEnd = limit, kind, 0, 0
	if limit > 0 {
		w.until = r.began + limit
	}
	w.enter(r, retry.PhaseConnect, r.began)
}

// enter sets the limit of a phase. Name resolution and all addresses together
// are one connect.
func (w *watchdog) enter(r *running, phase retry.Phase, now time.Duration) {
	p := r.job.policy
	limit, d, from := retry.LimitNone, time.Duration(0), now
	switch phase {
	case retry.PhaseDNS, retry.PhaseConnect:
		limit, d, from = retry.LimitConnect, p.Connect, r.began
	case retry.PhaseTLS:
		limit, d = retry.LimitTLS, p.TLS
	case retry.PhaseHeaders:
		limit, d = retry.LimitHeaders, p.Headers
	case retry.PhaseBody:
		w.last.Store(int64(now))
		if p.MinSpeed > 0 {
			w.windowEnd, w.windowBytes = now+speedWindow, w.received.Load()
		}
		limit, d = retry.LimitIdle, p.Idle
	}
	w.phase, w.phaseTo = limit, 0
	if d > 0 {
		w.phaseTo = from + d
	}
	w.set(r, now)
}

// set has the timer fire at the next limit, if there is any. One that is to
// fire before that is left alone: it has not fired yet if its time is still to
// come, and when it does it looks at the hop that there is then.
func (w *watchdog) set(r *running, now time.Duration) {
	next := w.until
	for _, t := range [...]time.Duration{w.phaseTo, w.windowEnd} {
		if t > 0 && (next == 0 || t < next) {
			next = t
		}
	}
	switch {
	case next == 0:
		return
	case w.timer == nil:
		w.timer = time.AfterFunc(next-now, r.fire)
	case w.armed <= now || next < w.armed:
		w.timer.Reset(next - now)
	default:
		return
	}
	w.armed = next
}

// fire looks which limit has passed.
func (r *running) fire() {
	h := r.hop.Load()
	h.mu.Lock()
	limit := retry.LimitNone
	if h.r != nil {
		limit = r.watchdog.passed(r, r.c.clock())
		r.fired = r.fired || limit != retry.LimitNone
	}
	h.mu.Unlock()
	if limit != retry.LimitNone {
		h.cancel(&limitError{limit})
	}
}

// passed is the limit that has; if it is none the timer is set again.
func (w *watchdog) passed(r *running, now time.Duration) retry.Limit {
	p := r.job.policy
	if w.phase == retry.LimitIdle && w.phaseTo > 0 {
		w.phaseTo = time.Duration(w.last.Load()) + p.Idle
	}
	switch {
	case w.until > 0 && now >= w.until:
		return w.kind
	case w.phaseTo > 0 && now >= w.phaseTo:
		return w.phase
	case w.windowEnd > 0 && now >= w.windowEnd:
		got := w.received.Load()
		if got-w.windowBytes < p.MinSpeed*int64(speedWindow/time.Second) {
			return retry.LimitSpeed
		}
		w.windowEnd, w.windowBytes = now+speedWindow, got
	}
	w.armed = 0
	w.set(r, now)
	return retry.LimitNone
}

// came is told of body bytes.
func (w *watchdog) came(n int, now time.Duration) {
	w.received.Add(int64(n))
	w.last.Store(int64(now))
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
