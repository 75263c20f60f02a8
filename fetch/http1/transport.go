// Package http1 sends requests that have no body over connections without TLS,
// by HTTP/1.1 (RFC 9112). It is an http.RoundTripper for bulk work: begin with
// [Transport].
//
// Whoever asks does all the work: one goroutine writes the request, waits for
// the answer and reads its body. net/http's Transport hands each request to one
// goroutine of its connection and the answer to another; waking them costs as
// much again as all else in a small exchange. Requests, answers and bodies are
// written and read by net/http's own code here too, so both understand the same.
//
// It promises what net/http's Transport does for such requests: hooks of
// httptrace (GotConn, WroteHeaders, WroteRequest, GotFirstResponseByte) in the
// same order, to which [Hooks] are a cheaper way; the end of a request's context ends the exchange; an answer's body must be closed;
// and a request is written again if a connection that was used before ends
// before the first byte of an answer, which GotConn may forbid by ending the
// context. It does not do TLS, proxies, HTTP/2, bodies of requests, or
// 101 Switching Protocols.
package http1

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/idna"
)

// A Transport keeps connections and sends over them. It is safe for concurrent
// use and must not be copied or changed after the first request.
type Transport struct {
	Dial        func(ctx context.Context, network, address string) (net.Conn, error)
	MaxHeader   int64 // bytes of an answer's header, those of interim answers included
	MaxIdle     int   // connections in all that wait to be used again
	PerHost     int   // the same for one host
	IdleTimeout time.Duration

	idle idle
}

// Takes reports whether t sends such requests.
func Takes(req *http.Request) bool {
	return req.URL.Scheme == "http" && (req.Body == nil || req.Body == http.NoBody) && (req.Method == http.MethodGet || req.Method == http.MethodHead)
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := check(req); err != nil {
		return nil, err
	}
	ctx := req.Context()
	told := toldOf(ctx)
	for {
		c, err := t.connection(ctx, req.URL)
		if err != nil {
			return nil, err
		}
		told.gotConn(c)
		resp, err := c.exchange(req, told)
		if err == nil || ctx.Err() != nil || !c.used || c.answered {
			return resp, err
		}
	}
}

func check(req *http.Request) error {
	if !Takes(req) {
		return fmt.Errorf("http1: a %s to %s, or a body: not sent here", req.Method, req.URL.Scheme)
	}
	if req.URL.Host == "" {
		return errors.New("http1: no host in the URL")
	}
	for name, values := range req.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("http1: invalid header field name %q", name)
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return fmt.Errorf("http1: invalid header field value for %q", name) // not shown: it may be a secret
			}
		}
	}
	return nil
}

// connection gives one that waits, or a new one.
func (t *Transport) connection(ctx context.Context, u *url.URL) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c := t.idle.take(t, u.Host); c != nil {
		return c, nil
	}
	nc, err := t.Dial(ctx, "tcp", address(u))
	if err != nil {
		return nil, err
	}
	return newConn(t, u.Host, nc), nil
}

// address is what to dial for a URL.
func address(u *url.URL) string {
	host, port := u.Hostname(), u.Port()
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(host, port)
}

// CloseIdleConnections closes those that wait to be used again.
func (t *Transport) CloseIdleConnections() { t.idle.close() }
