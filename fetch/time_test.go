package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/fetch/retry"
)

// A server is a transport that answers by a function and notes when.
type server struct {
	mu     sync.Mutex
	start  time.Time
	at     []time.Duration
	answer func(n int, req *http.Request) (status int, header http.Header, err error)
}

func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(req.Context())
	trace.GotConn(httptrace.GotConnInfo{})
	trace.WroteHeaders()
	s.mu.Lock()
	s.at = append(s.at, time.Since(s.start))
	n := len(s.at)
	s.mu.Unlock()
	status, header, err := s.answer(n, req)
	if err != nil {
		return nil, err
	}
	if header == nil {
		header = http.Header{}
	}
	if status == 0 { // never
		<-req.Context().Done()
		return nil, context.Cause(req.Context())
	}
	return &http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: header, Body: io.NopCloser(strings.NewReader("")), ContentLength: 0, Request: req}, nil
}

// timed runs a URL against a server in virtual time.
func timed(t *testing.T, change func(*Config), answer func(n int, req *http.Request) (int, http.Header, error), urls ...string) (*server, Summary, []*Outcome) {
	t.Helper()
	s := &server{answer: answer, start: time.Now()}
	c := SmartDefaults()
	change(&c)
	h := &outcomes{}
	client, err := New(h, WithConfig(c), WithTransport(s))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := client.FetchAll(context.Background(), URLs(urls...))
	if err != nil {
		t.Fatal(err)
	}
	return s, sum, h.all
}

type outcomes struct {
	silent
	all []*Outcome
}

func (h *outcomes) OnOther(Event)    {}
func (h *outcomes) OnDone(o Outcome) { h.all = append(h.all, &o) }

type silent struct{}

func (silent) OnSuccess(string, int, []byte, time.Duration) {}
func (silent) OnClientError(string, int, []byte)            {}
func (silent) OnServerError(string, int, int)               {}
func (silent) OnTimeout(string, int, time.Duration)         {}
func (silent) OnConnectionError(string, int, string)        {}
func (silent) OnSlowResponse(string, time.Duration)         {}
func (silent) OnRetry(string, int, time.Duration, string)   {}
func (silent) OnBodyMatch(string, string)                   {}
func (silent) OnMaxRetries(string, int, string)             {}

func once(status int, header http.Header) func(int, *http.Request) (int, http.Header, error) {
	return func(n int, _ *http.Request) (int, http.Header, error) {
		if n == 1 {
			return status, header, nil
		}
		return 200, nil, nil
	}
}

// TestRetryAfter: what servers ask for is waited for, never less, through the
// whole client; spec ignores it.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value       string
		spec        bool
		least, most time.Duration // between the first request and the second
	}{
		{value: "2", least: 2 * time.Second, most: 2500 * time.Millisecond},
		{value: "\t42 ", least: 42 * time.Second, most: 44 * time.Second},
		{value: "0", most: 200 * time.Millisecond},
		{value: "+1", most: 200 * time.Millisecond},
		{value: "1.0", most: 200 * time.Millisecond},
		{value: "Fri, 32 Dec 2026 00:00:00 GMT", most: 200 * time.Millisecond},
		{value: "2", spec: true, least: 100 * time.Millisecond, most: 111 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			set := func(x *Config) {
				if c.spec {
					*x = SpecDefaults()
				}
			}
			s, sum, _ := timed(t, set, once(503, http.Header{"Retry-After": {c.value}}), "http://a.test/")
			if len(s.at) != 2 || sum.Successful != 1 {
				t.Fatalf("%q: requests at %v", c.value, s.at)
			}
			if gap := s.at[1] - s.at[0]; gap < c.least || gap > c.most {
				t.Errorf("%q: the second request came after %v, want %v to %v", c.value, gap, c.least, c.most)
			}
		})
	}
}

// TestParked: a wait beyond the cap is not waited for; it costs one request, and
// the URL keeps its time.
func TestParked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		set := func(c *Config) { c.RetryAfterCap = 10 * time.Second }
		s, sum, all := timed(t, set, once(429, http.Header{"Retry-After": {"3600"}}), "http://a.test/")
		if len(s.at) != 1 || sum.Extra.Postponed != 1 || all[0].Kind != retry.OutcomeParked {
			t.Fatalf("%d requests, %+v", len(s.at), all[0])
		}
		if wait := all[0].NotBefore.Sub(s.start); wait < time.Hour || wait > time.Hour+time.Minute {
			t.Errorf("not before %v", wait)
		}
	})
}

// TestGate: a 429 stops the whole origin, and no other.
func TestGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		early := 0
		last := time.Duration(0)
		var s *server
		answer := func(n int, req *http.Request) (int, http.Header, error) {
			mu.Lock()
			defer mu.Unlock()
			now := time.Since(s.start)
			if req.URL.Host == "b.test" {
				last = max(last, now)
				return 200, nil, nil
			}
			if n == 1 {
				return 429, http.Header{"Retry-After": {"30"}}, nil
			}
			if now > 0 && now < 30*time.Second {
				early++
			}
			return 200, nil, nil
		}
		s = &server{answer: answer, start: time.Now()}
		var urls []string
		for n := range 20 {
			urls = append(urls, fmt.Sprintf("http://a.test/%d", n), fmt.Sprintf("http://b.test/%d", n))
		}
		c := SmartDefaults()
		c.SlowStart = 1
		client, err := New(nil, WithConfig(c), WithTransport(s))
		if err != nil {
			t.Fatal(err)
		}
		sum, err := client.FetchAll(context.Background(), URLs(urls...))
		if err != nil || sum.Successful != 40 {
			t.Fatalf("%v, %+v", err, sum)
		}
		if early > 0 || last > time.Second {
			t.Errorf("%d requests came before the gate reopened; the other origin was done after %v", early, last)
		}
	})
}

// TestTimeouts: no answer at all, with a limit of a second and three retries.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		set := func(c *Config) { *c = SpecDefaults(); c.Timeout = time.Second }
		never := func(int, *http.Request) (int, http.Header, error) { return 0, nil, nil }
		s, sum, all := timed(t, set, never, "http://a.test/")
		took := time.Since(s.start)
		if len(s.at) != 4 || sum.ByError.Timeout != 4 || all[0].Kind != retry.OutcomeMaxRetries || took < 4700*time.Millisecond || took > 4771*time.Millisecond {
			t.Errorf("%d requests in %v, %+v", len(s.at), took, all[0])
		}
	})
}

// TestDeadline: a wait that does not fit the rest is not begun.
func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		set := func(c *Config) { c.Deadline = 10 * time.Second }
		s, _, all := timed(t, set, once(503, http.Header{"Retry-After": {"200"}}), "http://a.test/")
		if len(s.at) != 1 || time.Since(s.start) > time.Second || all[0].Kind != retry.OutcomeDeadline || all[0].Why == "" {
			t.Errorf("%d requests in %v: %+v", len(s.at), time.Since(s.start), all[0])
		}
	})
}

// TestCancel: a caller that gives up during a wait is answered at once, and not
// told that a connection failed.
func TestCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: once(503, nil), start: time.Now()}
		c := SpecDefaults()
		c.InitialBackoff, c.MaxBackoff = time.Minute, time.Minute
		client, err := New(nil, WithConfig(c), WithTransport(s))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeoutCause(context.Background(), 3*time.Second, errors.New("enough"))
		defer cancel()
		o, err := client.Do(ctx, Request{URL: "http://a.test/"})
		if !errors.Is(err, ErrCancelled) || o.Attempts != 1 || time.Since(s.start) != 3*time.Second {
			t.Errorf("%v after %v: %+v", err, time.Since(s.start), o)
		}
	})
}

// TestDeadOrigin: an origin that is down costs little more than its URLs.
func TestDeadOrigin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var urls []string
		for n := range 1000 {
			urls = append(urls, fmt.Sprintf("http://a.test/%d", n))
		}
		down := func(int, *http.Request) (int, http.Header, error) { return 503, nil, nil }
		s, sum, _ := timed(t, func(c *Config) { c.Breaker = false }, down, urls...)
		seconds := int(time.Since(s.start) / time.Second)
		if len(s.at) > 1300+seconds || sum.Failed != 1000 {
			t.Errorf("%d requests in %d s, %d failed", len(s.at), seconds, sum.Failed)
		}
		s, sum, _ = timed(t, func(c *Config) {}, down, urls...)
		if len(s.at) > 200 || sum.Failed != 1000 || sum.Extra.BreakerOpened == 0 {
			t.Errorf("with a breaker: %d requests, %+v", len(s.at), sum)
		}
	})
}

// TestPanic: a handler that panics is told of once; the run goes on.
func TestPanic(t *testing.T) {
	t.Parallel()
	var warned []string
	client, err := New(panicking{}, WithTransport(&pretend{}), WithWarnings(func(s string) { warned = append(warned, s) }))
	if err != nil {
		t.Fatal(err)
	}
	s, err := client.FetchAll(t.Context(), URLs("http://a.test/ok/1", "http://a.test/ok/2"))
	if err != nil || s.Successful != 2 || s.Extra.HandlerPanics != 2 || len(warned) != 1 || !strings.Contains(warned[0], "OnSuccess") {
		t.Errorf("%v, %+v, %q", err, s, warned)
	}
}

type panicking struct{ silent }

func (panicking) OnSuccess(string, int, []byte, time.Duration) { panic("oh") }
