package fetch

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"time"

	"holdfast/fetch/retry"
)

// trace adds the hooks that tell what net/http does below us: how far it is,
// and how often it really writes a request (R1.8).
func (r *running) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(context.WithValue(ctx, attemptKey{}, r), &httptrace.ClientTrace{
		TLSHandshakeStart: func() { r.mark(markTLS, retry.PhaseTLS, nil) },
		TLSHandshakeDone:  func(tls.ConnectionState, error) { r.mark(markTLS, retry.PhaseTLS, &r.TLS) },
		GotConn:           r.gotConn,
		WroteHeaders:      r.wroteHeaders,
		WroteRequest:      func(httptrace.WroteRequestInfo) { r.enterFrom(retry.PhaseSend, retry.PhaseHeaders) },
		GotFirstResponseByte: func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			if !r.over {
				r.TTFB = r.Latency + time.Since(r.began)
			}
		},
	})
}

// attemptKey is where a dial finds the attempt that it is for.
type attemptKey struct{}

// traceDial adds the hooks that only a dial needs: most requests go over a
// connection that is there, and each hook costs an allocation.
func traceDial(ctx context.Context) context.Context {
	r, _ := ctx.Value(attemptKey{}).(*running)
	if r == nil {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:     func(httptrace.DNSStartInfo) { r.mark(markDNS, retry.PhaseDNS, nil) },
		DNSDone:      func(httptrace.DNSDoneInfo) { r.mark(markDNS, retry.PhaseConnect, &r.DNS) },
		ConnectStart: func(_, _ string) { r.mark(markConnect, retry.PhaseConnect, nil) },
		ConnectDone:  func(_, _ string, err error) { r.connected(err) },
	})
}

// mark is the start of a step (took is nil) or its end.
func (r *running) mark(n int, phase retry.Phase, took *time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || !r.marks[markGot].IsZero() {
		return // a dial that goes on although an older connection came free
	}
	now := time.Now()
	if took != nil {
		*took += now.Sub(r.marks[n])
	} else if n != markConnect || r.marks[n].IsZero() { // addresses are tried side by side
		r.marks[n] = now
	}
	r.setPhase(phase, now)
}

func (r *running) connected(err error) {
	if err == nil {
		r.mark(markConnect, retry.PhaseConnect, &r.Connect)
	}
}

// gotConn comes before each write of the request. Of the write that would be
// one too many nothing is to be seen by the server, or at worst it is the last.
func (r *running) gotConn(info httptrace.GotConnInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	now := time.Now()
	r.marks[markGot] = now
	r.Reused = info.Reused
	if r.sends >= r.c.config.MaxWireSends {
		r.cancel(errResendLimit)
		return
	}
	r.setPhase(retry.PhaseSend, now)
}

func (r *running) wroteHeaders() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	r.sends++
	r.WireSends++
	r.setPhase(retry.PhaseSend, time.Now())
}

func (r *running) enter(phase retry.Phase) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		r.setPhase(phase, time.Now())
	}
}

// enterFrom goes on only from one phase: an answer may come before the request
// is written.
func (r *running) enterFrom(from, to retry.Phase) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over && r.phase == from {
		r.setPhase(to, time.Now())
	}
}

// setPhase is called with mu held.
func (r *running) setPhase(phase retry.Phase, now time.Time) {
	if r.fired {
		return // the phase in which the limit passed is the one to tell
	}
	if phase != r.phase || phase == retry.PhaseConnect {
		r.phase = phase
		r.watchdog.enter(r, phase, now)
	}
}
