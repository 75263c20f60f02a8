package fetch

import (
	"context"
	"net/http"
)

// An Observer watches every request that is sent: one a hop. It is called on
// the goroutine of the attempt.
type Observer interface {
	// Begin is called before a request is sent. It may add headers to the
	// request. The function that it returns is called when the answer, its body
	// included, has come or failed; it may be nil.
	Begin(ctx context.Context, req *http.Request, s Send) func(Sent)
}

// A Send says which request of a URL this is.
type Send struct {
	URL     string // without secrets
	Line    int64
	Attempt int
	Hop     int
}

// A Sent is how it ended.
type Sent struct {
	Status    int
	Proto     string
	WireSends int // header blocks that net/http wrote for it; more than 1: it repeated it below us
	Class     string
	Kind      string
	Error     string
	Bytes     int64
}

type observers []Observer

// begin tells all observers; the result tells them of the end.
func (o observers) begin(r *running, req *http.Request) func(*running, int) {
	if len(o) == 0 {
		return func(*running, int) {}
	}
	before := r.WireSends
	s := Send{URL: r.c.redact(r.url.String()), Line: r.job.line, Attempt: r.Number, Hop: r.Hops}
	ends := make([]func(Sent), 0, len(o))
	for _, x := range o {
		if end := x.Begin(req.Context(), req, s); end != nil {
			ends = append(ends, end)
		}
	}
	return func(r *running, status int) {
		h := r.hop.Load()
		h.mu.Lock()
		sent := Sent{Status: status, Proto: r.Proto, WireSends: r.WireSends - before, Class: r.Class.String(), Kind: r.Kind.String(),
			Error: r.Error, Bytes: r.Bytes}
		h.mu.Unlock()
		for _, end := range ends {
			end(sent)
		}
	}
}
