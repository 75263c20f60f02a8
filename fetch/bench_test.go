package fetch_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"holdfast/fetch"
)

// responder answers every request with a kibibyte.
func responder(b *testing.B) string {
	body := bytes.Repeat([]byte("x"), 1024)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }))
	b.Cleanup(s.Close)
	return s.URL
}

// repeated is a list of so many URLs that costs nothing.
type repeated struct {
	url  string
	n, N int64
}

func (r *repeated) Next() (fetch.Unit, error) {
	if r.n >= r.N {
		return fetch.Unit{}, io.EOF
	}
	r.n++
	return fetch.Unit{Request: fetch.Request{URL: r.url, Line: r.n}}, nil
}

// BenchmarkFetch compares a run, its log included, with loops over net/http that
// do a part of it. What counts is the ratio; see bench/fetch for whole programs.
func BenchmarkFetch(b *testing.B) {
	for _, concurrency := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("barest-%d", concurrency), func(b *testing.B) { loop(b, concurrency, false) })
		b.Run(fmt.Sprintf("traced-%d", concurrency), func(b *testing.B) { loop(b, concurrency, true) })
		b.Run(fmt.Sprintf("fetch-%d", concurrency), func(b *testing.B) {
			url := responder(b)
			c := fetch.SmartDefaults()
			c.Concurrency, c.PerHost, c.SlowStart = concurrency, concurrency, 0
			client, err := fetch.New(nil, fetch.WithConfig(c), fetch.WithLog(fetch.NewLog(io.Discard)))
			if err != nil {
				b.Fatal(err)
			}
			defer client.Close()
			b.ReportAllocs()
			b.ResetTimer()
			s, err := client.FetchAll(context.Background(), &repeated{url: url + "/", N: int64(b.N)})
			if err != nil || s.Successful != int64(b.N) {
				b.Fatalf("%v, %+v", err, s)
			}
		})
	}
}

// loop is a bare loop: with a deadline for each request and a six-hook trace, or
// without.
func loop(b *testing.B, concurrency int, traced bool) {
	url := responder(b)
	tr := &http.Transport{MaxIdleConnsPerHost: concurrency, MaxIdleConns: 2 * concurrency, DisableCompression: true}
	defer tr.CloseIdleConnections()
	b.ReportAllocs()
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for range concurrency {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				one(b, tr, url, traced)
			}
		})
	}
	wg.Wait()
}

func one(b *testing.B, tr *http.Transport, url string, traced bool) {
	ctx := context.Background()
	if traced {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Minute)
		defer cancel()
		var n int
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GetConn: func(string) { n++ }, GotConn: func(httptrace.GotConnInfo) { n++ }, ConnectStart: func(string, string) { n++ },
			ConnectDone: func(string, string, error) { n++ }, WroteHeaders: func() { n++ }, GotFirstResponseByte: func() { n++ },
		})
	}
	req, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
	resp, err := tr.RoundTrip(req)
	if err != nil {
		b.Error(err)
		return
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
}
