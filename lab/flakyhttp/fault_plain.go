package flakyhttp

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The faults that net/http can serve, on HTTP/1.1 and HTTP/2 alike.

// pause waits, and tells whether the client is still there.
func pause(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func prepareTrickle(p *params) action {
	n := p.number("bytes", 10, 1, 1<<20)
	every := p.span("every", time.Second, MaxDuration)
	const longest = 10 * MaxDuration
	if p.err == nil && every > 0 && n > int64(longest/every) {
		p.fail("bytes=%d every=%s: takes longer than %s", n, every, longest)
	}
	return func(e *exchange) {
		e.w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
		flush := http.NewResponseController(e.w)
		for i := range n {
			if i > 0 && !pause(e.r.Context(), every) {
				return
			}
			if _, err := io.WriteString(e.w, "."); err != nil || flush.Flush() != nil {
				return
			}
		}
	}
}

const gzipText = "Herman Melville wrote this for a body that is compressed.\n"

func zipped(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, text) // a buffer takes everything
	z.Close()
	return b.Bytes()
}

// sendGzip sends bytes as a body that claims to be gzip.
func (e *exchange) sendGzip(body []byte) {
	h := e.w.Header()
	h.Set("Content-Type", "text/plain")
	h.Set("Content-Encoding", "gzip")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	e.w.Write(body)
}

func prepareGzipBomb(p *params) action {
	size := p.number("size", 64<<20, 1, 4<<30)
	return func(e *exchange) {
		h := e.w.Header()
		h.Set("Content-Type", "text/plain")
		h.Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(e.w)
		if _, err := io.CopyN(z, zeros{}, size); err == nil {
			z.Close()
		}
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func prepareGzipCut(*params) action {
	return func(e *exchange) {
		whole := zipped(gzipText)
		e.sendGzip(whole[:len(whole)-8]) // all the data, but neither checksum nor size
	}
}

func prepareGzipGarbage(*params) action {
	return func(e *exchange) { e.sendGzip([]byte("this is no gzip, whatever the header says\n")) }
}

func prepareRetryAfter(p *params) action {
	status := int(p.number("status", http.StatusServiceUnavailable, 200, 599))
	p.asked["value"] = true
	values := p.given["value"]
	if len(values) > maxHeaders {
		p.fail("value is given %d times: at most %d", len(values), maxHeaders)
	}
	for _, v := range values {
		p.check(checkHeader("Retry-After", v))
	}
	times, id := p.counted()
	later := step{status: status}
	for _, v := range values {
		later.headers = append(later.headers, header{"Retry-After", v})
	}
	now := step{status: http.StatusOK}
	return func(e *exchange) {
		if id == "" {
			later.serve(e)
			return
		}
		n, err := e.s.memory.next("retry-after/" + id)
		switch {
		case err != nil:
			e.refuse(http.StatusBadRequest, err)
		case n < times:
			later.serve(e)
		default:
			now.serve(e)
		}
	}
}

func prepareRedirect(p *params) action {
	st := step{status: int(p.number("status", http.StatusFound, 300, 399))}
	if to := p.text("to", ""); p.given.Has("to") {
		p.check(checkHeader("Location", to))
		st.headers = []header{{"Location", to}}
	}
	return st.serve
}

func prepareRedirectLoop(*params) action {
	return func(e *exchange) {
		step{status: http.StatusFound, headers: []header{{"Location", strings.TrimSpace(e.r.URL.RequestURI())}}}.serve(e)
	}
}
