package ledger

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
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
type requestKey struct{}

func withConn(ctx context.Context, c *conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// From is the request of the ledger that a handler serves, nil outside of
// [Ledger.Middleware]. A handler that takes the connection over must End it.
func From(ctx context.Context) *Request {
	r, _ := ctx.Value(requestKey{}).(*Request)
	return r
}

// Conn is the number of the request's connection, 0 if it is not known.
func (r *Request) Conn() uint64 { return r.entry.Conn }

// Describe is the part of an entry that a request header gives. Scheme is http
// or https.
func Describe(r *http.Request, scheme string) Entry {
	return Entry{
		Proto: r.Proto, Method: r.Method, URL: scheme + "://" + r.Host + r.RequestURI,
		Attempt: r.Header.Get(AttemptHeader),
	}
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
		req := l.Begin(e)
		ww := &writer{ResponseWriter: w}
		defer func() {
			panicked := recover()
			ww.finish(req, r, c, panicked != nil)
			if panicked != nil {
				panic(panicked)
			}
		}()
		next.ServeHTTP(ww, r.WithContext(context.WithValue(r.Context(), requestKey{}, req)))
	})
}

// writer counts what the handler answers.
type writer struct {
	http.ResponseWriter
	status   int
	bytes    int64
	failed   bool
	hijacked bool
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
	w.bytes += int64(n)
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
// returns; the rest is left to the connection.
func (w *writer) finish(req *Request, r *http.Request, c *conn, panicked bool) {
	if w.hijacked {
		if w.status == 0 {
			w.status = http.StatusSwitchingProtocols
		}
		req.End(w.status, w.bytes, Complete) // does nothing if the handler did it
		return
	}
	switch {
	case panicked && r.ProtoMajor >= 2:
		req.End(w.status, w.bytes, Reset) // the stream is reset
		return
	case panicked:
		req.End(w.status, w.bytes, Truncated)
		return
	case r.Context().Err() != nil && !w.whole():
		end := ClientClosed
		if context.Cause(r.Context()) != context.Canceled {
			end = Truncated // the server itself stops
		}
		req.End(w.status, w.bytes, end)
		return
	case w.failed:
		req.End(w.status, w.bytes, ClientClosed)
		return
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if c == nil || r.ProtoMajor >= 2 {
		req.End(w.status, w.bytes, Complete)
		return
	}
	end := Complete
	if n, known := w.length(); known && n > w.bytes && r.Method != http.MethodHead && w.status != http.StatusNotModified {
		end = Truncated // net/http closes the connection
	}
	c.leave(&left{req, w.status, w.bytes, end})
}

func (w *writer) length() (int64, bool) {
	n, err := strconv.ParseInt(w.Header().Get("Content-Length"), 10, 64)
	return n, err == nil
}

// whole tells that all of an answer of known length was taken by net/http.
func (w *writer) whole() bool {
	n, known := w.length()
	return known && n == w.bytes && !w.failed
}

// left is a request whose handler has returned while the last bytes of its
// answer may still be in net/http's buffer.
type left struct {
	req    *Request
	status int
	bytes  int64
	end    End
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
	broken atomic.Bool // a write failed

	mu   sync.Mutex
	last *left // whose end shows when the connection is idle or closed
}

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		c.broken.Store(true)
	}
	return n, err
}

// NetConn is the connection below, as of tls.Conn.
func (c *conn) NetConn() net.Conn { return c.Conn }

func (c *conn) leave(l *left) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = l
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
	if last.end == Complete && c.broken.Load() {
		last.end = ClientClosed
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
