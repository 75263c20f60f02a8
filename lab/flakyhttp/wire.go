package flakyhttp

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"

	"holdfast/lab/flakyhttp/ledger"
)

// wire is a connection taken over from net/http, with one answer on it.
type wire struct {
	s      *Server
	req    *ledger.Request
	conn   net.Conn
	in     *bufio.Reader
	gone   chan struct{} // closed when the client has closed; made by watch
	status int           // once its whole line is sent
	bytes  int64         // of the body that were sent
	failed bool          // a write failed: the client has gone
}

const (
	// writeTime is how long a client may leave an answer unread.
	writeTime = time.Minute
	// lingerTime is how long a client may take to close after our FIN. A close
	// while its bytes come in would be seen as a reset.
	lingerTime = 5 * time.Second
	// settleTime lets bytes arrive before a reset, which throws away what is
	// under way.
	settleTime = 20 * time.Millisecond
	// drainSize is how much of a request's body is read before an answer.
	drainSize = 1 << 20
)

// onWire takes the connection over and runs answer on it.
func onWire(answer func(*wire)) action {
	return func(e *exchange) {
		io.CopyN(io.Discard, e.r.Body, drainSize)
		c, rw, err := http.NewResponseController(e.w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler) // nothing else can be done for this request
		}
		e.s.hold(c, func() {
			c.SetDeadline(time.Time{})
			answer(&wire{s: e.s, req: e.req, conn: c, in: rw.Reader})
		})
		e.req.End(0, 0, ledger.Truncated) // the server was closing, or answer forgot
	}
}

// head sends a status line and headers, ending the block.
func (w *wire) head(status int, lines string) { w.partialHead(status, lines+"\r\n") }

// partialHead sends a status line and what follows it.
func (w *wire) partialHead(status int, text string) {
	if w.send("HTTP/1.1 " + statusLine(status) + "\r\n" + text) {
		w.status = status
	}
}

// body sends bytes of the body.
func (w *wire) body(text string) {
	if w.send(text) {
		w.bytes += int64(len(text))
	}
}

// send sends anything, and tells whether it went out.
func (w *wire) send(text string) bool {
	if w.failed {
		return false
	}
	w.conn.SetWriteDeadline(time.Now().Add(writeTime))
	_, err := io.WriteString(w.conn, text)
	w.failed = err != nil
	return err == nil
}

// watch notes when the client closes. Nothing else may read then.
func (w *wire) watch() {
	if w.gone != nil {
		return
	}
	w.gone = make(chan struct{})
	go func() {
		defer close(w.gone)
		io.Copy(io.Discard, w.in)
	}()
}

// pause waits, and tells whether the client is still there.
func (w *wire) pause(d time.Duration) bool {
	w.watch()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-w.gone:
		w.failed = true
	case <-w.s.closing.Done():
	}
	return false
}

// end notes how the request ended.
func (w *wire) end(how ledger.End) {
	switch {
	case w.s.closing.Err() != nil:
		how = ledger.Truncated
	case w.failed:
		how = ledger.ClientClosed
	}
	w.req.End(w.status, w.bytes, how)
}

// reset ends with RST.
func (w *wire) reset() {
	w.end(ledger.Reset)
	resetConn(w.conn)
}

// fin ends with FIN: whatever was sent arrives before it.
func (w *wire) fin(how ledger.End) {
	w.end(how)
	half, ok := w.conn.(interface{ CloseWrite() error })
	if !ok {
		half, ok = closeWriter(w.conn)
	}
	if ok && !w.failed && half.CloseWrite() == nil {
		w.pause(lingerTime)
	}
}

// closeWriter finds below c what can close one direction.
func closeWriter(c net.Conn) (interface{ CloseWrite() error }, bool) {
	for {
		inner, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return nil, false
		}
		c = inner.NetConn()
		if half, ok := c.(interface{ CloseWrite() error }); ok {
			return half, true
		}
	}
}

// statusLine is the status with its words.
func statusLine(status int) string {
	text := http.StatusText(status)
	if text == "" {
		text = "Lab"
	}
	return string([]byte{byte('0' + status/100), byte('0' + status/10%10), byte('0' + status%10)}) + " " + text
}

// scheme is that of the connection.
func (w *wire) scheme() string {
	if _, ok := w.conn.(*tls.Conn); ok {
		return "https"
	}
	return "http"
}
