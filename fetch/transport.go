package fetch

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
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
// may be an old one or must be fresh.
type transports struct {
	c     *Config
	dial  DialFunc
	outer http.RoundTripper // instead of ours
	mu    sync.Mutex        // guards what follows
	made  map[wayToSend]http.RoundTripper
	own   []*http.Transport
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
	return &transports{c: c, dial: dial, outer: outer, made: map[wayToSend]http.RoundTripper{}}
}

func (t *transports) get(way wayToSend) http.RoundTripper {
	if t.outer != nil {
		return t.outer
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	rt, ok := t.made[way]
	if !ok {
		own := t.make(way)
		t.own = append(t.own, own)
		t.made[way], rt = own, own
	}
	return rt
}

func (t *transports) make(way wayToSend) *http.Transport {
	perHost := t.c.PerHost
	if perHost <= 0 {
		perHost = max(t.c.Concurrency, 1)
	}
	tr := &http.Transport{
		DialContext:            t.dialWithin,
		TLSHandshakeTimeout:    afterUs(t.c.Policy.TLS, t.c.Timeout),
		Proxy:                  t.c.Proxy,
		TLSClientConfig:        t.c.TLSConfig.Clone(),
		DisableCompression:     true, // we ask for it and undo it, to know both sizes
		DisableKeepAlives:      way.fresh,
		MaxIdleConns:           max(2*t.c.Concurrency, 256),
		MaxIdleConnsPerHost:    perHost,
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
	for _, tr := range t.own {
		tr.CloseIdleConnections()
	}
}
