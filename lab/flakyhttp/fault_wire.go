package flakyhttp

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"holdfast/lab/flakyhttp/ledger"
)

// The faults that stand on the wire itself.

const plain = "Content-Type: text/plain\r\n"

// filler is n bytes of a body, the same every time.
func filler(n int64) string {
	const line = "the same sixty-four bytes again, so that any part can be known.\n"
	return strings.Repeat(line, int(n/int64(len(line)))+1)[:n]
}

func prepareReset(p *params) action {
	when := p.word("when", "before", "headers", "body")
	return onWire(func(w *wire) {
		switch when {
		case "headers":
			w.partialHead(http.StatusOK, plain)
			w.pause(settleTime)
		case "body":
			w.head(http.StatusOK, plain+"Content-Length: 1000\r\n")
			w.body(filler(100))
			w.pause(settleTime)
		}
		w.reset()
	})
}

func prepareFin(p *params) action {
	partial := p.flag("partial")
	return onWire(func(w *wire) {
		if partial {
			w.send("HTTP/1.1 2")
		}
		w.fin(ledger.Truncated)
	})
}

func prepareTruncate(p *params) action {
	chunked := p.flag("chunked")
	status := int(p.number("status", http.StatusOK, 200, 599))
	length := p.number("length", 1000, 1, MaxBody)
	bytes := p.number("bytes", max(0, min(100, length-1)), 0, max(length-1, 0))
	lines := plain + headerLines(p.headers())
	return onWire(func(w *wire) {
		if chunked {
			w.head(status, lines+"Transfer-Encoding: chunked\r\n")
			w.send(fmt.Sprintf("%x\r\n", length))
		} else {
			w.head(status, fmt.Sprintf("%sContent-Length: %d\r\n", lines, length))
		}
		w.body(filler(bytes))
		w.fin(ledger.Truncated)
	})
}

func prepareStall(p *params) action {
	phase := p.word("phase", "headers", "body")
	bytes := p.number("bytes", 100, 0, 999)
	span := p.span("for", MaxDuration, 10*MaxDuration)
	return onWire(func(w *wire) {
		if phase == "body" {
			w.head(http.StatusOK, plain+"Content-Length: 1000\r\n")
			w.body(filler(bytes))
		}
		w.pause(span)
		w.fin(ledger.Stalled)
	})
}

func prepareBadChunk(*params) action {
	return onWire(func(w *wire) {
		w.head(http.StatusOK, plain+"Transfer-Encoding: chunked\r\n")
		w.send("a\r\n")
		w.body(filler(10))
		w.send("\r\nzz\r\n")
		w.fin(ledger.Truncated)
	})
}

func prepareGarbage(*params) action {
	return onWire(func(w *wire) {
		w.send("SSH-2.0-holdfast_lab\r\n\x00\x00\x01\x8c\x0a\x14\x00\xff\r\n\r\n")
		w.fin(ledger.Complete)
	})
}

func prepareDupLength(*params) action {
	return onWire(func(w *wire) {
		w.head(http.StatusOK, plain+"Content-Length: 5\r\nContent-Length: 7\r\n")
		w.body("hello")
		w.fin(ledger.Complete)
	})
}

func prepareBigHeader(p *params) action {
	bytes := p.number("bytes", 11<<20, 1, MaxBody)
	return onWire(func(w *wire) {
		w.partialHead(http.StatusOK, plain+"Content-Length: 2\r\nX-Big: ")
		const piece = 32 << 10
		for left := bytes; left > 0 && !w.failed; left -= piece {
			w.send(strings.Repeat("b", int(min(left, piece))))
		}
		w.send("\r\n\r\n")
		w.body("ok")
		w.fin(ledger.Complete)
	})
}

func prepareNoLength(p *params) action {
	bytes := p.number("bytes", 100, 0, MaxBody)
	return onWire(func(w *wire) {
		w.head(http.StatusOK, plain+"Connection: close\r\n")
		w.body(filler(bytes))
		w.fin(ledger.Complete)
	})
}

// prepareKeepaliveClose answers and promises to stay, then takes the next
// request and closes without a byte, as a server does that has just decided that
// the connection was idle for too long. A client cannot know whether the request
// was seen; the ledger does.
func prepareKeepaliveClose(*params) action {
	return onWire(func(w *wire) {
		w.head(http.StatusOK, plain+"Content-Length: 3\r\n")
		w.body("ok\n")
		w.end(ledger.Complete)
		next := w.nextRequest()
		if next == nil {
			return
		}
		(&wire{s: w.s, req: next, conn: w.conn, in: w.in}).fin(ledger.Truncated)
	})
}

// nextRequest waits for another request on the connection and notes it. It is
// nil if none comes.
func (w *wire) nextRequest() *ledger.Request {
	w.conn.SetReadDeadline(time.Now().Add(headerTime))
	limited := bufio.NewReader(io.LimitReader(w.in, http.DefaultMaxHeaderBytes))
	r, err := http.ReadRequest(limited)
	if err != nil {
		return nil
	}
	e := ledger.Describe(r, w.scheme())
	e.Conn = w.req.Conn()
	next := w.s.Ledger.Begin(e)
	io.CopyN(io.Discard, r.Body, drainSize)
	return next
}
