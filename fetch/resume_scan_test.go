package fetch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// BenchmarkResumeScan reads a log as --resume does.
func BenchmarkResumeScan(b *testing.B) {
	var list strings.Builder
	for n := range 20_000 {
		fmt.Fprintf(&list, "https://www%d.example.org/some/where/page-%d/%d\n", n%50, n, n%20)
	}
	var log bytes.Buffer
	c := SmartDefaults()
	c.InitialBackoff, c.Budget, c.Breaker, c.AttemptHeader = 1, false, false, true
	client, err := New(nil, WithConfig(c), WithLog(NewLog(&log)), WithTransport(roundTrip(func(req *http.Request) (*http.Response, error) {
		status := 200
		switch {
		case strings.HasSuffix(req.URL.Path, "/3"):
			status = 404
		case strings.HasSuffix(req.URL.Path, "/7") && strings.Contains(req.Header.Get("Holdfast-Attempt"), ".1."):
			status = 500 // and the second time it is well
		}
		return &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, ContentLength: 10,
			Body: io.NopCloser(strings.NewReader("0123456789")), Request: req}, nil
	})))
	if err != nil {
		b.Fatal(err)
	}
	if s, err := client.FetchAll(context.Background(), NewList(strings.NewReader(list.String()), "list")); err != nil || s.Successful != 19_000 {
		b.Fatalf("%d: %v", s.Successful, err)
	}
	b.SetBytes(int64(log.Len()))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := scanLog(bytes.NewReader(log.Bytes()), "log", func(text string) { b.Error(text) }); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzResumeOrigin: what is remembered of an authority is what parsing gives.
func FuzzResumeOrigin(f *testing.F) {
	for _, url := range []string{"http://a.test/x", "HTTP://u:p@A.test:80?q", "http://a.test/%zz", "http://[::1]:8/ x", "http://a.test:b/", "x://#", "://"} {
		f.Add(url, "/y?z=1")
		f.Add(url, "/%4")
	}
	f.Fuzz(func(t *testing.T, url, more string) {
		r := &Resume{origins: map[string]string{}}
		for _, raw := range []string{url, url + more, url} {
			if got, want := r.origin([]byte(raw)), originOf([]byte(raw)); got != want {
				t.Fatalf("%q: %q, want %q", raw, got, want)
			}
		}
	})
}
