package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"holdfast/fetch"
)

// TestRoundTripper: an http.Client over our RoundTripper gets the answer after
// the retries, follows redirects itself, and gets a failure that no retry mended
// as an answer if there is one, and as an error if there is none.
func TestRoundTripper(t *testing.T) {
	t.Parallel()
	var busy atomic.Int64
	var bodies atomic.Pointer[string]
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/busy":
			if busy.Add(1) < 3 {
				w.WriteHeader(503)
				return
			}
			text, _ := io.ReadAll(r.Body)
			sent := r.Method + " " + string(text) + " " + r.Header.Get("X-Mine")
			bodies.Store(&sent)
			_, _ = io.WriteString(w, "at last")
		case "/down":
			w.WriteHeader(500)
			_, _ = io.WriteString(w, "sorry")
		case "/moved":
			http.Redirect(w, r, "/long", http.StatusFound)
		case "/long":
			_, _ = w.Write(bytes.Repeat([]byte("x"), 100_000))
		case "/cut":
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "half")
			panic(http.ErrAbortHandler)
		default:
			w.WriteHeader(404)
			_, _ = io.WriteString(w, r.Host)
		}
	}))
	t.Cleanup(web.Close)
	c := fetch.SmartDefaults()
	c.InitialBackoff, c.MaxBackoff, c.MaxBuffer = time.Millisecond, time.Millisecond, 50_000
	client, err := fetch.New(nil, fetch.WithConfig(c))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	user := http.Client{Transport: client.RoundTripper()}
	get := func(path string, want int, body string) {
		t.Helper()
		resp, err := user.Get(web.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != want || string(text) != body || resp.Request == nil {
			t.Errorf("%s: %d %.50q %v", path, resp.StatusCode, text, err)
		}
	}
	req, err := http.NewRequest("PUT", web.URL+"/busy", strings.NewReader("the same each time"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Mine", "kept")
	resp, err := user.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if sent := bodies.Load(); resp.StatusCode != 200 || sent == nil || *sent != "PUT the same each time kept" || busy.Load() != 3 {
		t.Errorf("%d after %d requests, %v", resp.StatusCode, busy.Load(), sent)
	}
	get("/down", 500, "sorry")
	get("/moved", 200, strings.Repeat("x", 100_000)) // longer than MaxBuffer: the rest comes as it comes

	if _, err := user.Get(web.URL + "/cut"); err == nil || !errors.Is(err, fetch.ErrMaxRetries) {
		t.Errorf("a body that breaks off each time: %v", err)
	}
	req, _ = http.NewRequest("GET", web.URL+"/else", nil)
	req.Host = "other.example"
	if resp, err = user.Do(req); err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 404 || string(text) != "other.example" {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	req, _ = http.NewRequestWithContext(ctx, "GET", web.URL+"/long", nil)
	if _, err := user.Do(req); !errors.Is(err, context.Canceled) {
		t.Errorf("a request that was cancelled: %v", err)
	}
}
