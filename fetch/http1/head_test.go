package http1

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestHead: what is written of a request is what net/http writes of it.
func TestHead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		req := &http.Request{
			Method: rapid.SampledFrom([]string{"GET", "HEAD"}).Draw(t, "method"),
			URL: &url.URL{
				Scheme:   "http",
				Host:     host.Draw(t, "host of the URL"),
				Path:     rapid.SampledFrom([]string{"", "/", "/a b/ü", "//x", "/%41?"}).Draw(t, "path"),
				RawQuery: rapid.SampledFrom([]string{"", "a=b&c", "q=ü ü", "a\tb"}).Draw(t, "query"),
				Fragment: "f",
			},
			Host:  rapid.OneOf(rapid.Just(""), host).Draw(t, "host"),
			Close: rapid.Bool().Draw(t, "close"),
		}
		if rapid.Bool().Draw(t, "opaque") {
			req.URL.Opaque = rapid.SampledFrom([]string{"x/y", "//h/p"}).Draw(t, "what")
		}
		names := []string{"Accept", "accept", "User-Agent", "Connection", "Host", "Content-Length", "Transfer-Encoding", "Trailer", "A", "Z-z"}
		values := rapid.SliceOfN(rapid.SampledFrom([]string{"", "x", " x\t", "close", "keep-alive, Close", "ü"}), 0, 2)
		req.Header = rapid.MapOf(rapid.SampledFrom(names), values).Draw(t, "header")
		if check(req) != nil {
			return // such a request is never written
		}
		var want bytes.Buffer
		failed := req.Write(&want)
		var got head
		if err := got.set(req); (err != nil) != (failed != nil) {
			t.Fatalf("%v, net/http: %v", err, failed)
		}
		if failed == nil && string(got.bytes) != want.String() {
			t.Fatalf("got\n%s\nwant\n%s", got.bytes, want.String())
		}
	})
}

var host = rapid.SampledFrom([]string{"a.b", "A:80", "[::1]:8080", "[fe80::1%25en0]", "[fe80::1%en0]:1", "bücher.example", "a b", "a/b", "x%y", "[", "xn--a.example", "ü\x00"})

// TestLongHead: a request that the system does not take at once is written whole.
func TestLongHead(t *testing.T) {
	t.Parallel()
	url, conns := manual(t)
	our := ours()
	defer our.CloseIdleConnections()
	long := strings.Repeat("x", 12<<20)
	got := make(chan string, 2)
	go func() {
		c := <-conns
		in := bufio.NewReader(c)
		for range 2 {
			req, err := http.ReadRequest(in)
			if err != nil {
				t.Error(err)
				return
			}
			got <- req.Header.Get("Long")
			if _, err := io.WriteString(c, abc); err != nil {
				t.Error(err)
			}
		}
	}()
	for range 2 { // over a new connection, and over one that was used
		wrote := 0
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{WroteHeaders: func() { wrote++ }})
		req, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
		req.Header.Set("Long", long)
		resp, err := our.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(b) != "abc" || err != nil || <-got != long || wrote != 1 {
			t.Fatalf("%q, %v, written %d times", b, err, wrote)
		}
	}
}
