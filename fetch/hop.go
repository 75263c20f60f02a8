package fetch

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"time"

	"holdfast/fetch/http1"
	"holdfast/fetch/retry"
)

// A hop is one request of an attempt as net/http sees it: the context of the
// request, and the hooks that tell what goes on below us and how often a
// request is really written (R1.8). net/http may use both on goroutines of its
// own after the hop is over; then r is nil and nothing happens any more.
//
// It is a context of its own because the general ones cost three times as much:
// each keeps a map of those that are derived from it, and the context of a run
// would have all attempts in one, under one lock. The engine cancels instead.
type hop struct {
	context.Context // for its values: those of the caller, and a trace

	mu    sync.Mutex    // guards what follows, and in r what hooks touch
	r     *running      // nil: the hop is over
	done  chan struct{} // nil: nobody has asked for it
	cause error         // why it is cancelled; nil: it is not
	after []func()      // to be called when it is
	room  [1]func()
}

func newHop(r *running, values context.Context) *hop { return &hop{Context: values, r: r} }

// traced makes a transport that has only httptrace for it tell h what package
// http1 tells it anyway.
func (h *hop) traced(r *running) {
	t := &httptrace.ClientTrace{
		GotConn:              func(i httptrace.GotConnInfo) { h.GotConn(i.Reused) },
		WroteHeaders:         h.WroteHeaders,
		GotFirstResponseByte: h.GotFirstResponseByte,
	}
	if r.sendsBody() {
		t.WroteRequest = func(httptrace.WroteRequestInfo) { h.enterFrom(retry.PhaseSend, retry.PhaseHeaders) }
	}
	if r.url.Scheme != "http" {
		t.TLSHandshakeStart = func() { h.mark(markTLS, retry.PhaseTLS, false) }
		t.TLSHandshakeDone = func(tls.ConnectionState, error) { h.mark(markTLS, retry.PhaseTLS, true) }
	}
	h.Context = httptrace.WithClientTrace(h.Context, t)
}

// Value implements context.Context. A dial finds the hop that it is for where
// package http1 does.
func (h *hop) Value(key any) any {
	if key == (http1.HooksKey{}) {
		return h
	}
	return h.Context.Value(key)
}

// Done implements context.Context.
func (h *hop) Done() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.done == nil {
		h.done = make(chan struct{})
		if h.cause != nil {
			close(h.done)
		}
	}
	return h.done
}

// Err implements context.Context.
func (h *hop) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cause == nil {
		return nil
	}
	return context.Canceled
}

// AfterFunc is how package context is told of the end without a goroutine that
// waits for it.
func (h *hop) AfterFunc(f func()) (stop func() bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cause != nil {
		go f()
		return func() bool { return false }
	}
	if h.after == nil {
		h.after = h.room[:0]
	}
	n := len(h.after)
	h.after = append(h.after, f)
	return func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		if n >= len(h.after) || h.after[n] == nil {
			return false
		}
		h.after[n] = nil
		return true
	}
}

// cancel ends what is under way. The first cause counts.
func (h *hop) cancel(cause error) {
	if cause == nil {
		cause = context.Canceled
	}
	h.mu.Lock()
	if h.cause != nil {
		h.mu.Unlock()
		return
	}
	h.cause = cause
	if h.done != nil {
		close(h.done)
	}
	after := h.after
	h.after = nil
	h.mu.Unlock()
	for _, f := range after {
		if f != nil {
			f()
		}
	}
}

// traceDial adds the hooks that only a dial needs: most requests go over a
// connection that is there, and each hook costs an allocation.
func traceDial(ctx context.Context) context.Context {
	h, _ := ctx.Value(http1.HooksKey{}).(*hop)
	if h == nil {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:     func(httptrace.DNSStartInfo) { h.mark(markDNS, retry.PhaseDNS, false) },
		DNSDone:      func(httptrace.DNSDoneInfo) { h.mark(markDNS, retry.PhaseConnect, true) },
		ConnectStart: func(_, _ string) { h.mark(markConnect, retry.PhaseConnect, false) },
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				h.mark(markConnect, retry.PhaseConnect, true)
			}
		},
	})
}

// mark is the start of a step or its end.
func (h *hop) mark(n int, phase retry.Phase, end bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.r
	if r == nil || r.marks[markGot] > 0 {
		return // a dial that goes on although an older connection came free
	}
	now := r.c.clock()
	switch {
	case !end && (n != markConnect || r.marks[n] == 0): // addresses are tried side by side
		r.marks[n] = now
	case !end:
	case n == markDNS:
		r.DNS += now - r.marks[n]
	case n == markConnect:
		r.Connect += now - r.marks[n]
	case n == markTLS:
		r.TLS += now - r.marks[n]
	}
	r.setPhase(phase, now)
}

// GotConn implements http1.Hooks. It comes before each write of the request. Of
// the write that would be one too many nothing is to be seen by the server, or
// at worst it is the last.
func (h *hop) GotConn(reused bool) {
	if h.connected(reused) {
		h.cancel(errResendLimit)
	}
}

func (h *hop) connected(reused bool) (tooOften bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.r
	if r == nil {
		return false
	}
	now := r.c.clock()
	r.marks[markGot] = now
	r.Reused = reused
	if r.sends >= r.c.config.MaxWireSends {
		return true
	}
	r.setPhase(retry.PhaseSend, now)
	return false
}

// WroteHeaders implements http1.Hooks. It comes when a header is written. A
// request without a body is then on its way.
func (h *hop) WroteHeaders() {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.r
	if r == nil {
		return
	}
	r.sends++
	r.WireSends++
	switch {
	case r.sendsBody():
		r.setPhase(retry.PhaseSend, r.c.clock())
	case r.phase != retry.PhaseBody: // the answer may be faster
		r.setPhase(retry.PhaseHeaders, r.c.clock())
	}
}

// GotFirstResponseByte implements http1.Hooks.
func (h *hop) GotFirstResponseByte() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.r; r != nil {
		r.TTFB = r.Latency + r.c.clock() - r.began
	}
}

func (h *hop) enter(phase retry.Phase) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.r; r != nil {
		r.setPhase(phase, r.c.clock())
	}
}

// enterFrom goes on only from one phase: an answer may come before the request
// is written.
func (h *hop) enterFrom(from, to retry.Phase) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.r; r != nil && r.phase == from {
		r.setPhase(to, r.c.clock())
	}
}

// setPhase is called with the hop's mu held.
func (r *running) setPhase(phase retry.Phase, now time.Duration) {
	if r.fired {
		return // the phase in which the limit passed is the one to tell
	}
	if phase != r.phase || phase == retry.PhaseConnect {
		r.phase = phase
		r.watchdog.enter(r, phase, now)
	}
}
