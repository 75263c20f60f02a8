package flakyhttp

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http2"

	"holdfast/lab/flakyhttp/ledger"
)

// framesPrefix is where the faults of HTTP/2 are.
const framesPrefix = faultPrefix + "h2/"

// A frameFault is a fault of HTTP/2, as the index shows it.
type frameFault struct{ name, use, about string }

// frameFaults are all there are, in the order of the index.
var frameFaults = []frameFault{
	{"goaway", "code=C times=K id=X", "GOAWAY that has processed no stream, then the connection is closed"},
	{"refused", "times=K id=X", "RST_STREAM with REFUSED_STREAM"},
	{"rst", "code=C when=before|body times=K id=X", "RST_STREAM, after a part of the body with when=body"},
	{"http11-required", "times=K id=X", "RST_STREAM with HTTP_1_1_REQUIRED; status 200 in HTTP/1.1"},
	{"graceful", "after=N", "status 200; after the N-th of a connection an orderly GOAWAY, which costs no request"},
}

// A frameAction answers a request of HTTP/2.
type frameAction func(*frameConn, *stream) error

// frameAnswer is what the request target asks for.
func (s *Server) frameAnswer(target string) frameAction {
	refuse := func(status int, err error) frameAction {
		return func(f *frameConn, st *stream) error { return f.respond(st, status, err.Error()+"\n") }
	}
	path, rawQuery, _ := strings.Cut(target, "?")
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return refuse(http.StatusBadRequest, fmt.Errorf("the query cannot be read: %w", err))
	}
	name := strings.TrimPrefix(path, framesPrefix)
	if !strings.HasPrefix(path, framesPrefix) || !slices.ContainsFunc(frameFaults, func(f frameFault) bool { return f.name == name }) {
		return refuse(http.StatusNotFound, fmt.Errorf("%s is not served on this port: it has what stands below %s", clip(path), framesPrefix))
	}
	p := newParams(query)
	do := s.prepareFrames(name, p)
	if err := p.finish(); err != nil {
		return refuse(http.StatusBadRequest, fmt.Errorf("h2/%s: %w", name, err))
	}
	return do
}

// prepareFrames is the answer of a fault.
func (s *Server) prepareFrames(name string, p *params) frameAction {
	switch name {
	case "graceful":
		after := p.number("after", 1, 1, 1_000_000)
		return func(f *frameConn, st *stream) error { return f.graceful(st, after) }
	case "goaway":
		code := p.code("code", http2.ErrCodeNo)
		return s.firstTimes(p, func(f *frameConn, st *stream) error {
			st.req.End(0, 0, ledger.Truncated)
			if err := f.framer.WriteGoAway(0, code, nil); err != nil {
				return err
			}
			return f.hangUp()
		})
	case "rst":
		code := p.code("code", http2.ErrCodeInternal)
		body := p.word("when", "before", "body") == "body"
		return s.firstTimes(p, func(f *frameConn, st *stream) error { return f.reset(st, code, body) })
	case "refused":
		return s.firstTimes(p, func(f *frameConn, st *stream) error { return f.reset(st, http2.ErrCodeRefusedStream, false) })
	default: // http11-required
		return s.firstTimes(p, func(f *frameConn, st *stream) error { return f.reset(st, http2.ErrCodeHTTP11Required, false) })
	}
}

const okText = "status 200\n"

// firstTimes does the fault for the first times requests of an id, for all
// without one.
func (s *Server) firstTimes(p *params, do frameAction) frameAction {
	times, id := p.counted()
	if id == "" {
		return do
	}
	return func(f *frameConn, st *stream) error {
		n, err := s.memory.next("h2/" + id)
		switch {
		case err != nil:
			return f.respond(st, http.StatusBadRequest, err.Error()+"\n")
		case n >= times:
			return f.respond(st, http.StatusOK, okText)
		}
		return do(f, st)
	}
}

// reset ends a stream, after a part of an answer if body is set.
func (f *frameConn) reset(st *stream, code http2.ErrCode, body bool) error {
	status, sent := 0, ""
	var err error
	if body {
		status, sent = http.StatusOK, filler(100)
		if err = f.headers(st, status, 1000, false); err == nil {
			err = f.framer.WriteData(st.id, false, []byte(sent))
		}
	}
	if err == nil {
		err = f.framer.WriteRSTStream(st.id, code)
	}
	if err != nil {
		st.req.End(0, 0, ledger.ClientClosed)
		return err
	}
	st.req.End(status, int64(len(sent)), ledger.Reset)
	return nil
}

// graceful answers; after the n-th answer it shuts the connection down as RFC
// 9113, 6.8, wants it: it announces the end without a limit, waits one round trip
// for streams that are under way, and only then names the last one.
func (f *frameConn) graceful(st *stream, n int64) error {
	if err := f.respond(st, http.StatusOK, okText); err != nil || f.served != n {
		return err
	}
	const unlimited = 1<<31 - 1
	if err := f.framer.WriteGoAway(unlimited, http2.ErrCodeNo, nil); err != nil {
		return err
	}
	return f.framer.WritePing(false, farewell)
}

// farewell is the ping whose answer ends a graceful shutdown.
var farewell = [8]byte{'f', 'a', 'r', 'e', 'w', 'e', 'l', 'l'}

// leave names the last stream and stays for those that are open.
func (f *frameConn) leave() error {
	f.leaving = true
	if err := f.framer.WriteGoAway(f.last, http2.ErrCodeNo, nil); err != nil {
		return err
	}
	return f.leaveIfDone()
}

func (f *frameConn) leaveIfDone() error {
	if f.leaving && len(f.open) == 0 {
		return f.hangUp()
	}
	return nil
}

// code is an error code of HTTP/2, by its number or its name.
func (p *params) code(name string, def http2.ErrCode) http2.ErrCode {
	text := p.text(name, "")
	if text == "" && !p.given.Has(name) {
		return def
	}
	for c := http2.ErrCodeNo; c <= http2.ErrCodeHTTP11Required; c++ {
		if text == strconv.Itoa(int(c)) || strings.EqualFold(text, c.String()) {
			return c
		}
	}
	p.fail("%s=%s: must be an error code of HTTP/2, such as 8 or CANCEL", name, clip(text))
	return def
}

// counted are the parameters times and id: how often something is done to the
// requests of an id.
func (p *params) counted() (times int64, id string) {
	times, id = p.number("times", 1, 0, 1_000_000), p.id("id")
	if id == "" && p.given.Has("times") {
		p.fail("times needs an id, by which requests are counted")
	}
	return times, id
}
