package flakyhttp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"holdfast/lab/flakyhttp/ledger"
)

// HTTP/2 by hand, frame by frame: what net/http's own server would never send.
//
// Every header block that a client sends is an entry of the ledger, those that
// it sends again by itself too. A connection is served by one goroutine.

// framesPrefix is where the faults of HTTP/2 are.
const framesPrefix = faultPrefix + "h2/"

const (
	maxStreams    = 100     // open at a time on one connection
	maxHeaderList = 1 << 20 // bytes of one header block
)

// frameFaults are the HTTP/2 faults, in the order of the index.
var frameFaults = []struct{ name, use, about string }{
	{"goaway", "code=C times=K id=X", "GOAWAY that has processed no stream, then the connection is closed"},
	{"refused", "times=K id=X", "RST_STREAM with REFUSED_STREAM"},
	{"rst", "code=C when=before|body times=K id=X", "RST_STREAM, after a part of the body with when=body"},
	{"http11-required", "times=K id=X", "RST_STREAM with HTTP_1_1_REQUIRED; status 200 in HTTP/1.1"},
	{"graceful", "after=N", "status 200; after the N-th of a connection an orderly GOAWAY, which costs no request"},
}

// clearTextFrames gives connections that begin with HTTP/2's preface to frames.
func clearTextFrames(next http.Handler, frames func(net.Conn)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "PRI" || r.RequestURI != "*" {
			next.ServeHTTP(w, r)
			return
		}
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		// net/http has read the first half of the preface.
		frames(&rejoined{c, io.MultiReader(strings.NewReader("PRI * HTTP/2.0\r\n\r\n"), rw)})
	})
}

// rejoined is a connection of which something was read already.
type rejoined struct {
	net.Conn
	in io.Reader
}

func (r *rejoined) Read(p []byte) (int, error) { return r.in.Read(p) }

// NetConn is the connection below, as of tls.Conn.
func (r *rejoined) NetConn() net.Conn { return r.Conn }

// serveFrames speaks HTTP/2 on c, from the preface on.
func (s *Server) serveFrames(c net.Conn) {
	s.hold(c, func() {
		f := &frameConn{s: s, c: c, scheme: "https", number: ledger.ConnNumber(c), open: map[uint32]*stream{}}
		if _, clear := c.(*rejoined); clear {
			f.scheme = "http"
		}
		f.framer = http2.NewFramer(c, c)
		f.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		f.framer.MaxHeaderListSize = maxHeaderList
		f.encoder = hpack.NewEncoder(&f.block)
		err := f.serve()
		for _, st := range f.open {
			if err == nil || s.closing.Err() != nil {
				st.req.End(0, 0, ledger.Truncated) // we close
			} else {
				st.req.End(0, 0, ledger.ClientClosed)
			}
		}
	})
}

// frameConn is a connection of HTTP/2.
type frameConn struct {
	s       *Server
	c       net.Conn
	scheme  string
	number  uint64
	framer  *http2.Framer
	block   bytes.Buffer // headers, encoded
	encoder *hpack.Encoder
	open    map[uint32]*stream // without an answer yet
	served  int64              // requests that were answered
	last    uint32             // the highest stream that came
	leaving bool               // the last stream was named: later ones are not looked at
}

// stream is a request that came.
type stream struct {
	id     uint32
	req    *ledger.Request
	answer func(*frameConn, *stream) error
}

// serve reads frames until one side has enough. The error is nil if it is ours.
func (f *frameConn) serve() error {
	f.c.SetDeadline(time.Now().Add(headerTime))
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(f.c, preface); err != nil || string(preface) != http2.ClientPreface {
		return err
	}
	if err := f.framer.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: maxStreams}); err != nil {
		return err
	}
	for {
		f.c.SetDeadline(time.Now().Add(headerTime))
		frame, err := f.framer.ReadFrame()
		var stream http2.StreamError
		if errors.As(err, &stream) { // a header block that is not HTTP
			err = f.framer.WriteRSTStream(stream.StreamID, stream.Code)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		if err := f.take(frame); err != nil {
			if errors.Is(err, errClosing) {
				return nil
			}
			return err
		}
	}
}

func (f *frameConn) take(frame http2.Frame) error {
	switch frame := frame.(type) {
	case *http2.SettingsFrame:
		if !frame.IsAck() {
			return f.framer.WriteSettingsAck()
		}
	case *http2.PingFrame:
		switch {
		case !frame.IsAck():
			return f.framer.WritePing(true, frame.Data)
		case frame.Data == farewell && !f.leaving:
			return f.leave()
		}
	case *http2.MetaHeadersFrame:
		return f.begin(frame)
	case *http2.DataFrame:
		return f.data(frame)
	case *http2.RSTStreamFrame:
		if st := f.open[frame.StreamID]; st != nil {
			delete(f.open, st.id)
			st.req.End(0, 0, ledger.ClientClosed)
		}
	}
	return nil
}

// begin notes a request, and answers it if it is complete.
func (f *frameConn) begin(frame *http2.MetaHeadersFrame) error {
	if frame.PseudoValue("method") == "" {
		return nil // trailers
	}
	st := &stream{id: frame.StreamID, req: f.s.Ledger.Begin(ledger.Entry{
		Conn: f.number, Proto: "HTTP/2.0", Method: frame.PseudoValue("method"),
		URL:     f.scheme + "://" + frame.PseudoValue("authority") + frame.PseudoValue("path"),
		Attempt: attemptOf(frame),
	})}
	switch {
	case f.leaving:
		st.req.End(0, 0, ledger.Truncated) // the GOAWAY told so
		return nil
	case len(f.open) >= maxStreams:
		st.req.End(0, 0, ledger.Reset)
		return f.framer.WriteRSTStream(st.id, http2.ErrCodeRefusedStream)
	}
	f.last = st.id
	st.answer = f.s.frameAnswer(frame.PseudoValue("path"))
	f.open[st.id] = st
	if frame.StreamEnded() {
		return f.finish(st)
	}
	return nil
}

func attemptOf(frame *http2.MetaHeadersFrame) string {
	for _, h := range frame.RegularFields() {
		if strings.EqualFold(h.Name, ledger.AttemptHeader) {
			return h.Value
		}
	}
	return ""
}

// data drops the body of a request, gives back the window, and answers after the
// last of it.
func (f *frameConn) data(frame *http2.DataFrame) error {
	if n := frame.Length; n > 0 {
		if err := f.framer.WriteWindowUpdate(0, n); err != nil {
			return err
		}
		if !frame.StreamEnded() {
			if err := f.framer.WriteWindowUpdate(frame.StreamID, n); err != nil {
				return err
			}
		}
	}
	if st := f.open[frame.StreamID]; st != nil && frame.StreamEnded() {
		return f.finish(st)
	}
	return nil
}

func (f *frameConn) finish(st *stream) error {
	delete(f.open, st.id)
	if err := st.answer(f, st); err != nil {
		return err
	}
	return f.leaveIfDone()
}

// respond sends an answer. It is far smaller than any window.
func (f *frameConn) respond(st *stream, status int, text string) error {
	err := f.headers(st, status, len(text), text == "")
	if err == nil && text != "" {
		err = f.framer.WriteData(st.id, true, []byte(text))
	}
	if err != nil {
		st.req.End(0, 0, ledger.ClientClosed)
		return err
	}
	f.served++
	st.req.End(status, int64(len(text)), ledger.Complete)
	return nil
}

func (f *frameConn) headers(st *stream, status, length int, last bool) error {
	f.block.Reset()
	for _, h := range []hpack.HeaderField{
		{Name: ":status", Value: strconv.Itoa(status)},
		{Name: "content-type", Value: "text/plain; charset=utf-8"},
		{Name: "content-length", Value: strconv.Itoa(length)},
	} {
		f.encoder.WriteField(h) // a buffer takes everything
	}
	return f.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: st.id, BlockFragment: f.block.Bytes(), EndHeaders: true, EndStream: last,
	})
}

// frameAnswer is what the request target asks for.
func (s *Server) frameAnswer(target string) func(*frameConn, *stream) error {
	refuse := func(status int, err error) func(*frameConn, *stream) error {
		return func(f *frameConn, st *stream) error { return f.respond(st, status, err.Error()+"\n") }
	}
	path, rawQuery, _ := strings.Cut(target, "?")
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return refuse(http.StatusBadRequest, fmt.Errorf("the query cannot be read: %w", err))
	}
	name := strings.TrimPrefix(path, framesPrefix)
	if !strings.HasPrefix(path, framesPrefix) || !slices.ContainsFunc(frameFaults, func(f struct{ name, use, about string }) bool { return f.name == name }) {
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
func (s *Server) prepareFrames(name string, p *params) func(*frameConn, *stream) error {
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
func (s *Server) firstTimes(p *params, do func(*frameConn, *stream) error) func(*frameConn, *stream) error {
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

// hangUp closes so that what was sent arrives. It returns errClosing.
func (f *frameConn) hangUp() error {
	half, ok := f.c.(interface{ CloseWrite() error })
	if !ok {
		half, ok = closeWriter(f.c)
	}
	if ok && half.CloseWrite() == nil {
		f.c.SetReadDeadline(time.Now().Add(lingerTime))
		io.Copy(io.Discard, f.c)
	}
	return errClosing
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
