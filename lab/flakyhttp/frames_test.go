package flakyhttp_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"holdfast/lab/flakyhttp"
	"holdfast/lab/flakyhttp/ledger"
)

// framer is a client that speaks HTTP/2 frame by frame.
type framer struct {
	t *testing.T
	*http2.Framer
	c    net.Conn
	next uint32
}

func dialFrames(t *testing.T, s *flakyhttp.Server, overTLS bool) *framer {
	t.Helper()
	var c net.Conn
	if !overTLS {
		c = dial(t, s.H2CURL())
	} else {
		tc := tls.Client(dial(t, s.H2URL()), &tls.Config{RootCAs: s.CAPool(), ServerName: "127.0.0.1", NextProtos: []string{"h2"}})
		if err := tc.Handshake(); err != nil {
			t.Fatal(err)
		}
		c = tc
	}
	c.SetDeadline(time.Now().Add(30 * time.Second))
	io.WriteString(c, http2.ClientPreface)
	f := &framer{t, http2.NewFramer(c, c), c, 1}
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *framer) ask(path string) (id uint32) {
	f.t.Helper()
	var block strings.Builder
	enc := hpack.NewEncoder(&block)
	for _, h := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "lab"}, {":path", path}, {"holdfast-attempt", "1.2.0"}} {
		enc.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
	}
	id = f.next
	f.next += 2
	if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte(block.String()), EndStream: true, EndHeaders: true}); err != nil {
		f.t.Fatal(err)
	}
	return id
}

// frame is the next one that is about a request.
func (f *framer) frame() http2.Frame {
	f.t.Helper()
	for {
		frame, err := f.ReadFrame()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			f.t.Fatal(err)
		}
		switch frame.(type) {
		case *http2.SettingsFrame, *http2.WindowUpdateFrame:
		default:
			return frame
		}
	}
}

func TestFrames(t *testing.T) {
	t.Parallel()
	for name, overTLS := range map[string]bool{"TLS": true, "clear text": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)

			f := dialFrames(t, s, overTLS)
			f.ask("/fault/h2/goaway?code=ENHANCE_YOUR_CALM")
			if g, ok := f.frame().(*http2.GoAwayFrame); !ok || g.LastStreamID != 0 || g.ErrCode != http2.ErrCodeEnhanceYourCalm {
				t.Errorf("goaway: %v", g)
			}
			if next := f.frame(); next != nil {
				t.Errorf("after goaway: %v, want the end", next)
			}

			f = dialFrames(t, s, overTLS)
			for path, code := range map[string]http2.ErrCode{
				"refused": http2.ErrCodeRefusedStream, "rst": http2.ErrCodeInternal, "rst?code=8": http2.ErrCodeCancel, "http11-required": http2.ErrCodeHTTP11Required,
			} {
				id := f.ask("/fault/h2/" + path)
				if r, ok := f.frame().(*http2.RSTStreamFrame); !ok || r.StreamID != id || r.ErrCode != code {
					t.Errorf("%s: %v, want RST_STREAM %v of stream %d", path, r, code, id)
				}
			}
			f.ask("/fault/h2/rst?when=body")
			if h, ok := f.frame().(*http2.MetaHeadersFrame); !ok || h.PseudoValue("status") != "200" {
				t.Errorf("rst in the body: %v", h)
			}
			if d, ok := f.frame().(*http2.DataFrame); !ok || len(d.Data()) != 100 {
				t.Errorf("rst in the body: %v", d)
			}
			if _, ok := f.frame().(*http2.RSTStreamFrame); !ok {
				t.Error("rst in the body: no RST_STREAM")
			}

			// The first of an id, and then no more.
			f.ask("/fault/h2/refused?times=1&id=a")
			if _, ok := f.frame().(*http2.RSTStreamFrame); !ok {
				t.Error("the first of an id is not refused")
			}
			f.wantStatus("/fault/h2/refused?times=1&id=a", "200")
			f.wantStatus("/fault/h2/rst?code=1000", "400")
			f.wantStatus("/fault/h2/goaway?times=1", "400")
			f.wantStatus("/get", "404")

			all := entries(t, s)
			if len(all) != 11 {
				t.Fatalf("%d entries in the ledger, want 11: %v", len(all), all)
			}
			for _, e := range all {
				if e.Proto != "HTTP/2.0" || e.Attempt != "1.2.0" || e.Conn == 0 || !strings.Contains(e.URL, "://lab/") {
					t.Errorf("the ledger says %+v", e)
				}
			}
			if e := all[0]; e.End != ledger.Truncated || e.Status != 0 {
				t.Errorf("goaway: the ledger says %+v", e)
			}
			if e := all[5]; e.End != ledger.Reset || e.Status != 200 || e.Bytes != 100 {
				t.Errorf("rst in the body: the ledger says %+v", e)
			}
		})
	}
}

func (f *framer) wantStatus(path, status string) {
	f.t.Helper()
	f.ask(path)
	if h, ok := f.frame().(*http2.MetaHeadersFrame); !ok || h.PseudoValue("status") != status {
		f.t.Errorf("%s: %v, want status %s", path, h, status)
	}
	f.frame() // the body
}

func TestGraceful(t *testing.T) {
	t.Parallel()
	s := start(t)
	f := dialFrames(t, s, true)
	f.wantStatus("/fault/h2/graceful?after=2", "200")
	f.wantStatus("/fault/h2/graceful?after=2", "200")
	if g, ok := f.frame().(*http2.GoAwayFrame); !ok || g.LastStreamID != 1<<31-1 || g.ErrCode != http2.ErrCodeNo {
		t.Errorf("after the second answer: %v, want GOAWAY without a limit", g)
	}
	ping, ok := f.frame().(*http2.PingFrame)
	if !ok {
		t.Fatal("no ping after the first GOAWAY")
	}
	f.wantStatus("/fault/h2/graceful?after=2", "200") // was under way
	if err := f.WritePing(true, ping.Data); err != nil {
		t.Fatal(err)
	}
	if g, ok := f.frame().(*http2.GoAwayFrame); !ok || g.LastStreamID != 5 || g.ErrCode != http2.ErrCodeNo {
		t.Errorf("after the round trip: %v, want GOAWAY with stream 5", g)
	}
	if next := f.frame(); next != nil {
		t.Errorf("after the last GOAWAY: %v, want the end", next)
	}
	if all := entries(t, s); len(all) != 3 || all[2].End != ledger.Complete {
		t.Errorf("the ledger says %v", all)
	}
}

// net/http's client loses nothing to graceful GOAWAYs, and hides how often it
// sent what was refused.
func TestFramesWithNetHTTP(t *testing.T) {
	t.Parallel()
	s := start(t)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.CAPool()}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport}
	get := func(path string) (int, error) {
		r, err := c.Get(s.H2URL() + path)
		if err != nil {
			return 0, err
		}
		defer r.Body.Close()
		_, err = io.Copy(io.Discard, r.Body)
		return r.StatusCode, err
	}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if status, err := get("/fault/h2/graceful?after=3"); status != 200 || err != nil {
				t.Errorf("graceful: status %d, %v", status, err)
			}
		})
	}
	all.Wait()
	before := len(entries(t, s))
	if before != 100 {
		t.Errorf("100 requests were sent %d times", before)
	}
	if status, err := get("/fault/h2/goaway?times=2&id=g"); status != 200 || err != nil {
		t.Errorf("goaway twice: status %d, %v", status, err)
	}
	if sends := len(entries(t, s)) - before; sends != 3 {
		t.Errorf("the client sent %d times, want 3", sends)
	}
	if _, err := get("/fault/h2/http11-required"); err == nil {
		t.Error("http11-required: no error")
	}
	one := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.CAPool()}}}
	defer one.CloseIdleConnections()
	r, err := one.Get(s.H2URL() + "/fault/h2/http11-required")
	if err != nil || r.StatusCode != 200 || r.ProtoMajor != 1 {
		t.Errorf("in HTTP/1.1: %v, %v", r, err)
	}
}
