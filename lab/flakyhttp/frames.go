package flakyhttp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
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

const (
	maxStreams    = 100     // open at a time on one connection
	maxHeaderList = 1 << 20 // bytes of one header block
)

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
	answer frameAction
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
