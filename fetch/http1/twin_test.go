package http1

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A script is a server whose connections all answer each request with the same
// bytes, and then end or wait for more.
type script struct {
	net.Listener
	answer   []byte
	end      bool
	conns    atomic.Int64
	requests atomic.Int64
}

func play(t testing.TB, answer string, end bool) *script {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{Listener: l, answer: []byte(answer), end: end}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.conns.Add(1)
			go s.serve(c)
		}
	}()
	t.Cleanup(func() { l.Close() })
	return s
}

func (s *script) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		if _, err := http.ReadRequest(in); err != nil {
			return
		}
		s.requests.Add(1)
		if _, err := c.Write(s.answer); err != nil || s.end {
			return
		}
	}
}

// A seen is what a user of a transport sees of an answer.
type seen struct {
	failed     bool
	status     int
	header     string
	body       string
	cut        bool // the body ended with an error
	eof        bool // of either error
	length     int64
	conns      int64 // in all, for three requests
	requests   int64
	gotConn    int
	firstBytes int
	wrote      int
}

func look(rt http.RoundTripper, s *script, method string) seen {
	var got seen
	for range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GotConn:              func(httptrace.GotConnInfo) { got.gotConn++ },
			WroteHeaders:         func() { got.wrote++ },
			GotFirstResponseByte: func() { got.firstBytes++ },
		})
		req, _ := http.NewRequestWithContext(ctx, method, "http://"+s.Addr().String()+"/a?b=c", nil)
		req.Header.Set("Accept-Encoding", "x")
		resp, err := rt.RoundTrip(req)
		if got.failed = err != nil; got.failed {
			got.eof = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		} else {
			b, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			var h bytes.Buffer
			_ = resp.Header.Write(&h)
			_ = resp.Trailer.Write(&h)
			got.status, got.body, got.header, got.length = resp.StatusCode, string(b), h.String(), resp.ContentLength
			got.cut, got.eof = err != nil, errors.Is(err, io.ErrUnexpectedEOF)
		}
		cancel()
	}
	got.conns, got.requests = s.conns.Load(), s.requests.Load()
	return got
}

const maxHeader = 4 << 10

func ours() *Transport {
	var d net.Dialer
	return &Transport{Dial: d.DialContext, MaxHeader: maxHeader, MaxIdle: 100, PerHost: 100, IdleTimeout: time.Minute}
}

func theirs() *http.Transport {
	return &http.Transport{MaxResponseHeaderBytes: maxHeader, DisableCompression: true, MaxIdleConnsPerHost: 100}
}

var answers = map[string]string{
	"length":           "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
	"none":             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	"chunked":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"trailer":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n",
	"no content":       "HTTP/1.1 204 No Content\r\n\r\n",
	"not modified":     "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
	"old keep alive":   "HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc",
	"interim":          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
	"bare line feeds":  "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
	"server error":     "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nRetry-After: 1\r\n\r\nbusy",
	"same length":      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
	"odd status":       "HTTP/1.1 999 Odd\r\nContent-Length: 3\r\n\r\nabc",
	"announced end":    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
	"header too large": "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", maxHeader) + "\r\n\r\n",
	"interims without": strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", maxHeader/20),
	"other lengths":    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
	"no HTTP":          "SSH-2.0-OpenSSH_9.2\r\n\r\n",
	"odd encoding":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
	"bad header":       "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
}

// ended are answers after which the server ends the connection.
var ended = map[string]string{
	"until the end":    "HTTP/1.1 200 OK\r\n\r\nabcdef",
	"old":              "HTTP/1.0 200 OK\r\n\r\nabcdef",
	"cut":              "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
	"cut chunk":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
	"no last chunk":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
	"bad chunk":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nab\r\n",
	"cut header":       "HTTP/1.1 200 OK\r\nContent-Le",
	"cut status":       "HTTP/1.",
	"nothing":          "",
	"upgrade":          "HTTP/1.1 101 Switching Protocols\r\n\r\n",
	"early end, whole": "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
}

// heads are answers to HEAD.
var heads = map[string]string{
	"length":       "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
	"chunked":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	"no length":    "HTTP/1.1 200 OK\r\n\r\n",
	"no content":   "HTTP/1.1 204 No Content\r\n\r\n",
	"not modified": "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
}

// forOne are the answers whose connection is for one exchange, though the server
// would go on.
var forOne = []string{"announced end", "header too large", "interims without", "other lengths", "no HTTP", "odd encoding", "bad header"}

// TestTwin: a user sees the same of an answer as through net/http, the hooks
// included; and connections are used again when they can be.
func TestTwin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method string
		table  map[string]string
		end    bool
	}{{"GET", answers, false}, {"GET", ended, true}, {"HEAD", heads, false}} {
		for name, answer := range c.table {
			t.Run(fmt.Sprint(c.method, " ", name, " ", c.end), func(t *testing.T) {
				t.Parallel()
				their, our := theirs(), ours()
				defer their.CloseIdleConnections()
				defer our.CloseIdleConnections()
				want := look(their, play(t, answer, c.end), c.method)
				got := look(our, play(t, answer, c.end), c.method)
				want.conns = 1 // it sometimes needs more: its connections come back a little later
				if c.end || slices.Contains(forOne, name) {
					want.conns = 3
				}
				if got != want {
					t.Errorf("got  %+v\nwant %+v", got, want)
				}
			})
		}
	}
}

// FuzzTwin compares what a user sees of any answer whose connection then ends,
// without what depends on when the end is seen.
func FuzzTwin(f *testing.F) {
	for _, table := range []map[string]string{answers, ended} {
		for _, answer := range table {
			f.Add([]byte(answer))
		}
	}
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		if len(answer) > 8<<10 || bytes.Contains(answer, []byte("HTTP/1.1 101")) {
			return // an upgrade has another kind of body there
		}
		their, our := theirs(), ours()
		defer their.CloseIdleConnections()
		defer our.CloseIdleConnections()
		var seen [2]seen
		for n, rt := range []http.RoundTripper{their, our} {
			s := play(t, string(answer), true)
			seen[n] = look(rt, s, "GET")
			s.Close()
			seen[n].conns, seen[n].requests, seen[n].gotConn, seen[n].wrote, seen[n].firstBytes = 0, 0, 0, 0, 0
		}
		if seen[0] != seen[1] {
			t.Errorf("got  %+v\nwant %+v", seen[1], seen[0])
		}
	})
}
