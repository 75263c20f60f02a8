package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
)

// unlimited is what may be read when a header is over: bodies are limited by who
// reads them.
const unlimited = 1 << 62

// mostHead is how large a request's memory may be to be kept for the next one.
const mostHead = 64 << 10

// A conn is a connection. Who has it is its only user; only interrupt is called
// by others.
type conn struct {
	t    *Transport
	host string // of URLs that it is for
	net  net.Conn
	in   *bufio.Reader // of conn.Read
	head head
	swap swap

	unsent    bool        // the head is to be written before the next byte is read
	told      told        // of this exchange
	left      int64       // bytes that may still be read: see Read
	used      bool        // it has carried an exchange
	answered  bool        // of this exchange: a byte of the answer has come
	keep      bool        // neither side wants to end it after this exchange
	stop      func() bool // undoes that the end of the context interrupts
	interrupt func()
	wrote     func() // tells of it
	idling
}

func newConn(t *Transport, host string, nc net.Conn) *conn {
	c := &conn{t: t, host: host, net: nc}
	c.in = bufio.NewReader(c)
	c.interrupt = func() { nc.SetDeadline(time.Unix(1, 0)) } // it has passed: whoever reads or writes returns
	c.wrote = func() { c.told.wrote() }
	c.swap.init(nc)
	return c
}

// errHeader is how a header over the limit ends.
var errHeader = errors.New("http1: read beyond the limit")

// errStale says that a connection is not as it was left.
var errStale = errors.New("http1: the connection was ended while it waited")

// Read reads from the network, and while a header is read no more than it may
// have. The first one of an exchange writes the request.
func (c *conn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errHeader
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.read(p)
	c.left -= int64(n)
	return n, err
}

func (c *conn) read(p []byte) (int, error) {
	if !c.unsent {
		return c.net.Read(p)
	}
	c.unsent = false
	sent, out := 0, c.head.bytes
	if c.swap.can() {
		var n int
		var err error
		if sent, n, err = c.swap.do(out, p, c.used, c.wrote); err != nil || sent == len(out) {
			return n, c.named(err)
		}
	}
	if _, err := c.net.Write(out[sent:]); err != nil {
		return 0, err
	}
	c.wrote()
	return c.net.Read(p)
}

// named gives an error of swap the words that the connection's own have.
func (c *conn) named(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	var call *os.SyscallError
	var op *net.OpError
	switch {
	case errors.As(err, &call):
		return &net.OpError{Op: call.Syscall, Net: "tcp", Source: c.net.LocalAddr(), Addr: c.net.RemoteAddr(), Err: err}
	case errors.As(err, &op):
		op.Op = "read" // from raw-read
	}
	return err
}

// exchange sends a request and reads the answer up to its body. After an error
// the connection is closed; otherwise its end is that of the body.
func (c *conn) exchange(req *http.Request, told told) (*http.Response, error) {
	ctx := req.Context()
	c.stop = afterFunc(ctx, c.interrupt)
	resp, err := c.ask(req, told)
	if err != nil {
		c.release(false)
		if ended := ctx.Err(); ended != nil {
			err = ended
		}
		return nil, err
	}
	c.keep = !resp.Close && !req.Close && resp.StatusCode != http.StatusSwitchingProtocols &&
		!httpguts.HeaderValuesContainsToken(req.Header["Connection"], "close")
	c.left = unlimited
	if resp.Body == http.NoBody {
		c.release(true)
	} else {
		resp.Body = &body{from: resp.Body, c: c}
	}
	return resp, nil
}

// afterFunc is context.AfterFunc, by the context itself where it can: the
// general way makes a context of its own first.
func afterFunc(ctx context.Context, f func()) (stop func() bool) {
	if a, ok := ctx.(interface {
		AfterFunc(func()) func() bool
	}); ok {
		return a.AfterFunc(f)
	}
	return context.AfterFunc(ctx, f)
}

func (c *conn) ask(req *http.Request, told told) (*http.Response, error) {
	c.answered = false
	if err := req.Context().Err(); err != nil { // a hook has ended it
		return nil, err
	}
	if err := c.head.set(req); err != nil {
		c.answered = true // it would fail again
		return nil, err
	}
	c.unsent, c.told, c.left = true, told, c.t.MaxHeader
	if _, err := c.in.Peek(1); err != nil {
		return nil, err
	}
	c.answered = true
	told.gotFirstResponseByte()
	for {
		resp, err := http.ReadResponse(c.in, req)
		switch {
		case err != nil && c.left <= 0:
			return nil, fmt.Errorf("http1: the response headers exceeded %d bytes", c.t.MaxHeader)
		case err != nil:
			return nil, err
		case resp.StatusCode >= 200 || resp.StatusCode < 100 || resp.StatusCode == http.StatusSwitchingProtocols:
			return resp, nil
		}
	}
}

// release is the end of an exchange. Only a connection that is in order, whose
// answer was read to its end and nothing behind it, is used again.
func (c *conn) release(whole bool) {
	c.told = told{}
	if cap(c.head.bytes) > mostHead {
		c.head = head{}
	}
	if c.stop() && whole && c.keep && c.in.Buffered() == 0 {
		c.used = true
		c.t.idle.put(c)
		return
	}
	c.net.Close()
}

// A body is that of an answer. It gives its connection back at its end, or
// closes it when it is closed before, which may happen while another goroutine
// reads.
type body struct {
	from io.ReadCloser // never closed: that would read what the peer likes to send
	c    *conn

	mu   sync.Mutex
	over bool  // the connection is not ours any more
	err  error // of all further reads, if not nil
}

func (b *body) Read(p []byte) (int, error) {
	if err := b.state(); err != nil {
		return 0, err
	}
	n, err := b.from.Read(p)
	if err != nil {
		b.end(err)
	}
	return n, err
}

func (b *body) state() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.end(http.ErrBodyReadAfterClose)
	return nil
}

func (b *body) end(err error) {
	b.mu.Lock()
	first := !b.over
	if b.err == nil || err == http.ErrBodyReadAfterClose {
		b.err = err
	}
	b.over = true
	b.mu.Unlock()
	if first {
		b.c.release(err == io.EOF)
	}
}
