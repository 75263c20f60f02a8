package fetch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/fetch/retry"
)

// sharedSource is a Source of URLs that others may have too.
type sharedSource struct {
	mu      sync.Mutex
	units   []Unit
	settled []Settled
	told    []string
	gate    func(string, time.Time)
	wait    chan struct{} // closed when there will be no more
}

func (s *sharedSource) Next() (Unit, error) {
	u, ok := s.take()
	if !ok {
		<-s.wait
		if u, ok = s.take(); !ok {
			return u, io.EOF
		}
	}
	u.Settle = func(x Settled) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.settled = append(s.settled, x)
	}
	return u, nil
}

func (s *sharedSource) take() (u Unit, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.units) > 0 {
		u, s.units, ok = s.units[0], s.units[1:], true
	}
	return u, ok
}

func (s *sharedSource) ShareGate(origin string, until time.Time) {
	s.told = append(s.told, fmt.Sprint(origin, " ", until.UnixMilli()))
}

func (s *sharedSource) OnGate(f func(string, time.Time)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = f
}

func sharedUnit(line int64, url string) Unit {
	return Unit{Request: Request{URL: url, Line: line}}
}

func fetchShared(t *testing.T, s *sharedSource, change func(*Config), answer func(n int, req *http.Request) (int, http.Header, error)) (*server, Summary, string) {
	t.Helper()
	web := &server{answer: answer, start: time.Now()}
	c := SmartDefaults()
	change(&c)
	var log bytes.Buffer
	client, err := New(nil, WithConfig(c), WithTransport(web), WithLog(NewLog(&log)))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := client.FetchAll(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return web, sum, log.String()
}

// What becomes of a URL is told once, with all of its records and only those.
func TestSettle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sharedSource{wait: make(chan struct{})}
		close(s.wait)
		bad := sharedUnit(3, "x y")
		bad.Bad = fmt.Errorf("a blank inside")
		again := sharedUnit(4, "http://b/again")
		again.Tried, again.Run = 3, 7
		s.units = []Unit{sharedUnit(1, "http://a/ok"), sharedUnit(2, "http://a/fails"), bad, again}
		_, sum, log := fetchShared(t, s, func(*Config) {}, func(n int, req *http.Request) (int, http.Header, error) {
			if strings.HasSuffix(req.URL.Path, "ok") {
				return 200, nil, nil
			}
			return 500, nil, nil
		})
		if len(s.settled) != 4 || sum.TotalURLs != 4 || sum.Successful != 1 {
			t.Fatalf("%d settled, %+v", len(s.settled), sum)
		}
		all := 0
		for _, x := range s.settled {
			text := string(x.Records)
			all += len(text)
			if x.Postponed || !strings.Contains(log, lastLine(text)) || !strings.Contains(lastLine(text), `"final":true`) || strings.Count(text, `"final":true`) != 1 {
				t.Errorf("%+v: %s", x.Outcome, text)
			}
			switch {
			case strings.Contains(text, "/ok"):
				if x.Outcome != retry.OutcomeSuccess || x.Status != 200 || x.Attempts != 1 {
					t.Errorf("%+v", x)
				}
			case strings.Contains(text, "/again"): // its last retry: others made three attempts
				if x.Outcome != retry.OutcomeMaxRetries || x.Attempts != 4 || strings.Count(text, "server_error") != 2 || !strings.Contains(text, `"run":7,`) {
					t.Errorf("%+v", x)
				}
			case strings.Contains(text, "/fails"):
				if x.Outcome != retry.OutcomeMaxRetries || x.Attempts != 4 || strings.Count(text, `"event":"retry"`) != 3 {
					t.Errorf("%+v", x)
				}
			default:
				if x.Outcome != retry.OutcomeBadInput {
					t.Errorf("%+v", x)
				}
			}
		}
		if all != len(log) {
			t.Errorf("%d bytes of records were told, the log has %d", all, len(log))
		}
	})
}

func lastLine(text string) string {
	text = strings.TrimSuffix(text, "\n")
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// A gate that a server closes here is told; one that another process was told
// of keeps our URLs of that origin away too, and no others.
func TestSharedGates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sharedSource{wait: make(chan struct{})}
		s.units = []Unit{sharedUnit(1, "http://a/1")}
		start := time.Now()
		go func() {
			time.Sleep(time.Second) // a/1 has had its answer
			s.mu.Lock()
			gate := s.gate
			s.mu.Unlock()
			gate("http://b:80", start.Add(20*time.Second))
			gate("http://a:80", start) // over
			s.mu.Lock()
			s.units = append(s.units, sharedUnit(2, "http://b/1"), sharedUnit(3, "http://c/1"))
			s.mu.Unlock()
			close(s.wait)
		}()
		web, sum, _ := fetchShared(t, s, func(c *Config) { c.Window = 8 }, func(n int, req *http.Request) (int, http.Header, error) {
			if n == 1 {
				return 429, http.Header{"Retry-After": {"5"}}, nil
			}
			if since := time.Since(start); req.URL.Host == "b" && since < 20*time.Second {
				t.Errorf("b was asked after %v", since)
			}
			return 200, nil, nil
		})
		if want := fmt.Sprint("http://a:80 ", start.Add(5*time.Second).UnixMilli()); len(s.told) != 1 || s.told[0] != want {
			t.Errorf("told %v, want %s", s.told, want)
		}
		if sum.Successful != 3 || len(web.at) != 4 {
			t.Errorf("%+v", sum)
		}
	})
}

// A URL that was put off and comes back is counted once.
func TestPutOffCountsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sharedSource{wait: make(chan struct{})}
		s.units = []Unit{sharedUnit(1, "http://a/1")}
		go func() {
			time.Sleep(time.Minute)
			s.mu.Lock()
			back := sharedUnit(1, "http://a/1")
			back.Tried = s.settled[0].Attempts
			s.units = append(s.units, back)
			s.mu.Unlock()
			close(s.wait)
		}()
		_, sum, log := fetchShared(t, s, func(c *Config) { c.RetryAfterCap = 30 * time.Second }, func(n int, req *http.Request) (int, http.Header, error) {
			if n == 1 {
				return 503, http.Header{"Retry-After": {"50"}}, nil
			}
			return 200, nil, nil
		})
		if len(s.settled) != 2 || !s.settled[0].Postponed || s.settled[0].NotBefore.IsZero() || s.settled[1].Attempts != 2 {
			t.Errorf("%+v", s.settled)
		}
		if sum.TotalURLs != 1 || sum.Successful != 1 || sum.Extra.Postponed != 0 || sum.TotalRequests != 2 {
			t.Errorf("%+v\n%s", sum, log)
		}
	})
}

// A line of a work queue is read as a line of a list.
func TestListLine(t *testing.T) {
	t.Parallel()
	l := NewList(strings.NewReader(""), "the queue")
	l.Each = Request{Method: "PUT"}
	for text, bad := range map[string]bool{"http://h/": false, " http://h/\r": false, "": true, "# x": true, "h": true, `{"url":"http://h/","method":"PUT"}`: false, "{": true} {
		if u := l.Line(9, []byte(text)); (u.Bad != nil) != bad || u.Line != 9 || !bad && (u.URL != "http://h/" || u.Method != "PUT") {
			t.Errorf("%q: %+v", text, u)
		}
	}
}
