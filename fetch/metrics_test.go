package fetch_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"holdfast/fetch"
)

// TestMetrics: the text says what happened, in the format of Prometheus, and
// names origins but no URL.
func TestMetrics(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/bad"):
			w.WriteHeader(500)
		case strings.HasPrefix(r.URL.Path, "/pause"):
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(429)
		default:
			_, _ = w.Write(make([]byte, 100))
		}
	}))
	t.Cleanup(web.Close)
	c := fetch.SmartDefaults()
	c.InitialBackoff, c.Retries, c.RetryAfterCap = time.Millisecond, 1, time.Minute
	client, err := fetch.New(nil, fetch.WithConfig(c))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var b bytes.Buffer
	if err := client.WriteMetrics(&b); err != nil || b.Len() != 0 {
		t.Errorf("before the first run: %q, %v", b.String(), err)
	}
	other := strings.Replace(web.URL, "127.0.0.1", "localhost", 1) // another origin
	ok := strings.Fields(strings.Repeat(web.URL+"/good?token=secret ", 3))
	if _, err := client.FetchAll(context.Background(), fetch.URLs(append(ok, web.URL+"/bad", other+"/pause", "no url")...)); err != nil {
		t.Fatal(err)
	}
	if err := client.WriteMetrics(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{
		`urls_total{outcome="success"} 3`, `urls_total{outcome="max_retries"} 1`, `urls_total{outcome="parked"} 1`, `urls_total{outcome="bad_input"} 1`,
		`attempts_total{class="success"} 3`, `attempts_total{class="server_error"} 2`, `attempts_total{class="client_error"} 1`,
		`retries_total 1`, `wire_sends_total 6`, `bytes_total 300`, `inflight 0`, `waiting 0`,
		`gate_closed{origin="` + web.URL + `"} 0`, `gate_closed{origin="` + other + `"} 1`, `breaker_open{origin="` + web.URL + `"} 0`,
		`attempt_seconds_bucket{result="success",le="+Inf"} 3`, `attempt_seconds_count{result="success"} 3`, `attempt_seconds_count{result="failure"} 3`,
	} {
		if !strings.Contains(text, "\nholdfast_fetch_"+want+"\n") {
			t.Errorf("no line %s", want)
		}
	}
	for line := range strings.Lines(text) {
		if name := strings.TrimPrefix(line, "# HELP "); name != line {
			family, _, _ := strings.Cut(name, " ")
			if !strings.Contains(text, "# TYPE "+family+" ") {
				t.Errorf("%s has no type", family)
			}
		}
	}
	if strings.Contains(text, "secret") || strings.Contains(text, "/good") {
		t.Error("a URL is a label")
	}
	if t.Failed() {
		t.Log(text)
	}
}

// TestNothingRuns: when a run is over and the client closed, none of its
// goroutines is left. It is not parallel, so there are no others.
func TestNothingRuns(t *testing.T) {
	hold := make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hangs":
			select {
			case <-r.Context().Done():
			case <-hold:
			}
		case "/bad":
			w.WriteHeader(500)
		}
	}))
	defer web.Close()
	defer close(hold)
	c := fetch.SmartDefaults()
	c.InitialBackoff, c.Timeout, c.Bodies = time.Millisecond, 200*time.Millisecond, t.TempDir()
	var log bytes.Buffer
	client, err := fetch.New(nil, fetch.WithConfig(c), fetch.WithLog(fetch.NewLog(&log)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.FetchAll(context.Background(), fetch.URLs(web.URL+"/", web.URL+"/bad", web.URL+"/hangs", "http://127.0.0.1:1/")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	client.Fetch(ctx, web.URL+"/hangs")
	client.Close()
	for ours := "?"; ours != ""; {
		if ours = running("holdfast/fetch."); ours != "" && t.Context().Err() != nil {
			t.Fatal(ours)
		}
		deadline, ok := t.Deadline()
		if ours != "" && ok && time.Until(deadline) < 10*time.Second {
			t.Fatal(ours)
		}
		time.Sleep(time.Millisecond)
	}
}

// running gives the stacks of goroutines that are in a package, but for tests.
func running(pkg string) string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var found []string
	for _, s := range strings.Split(string(stacks), "\n\n") {
		if (strings.Contains(s, pkg) || strings.Contains(s, "net/http.(*persistConn)")) && !strings.Contains(s, "testing.tRunner") {
			found = append(found, s)
		}
	}
	return strings.Join(found, "\n\n")
}
