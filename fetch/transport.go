package fetch

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"holdfast/fetch/http1"
)

// How connections are kept (R1.6).
const (
	idleTimeout = 30 * time.Second
	pingAfter   = 15 * time.Second // of silence on an HTTP/2 connection
	pingPatient = 5 * time.Second
	keepAlive   = 15 * time.Second
)

// DialFunc opens a connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// transports are the ways to send: by the protocol, and over a connection that
// may be an old one or must be fresh. What most requests of a list are goes the
// short way of package http1.
type transports struct {
	c     *Config
	dial  DialFunc
	outer http.RoundTripper // instead of ours
	short *http1.Transport  // nil: the protocol forbids it
	mu    sync.Mutex        // guards what follows
	made  map[wayToSend]*http.Transport
}

type wayToSend struct{ fresh, http1 bool }

func newTransports(c *Config, dial DialFunc, resolver *net.Resolver, outer http.RoundTripper) *transports {
	if dial == nil {
		d := &net.Dialer{KeepAlive: keepAlive, Resolver: resolver}
		if c.DenyPrivate {
			d.Control = denyPrivate
		}
		dial = d.DialContext
	}
	t := &transports{c: c, dial: dial, outer: outer, made: map[wayToSend]*http.Transport{}}
	if c.HTTP != HTTP2 && c.HTTP != H2C {
		t.short = &http1.Transport{Dial: t.dialWithin, MaxHeader: c.MaxHeader, MaxIdle: t.mostIdle(), PerHost: t.perHost(), IdleTimeout: idleTimeout}
	}
	return t
}

func (t *transports) get(way wayToSend, req *http.Request) http.RoundTripper {
	switch {
	case t.outer != nil:
		return t.outer
	case t.short != nil && !way.fresh && http1.Takes(req) && t.direct(req):
		return t.short
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.made[way]
	if own == nil {
		own = t.make(way)
		t.made[way] = own
	}
	return own
}

// direct reports whether a request goes to its host, not to a proxy.
func (t *transports) direct(req *http.Request) bool {
	if t.c.Proxy == nil {
		return true
	}
	proxy, err := t.c.Proxy(req)
	return proxy == nil && err == nil
}

func (t *transports) mostIdle() int { return max(2*t.c.Concurrency, 256) }

func (t *transports) perHost() int {
	if t.c.PerHost <= 0 {
		return max(t.c.Concurrency, 1)
	}
	return t.c.PerHost
}

func (t *transports) make(way wayToSend) *http.Transport {
	tr := &http.Transport{
		DialContext:            t.dialWithin,
		TLSHandshakeTimeout:    afterUs(t.c.Policy.TLS, t.c.Timeout),
		Proxy:                  t.c.Proxy,
		TLSClientConfig:        t.c.TLSConfig.Clone(),
		DisableCompression:     true, // we ask for it and undo it, to know both sizes
		DisableKeepAlives:      way.fresh,
		MaxIdleConns:           t.mostIdle(),
		MaxIdleConnsPerHost:    t.perHost(),
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: t.c.MaxHeader,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingPatient},
		Protocols:              new(http.Protocols),
	}
	switch {
	case way.http1 || t.c.HTTP == HTTP1:
		tr.Protocols.SetHTTP1(true)
	case t.c.HTTP == HTTP2:
		tr.Protocols.SetHTTP2(true)
	case t.c.HTTP == H2C:
		tr.Protocols.SetUnencryptedHTTP2(true)
	default:
		tr.Protocols.SetHTTP1(true)
		tr.Protocols.SetHTTP2(true)
	}
	return tr
}

// net/http lets a dial go on when the attempt that began it has ended, since
// another may use the connection. These limits end one that leads nowhere, a
// little later than ours end the attempt, so that ours are the ones to tell.
const slack = 250 * time.Millisecond

func afterUs(limits ...time.Duration) time.Duration {
	for _, d := range limits {
		if d > 0 {
			return d + slack
		}
	}
	return time.Minute
}

func (t *transports) dialWithin(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, afterUs(t.c.Connect, t.c.Timeout))
	defer cancel()
	return t.dial(traceDial(ctx), network, address)
}

// close gives idle connections up, at the end of a client.
func (t *transports) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, tr := range t.made {
		tr.CloseIdleConnections()
	}
	if t.short != nil {
		t.short.CloseIdleConnections()
	}
}
