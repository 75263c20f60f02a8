package http1

import (
	"context"
	"net/http/httptrace"
)

// Hooks are told of an exchange what the hooks of httptrace of the same names
// are: the value of a request's context at HooksKey, if there is one. They cost
// no allocations.
type Hooks interface {
	GotConn(reused bool)
	WroteHeaders()
	GotFirstResponseByte()
}

// HooksKey is where a request's context has Hooks.
type HooksKey struct{}

// A told is who is told of an exchange: either may be nil.
type told struct {
	hooks Hooks
	trace *httptrace.ClientTrace
}

func toldOf(ctx context.Context) told {
	hooks, _ := ctx.Value(HooksKey{}).(Hooks)
	return told{hooks, httptrace.ContextClientTrace(ctx)}
}

func (t told) gotConn(c *conn) {
	if t.hooks != nil {
		t.hooks.GotConn(c.used)
	}
	if t.trace != nil && t.trace.GotConn != nil {
		t.trace.GotConn(httptrace.GotConnInfo{Conn: c.net, Reused: c.used, WasIdle: c.used})
	}
}

// wrote comes when a request has been written: it is a header and no more.
func (t told) wrote() {
	if t.hooks != nil {
		t.hooks.WroteHeaders()
	}
	if t.trace != nil && t.trace.WroteHeaders != nil {
		t.trace.WroteHeaders()
	}
	if t.trace != nil && t.trace.WroteRequest != nil {
		t.trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
}

func (t told) gotFirstResponseByte() {
	if t.hooks != nil {
		t.hooks.GotFirstResponseByte()
	}
	if t.trace != nil && t.trace.GotFirstResponseByte != nil {
		t.trace.GotFirstResponseByte()
	}
}
