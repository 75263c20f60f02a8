package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/fetch"
)

// overhead measures the time per request of whole fetches beside loops that do a
// part of the same.
func overhead(c *config, url string, r *report) error {
	for _, concurrency := range []int{1, 16, 256} {
		times, work := map[string][]float64{}, map[string][]float64{}
		for range c.rounds {
			for _, one := range []struct {
				name string
				run  func(*config, string, int) error
			}{{"barest loop", barest}, {"loop with deadline and trace", traced}, {"holdfast", library}} {
				start, before := time.Now(), used()
				if err := one.run(c, url, concurrency); err != nil {
					return fmt.Errorf("%s: %w", one.name, err)
				}
				times[one.name] = append(times[one.name], time.Since(start).Seconds()/float64(c.requests)*1e6)
				work[one.name] = append(work[one.name], (used()-before).Seconds()/float64(c.requests)*1e6)
			}
		}
		r.overhead(concurrency, times, work)
	}
	return nil
}

// used is the processor time of this process: it tells more than the wall's on a
// machine that others use too, but leaves out what the server does.
func used() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func barest(c *config, url string, concurrency int) error { return loop(c, url, concurrency, false) }
func traced(c *config, url string, concurrency int) error { return loop(c, url, concurrency, true) }

func loop(c *config, url string, concurrency int, traced bool) error {
	tr := &http.Transport{MaxIdleConnsPerHost: concurrency, MaxIdleConns: 2 * concurrency, DisableCompression: true}
	defer tr.CloseIdleConnections()
	var left atomic.Int64
	left.Store(int64(c.requests))
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for range concurrency {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := one(tr, url, traced); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

func one(tr *http.Transport, url string, traced bool) error {
	ctx := context.Background()
	if traced {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Minute)
		defer cancel()
		var n atomic.Int32
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GetConn: func(string) { n.Add(1) }, GotConn: func(httptrace.GotConnInfo) { n.Add(1) },
			ConnectStart: func(string, string) { n.Add(1) }, ConnectDone: func(string, string, error) { n.Add(1) },
			WroteHeaders: func() { n.Add(1) }, GotFirstResponseByte: func() { n.Add(1) },
		})
	}
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return err
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// library is a fetch with its log on disk.
func library(c *config, url string, concurrency int) error {
	f, err := os.Create(filepath.Join(c.dir, "library.jsonl"))
	if err != nil {
		return err
	}
	defer f.Close()
	set := fetch.SmartDefaults()
	set.Concurrency, set.PerHost, set.SlowStart = concurrency, concurrency, 0
	client, err := fetch.New(nil, fetch.WithConfig(set), fetch.WithLog(fetch.NewLog(f)))
	if err != nil {
		return err
	}
	defer client.Close()
	s, err := client.FetchAll(context.Background(), &repeated{url: url, most: int64(c.requests)})
	if err == nil && s.Successful != int64(c.requests) {
		err = fmt.Errorf("%d of %d succeeded", s.Successful, c.requests)
	}
	return err
}

type repeated struct {
	url     string
	n, most int64
}

func (r *repeated) Next() (fetch.Unit, error) {
	if r.n >= r.most {
		return fetch.Unit{}, io.EOF
	}
	r.n++
	return fetch.Unit{Request: fetch.Request{URL: r.url, Line: r.n}}, nil
}
