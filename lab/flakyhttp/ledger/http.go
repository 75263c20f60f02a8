package ledger

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Install makes srv keep the ledger: it wraps the handler and the hooks that
// are set by now. The server must serve on a listener of [Ledger.Listener].
func (l *Ledger) Install(srv *http.Server) {
	srv.Handler = l.Middleware(srv.Handler)
	outer, state := srv.ConnContext, srv.ConnState
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if outer != nil {
			ctx = outer(ctx, c)
		}
		if own := connOf(c); own != nil {
			ctx = withConn(ctx, own)
		}
		return ctx
	}
	srv.ConnState = func(c net.Conn, s http.ConnState) {
		if own := connOf(c); own != nil && (s == http.StateIdle || s == http.StateClosed) {
			own.settle()
		}
		if state != nil {
			state(c, s)
		}
	}
}

type connKey struct{}

func withConn(ctx context.Context, c *conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// Of is the request that w answers, nil outside of [Ledger.Middleware]. A handler
// that takes the connection over must End it.
func Of(w http.ResponseWriter) *Request {
	for {
		if own, ok := w.(*writer); ok {
			return &own.req
		}
		inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = inner.Unwrap()
	}
}

// Describe is the part of an entry that a request header gives. Scheme is http
// or https.
func Describe(r *http.Request, scheme string) Entry {
	e := Entry{Proto: r.Proto, Method: r.Method, URL: r.RequestURI, Attempt: r.Header.Get(AttemptHeader)}
	if strings.HasPrefix(r.RequestURI, "/") { // otherwise it is absolute already, or *
		e.URL = scheme + "://" + r.Host + r.RequestURI
	}
	return e
}

// Middleware notes every request that next serves. Without [Ledger.Install] it
// knows neither connections nor answers that broke after the handler returned.
func (l *Ledger) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		e := Describe(r, scheme)
		c, _ := r.Context().Value(connKey{}).(*conn)
		if c != nil {
			e.Conn = c.number
		}
		ww := &writer{ResponseWriter: w, head: r.Method == http.MethodHead}
		l.begin(&ww.req, e)
		panicked := true
		defer func() { ww.finish(r, c, panicked) }()
		next.ServeHTTP(ww, r)
		panicked = false
	})
}

// writer counts what the handler answers. It is all that the ledger allocates
// for a request, besides its URL.
type writer struct {
	http.ResponseWriter
	req      Request
	status   int
	bytes    int64
	head     bool // the request is HEAD: what is written is thrown away
	failed   bool
	hijacked bool
	end      End // what the handler came to, when the last bytes are still to be sent
}

func (w *writer) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	if !w.head {
		w.bytes += int64(n)
	}
	// HEAD and 304 have no body: net/http says so, and nothing is wrong.
	w.failed = w.failed || err != nil && !errors.Is(err, http.ErrBodyNotAllowed)
	return n, err
}

// Unwrap serves http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush implements http.Flusher.
func (w *writer) Flush() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.failed = http.NewResponseController(w.ResponseWriter).Flush() != nil || w.failed
}

// Hijack implements http.Hijacker.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.hijacked = w.hijacked || err == nil
	return c, rw, err
}

// finish says how the request ended, as far as it is known when its handler
// returns or panics; the rest is left to the connection.
func (w *writer) finish(r *http.Request, c *conn, panicked bool) {
	end := w.outcome(r, c, panicked)
	if w.status == 0 && end == Complete {
		w.status = http.StatusOK // net/http sends it
		if w.hijacked {
			w.status = http.StatusSwitchingProtocols
		}
	}
	if c == nil || w.hijacked || panicked || r.ProtoMajor >= 2 || end == ClientClosed || r.Context().Err() != nil {
		w.req.End(w.status, w.bytes, end) // does nothing if the handler did it
		return
	}
	w.end = end
	c.leave(w) // its last bytes may still be in net/http's buffer
}

func (w *writer) outcome(r *http.Request, c *conn, panicked bool) End {
	switch {
	case panicked && r.ProtoMajor >= 2:
		return Reset // of the stream
	case panicked:
		return Truncated
	case w.hijacked:
		return Complete
	case r.Context().Err() != nil && !w.whole():
		if context.Cause(r.Context()) != context.Canceled {
			return Truncated // the server itself stops
		}
		return ClientClosed
	case w.failed && c != nil && c.broken.Load() != nil:
		return *c.broken.Load()
	case w.failed:
		return ClientClosed
	}
	if n, known := w.length(); known && n > w.bytes && !w.head && w.status != http.StatusNotModified {
		return Truncated // net/http closes the connection
	}
	return Complete
}

func (w *writer) length() (int64, bool) {
	n, err := strconv.ParseInt(w.Header().Get("Content-Length"), 10, 64)
	return n, err == nil
}

// whole tells that all of an answer of known length was taken by net/http.
func (w *writer) whole() bool {
	n, known := w.length()
	return known && (n == w.bytes || w.head) && !w.failed
}

// Listener numbers the connections that ln accepts and notes failing writes.
func (l *Ledger) Listener(ln net.Listener) net.Listener { return &listener{ln, l} }

type listener struct {
	net.Listener
	ledger *Ledger
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, number: l.ledger.NextConn()}, nil
}

// conn is a connection with its number.
type conn struct {
	net.Conn
	number uint64
	broken atomic.Pointer[End] // set when a write failed: who closed

	mu   sync.Mutex
	last *writer // whose end shows when the connection is idle or closed
}

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		end := ClientClosed
		if errors.Is(err, net.ErrClosed) {
			end = Truncated // by ourselves
		}
		c.broken.CompareAndSwap(nil, &end)
	}
	return n, err
}

// NetConn is the connection below, as of tls.Conn.
func (c *conn) NetConn() net.Conn { return c.Conn }

func (c *conn) leave(w *writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = w
}

// settle ends the last request: its answer is out, or never will be.
func (c *conn) settle() {
	c.mu.Lock()
	last := c.last
	c.last = nil
	c.mu.Unlock()
	if last == nil {
		return
	}
	if end := c.broken.Load(); end != nil && last.end == Complete {
		last.end = *end
	}
	last.req.End(last.status, last.bytes, last.end)
}

// connOf finds the connection of a Listener below TLS.
func connOf(c net.Conn) *conn {
	for c != nil {
		if own, ok := c.(*conn); ok {
			return own
		}
		below, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		c = below.NetConn()
	}
	return nil
}

// ConnNumber is the number that a listener of this package gave to c, 0 if none.
func ConnNumber(c net.Conn) uint64 {
	if own := connOf(c); own != nil {
		return own.number
	}
	return 0
}
