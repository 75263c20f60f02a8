package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/fetch/http1"
)

// A hop is a context for those that are derived from it: they end with it, and
// one that ends before is forgotten.
func TestHopIsAContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHop(&running{}, context.WithValue(context.Background(), http1.HooksKey{}, "hidden"))
		if h.Value(http1.HooksKey{}) != h || h.Err() != nil {
			t.Error("a hop that is not itself, or over before it begins")
		}
		var children [5]context.Context
		var cancels [5]context.CancelFunc
		for n := range children {
			children[n], cancels[n] = context.WithCancel(h)
		}
		cancels[1]()
		cancels[3]()
		if n := len(h.after); n != 5 || h.after[1] != nil || h.after[3] != nil || h.after[4] == nil {
			t.Errorf("%d functions are kept", n)
		}
		why := errors.New("why")
		h.cancel(why)
		h.cancel(errors.New("too late"))
		for n, c := range children {
			if c.Err() == nil {
				t.Errorf("child %d goes on", n)
			}
			cancels[n]()
		}
		if h.cause != why || h.Err() != context.Canceled {
			t.Errorf("%v, %v", h.cause, h.Err())
		}
		late, cancel := context.WithCancel(h)
		defer cancel()
		told := make(chan bool)
		stop := context.AfterFunc(h, func() { close(told) })
		<-told
		if late.Err() == nil || stop() {
			t.Error("a child that came late goes on")
		}
	})
}

// An attempt that is over tells its successor in the same memory nothing.
func TestHopOutlivesItsAttempt(t *testing.T) {
	c, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{trying: trying{c: c, job: &job{policy: &c.config.Policy}}}
	old := newHop(r, context.Background())
	old.r = nil // as at its end
	old.WroteHeaders()
	old.mark(markConnect, 0, true)
	old.GotFirstResponseByte()
	if old.connected(true) || r.WireSends != 0 || r.TTFB != 0 || r.Reused || r.marks != [4]time.Duration{} {
		t.Errorf("%+v", r.Attempt)
	}
}

// A counting transport knows how many URLs were begun.
type counting struct {
	pretend
	mu    sync.Mutex
	begun int
	look  func(begun int)
}

func (c *counting) RoundTrip(req *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.begun++
	c.look(c.begun)
	c.mu.Unlock()
	return c.pretend.RoundTrip(req)
}

// Killed at any moment, a run has at most as many URLs that were begun and have
// no final record as may be in flight (R12.2): nothing begins before the record
// of what it follows is in the log.
func TestRecordsComeBeforeTheNextAttempt(t *testing.T) {
	const concurrency = 5
	var mu sync.Mutex
	var log bytes.Buffer
	written := writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(p)
	})
	net := &counting{look: func(begun int) {
		mu.Lock()
		defer mu.Unlock()
		if finals := bytes.Count(log.Bytes(), []byte(`"final":true`)); begun-finals > concurrency {
			t.Errorf("%d URLs were begun, %d have a final record", begun, finals)
		}
	}}
	config := SpecDefaults()
	config.Concurrency, config.PerHost = concurrency, concurrency
	c, err := New(nil, WithConfig(config), WithLog(NewLog(written)), WithTransport(net))
	if err != nil {
		t.Fatal(err)
	}
	var urls []string
	for n := range 2000 {
		urls = append(urls, fmt.Sprintf("http://a.test/ok/%d", n))
	}
	if s, err := c.FetchAll(context.Background(), URLs(urls...)); err != nil || s.Successful != 2000 {
		t.Error(s.Successful, err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
