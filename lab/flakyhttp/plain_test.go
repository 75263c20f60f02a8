package flakyhttp_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/lab/flakyhttp"
	"holdfast/lab/flakyhttp/ledger"
)

// answer reads one answer of a connection that stays.
func (c client) answer(path string) (*http.Response, string) {
	c.t.Helper()
	c.ask(path)
	r, err := http.ReadResponse(bufio.NewReader(c.Conn), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return r, string(b)
}

// A page is given by its name, after whatever comes before it; one that is not
// there is told.
func TestPages(t *testing.T) {
	t.Parallel()
	s, err := flakyhttp.Start(flakyhttp.Config{Pages: map[string]string{"a": "first\nsecond\n"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := dial(t, s.URL())
	for _, want := range []struct {
		path   string
		status int
		body   string
	}{
		{"/fault/seq/x/503,200;page=a", 503, "status 503\n"},
		{"/fault/seq/x/503,200;page=a", 200, "first\nsecond\n"},
		{"/fault/status/404?page=a", 404, "first\nsecond\n"},
		{"/fault/status/200?page=b", 400, "status 200: there is no page \"b\"\n"},
	} {
		if r, body := c.answer(want.path); r.StatusCode != want.status || body != want.body {
			t.Errorf("%s: %d %q, want %d %q", want.path, r.StatusCode, body, want.status, want.body)
		}
	}
}

// The answers that net/http sends: status, body, a header.
func TestAnswers(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := dial(t, s.URL())
	for _, a := range []struct {
		path   string
		status int
		body   string // "*" is anything
		header string
		value  string
	}{
		{"/html", 200, "*", "Content-Type", "text/html; charset=utf-8"},
		{"/status/503?_id=7", 503, "", "", ""},
		{"/bytes/10?seed=1", 200, "*", "Content-Length", "10"},
		{"/fault/", 200, "*", "Content-Type", "text/plain; charset=utf-8"},
		{"/fault/status/503", 503, "status 503\n", "Content-Length", "11"},
		{"/fault/status/503?bytes=100&Retry-After=2&_id=7", 503, filler + filler[:36], "Retry-After", "2"},
		{"/fault/status/200?body=Herman&Etag=%22a%22", 200, "Herman", "Etag", `"a"`},
		{"/fault/status/200?Date=x&delay=1ms", 200, "status 200\n", "Date", "x"},
		{"/fault/status/204", 204, "", "", ""},
		{"/fault/status/304?ETag=a", 304, "", "Etag", "a"},
		{"/fault/status/404", 404, "status 404\n", "", ""},
		{"/fault/status/999", 999, "status 999\n", "", ""},
		{"/fault/trickle?bytes=3&every=1ms", 200, "...", "Content-Length", "3"},
		{"/fault/gzip-garbage", 200, "this is no gzip, whatever the header says\n", "Content-Encoding", "gzip"},
		{"/fault/redirect?to=../a%20b&status=307", 307, "", "Location", "../a b"},
		{"/fault/redirect?to=", 302, "", "Location", ""},
		{"/fault/redirect", 302, "", "", ""},
		{"/fault/redirect-loop?_id=1", 302, "", "Location", "/fault/redirect-loop?_id=1"},
		{"/fault/retry-after?value=2&value=3&status=429", 429, "", "Retry-After", "2"},
		{"/fault/retry-after?value=1&id=ra&times=2", 503, "", "Retry-After", "1"},
		{"/fault/retry-after?value=1&id=ra&times=2", 503, "", "Retry-After", "1"},
		{"/fault/retry-after?value=1&id=ra&times=2", 200, "", "", ""},
		{"/fault/h2/http11-required", 200, "status 200\n", "", ""},
		{"/fault/seq/a/503,404;bytes=2,200;body=a%2Cb%3B;X-Y=%2F%2F..", 503, "status 503\n", "", ""},
		{"/fault/seq/a/503,404;bytes=2,200;body=a%2Cb%3B;X-Y=%2F%2F..", 404, "th", "", ""},
		{"/fault/seq/a/503,404;bytes=2,200;body=a%2Cb%3B;X-Y=%2F%2F..", 200, "a,b;", "X-Y", "//.."},
		{"/fault/seq/a/503,404;bytes=2,200;body=a%2Cb%3B;X-Y=%2F%2F..", 200, "a,b;", "X-Y", "//.."},
	} {
		r, body := c.answer(a.path)
		if r.StatusCode != a.status || a.body != "*" && body != a.body {
			t.Errorf("%s: status %d, body %q; want %d, %q", a.path, r.StatusCode, body, a.status, a.body)
		}
		if a.header != "" && (r.Header[http.CanonicalHeaderKey(a.header)] == nil || r.Header.Get(a.header) != a.value) {
			t.Errorf("%s: %s is %q, want %q", a.path, a.header, r.Header[http.CanonicalHeaderKey(a.header)], a.value)
		}
	}
	all := entries(t, s)
	for _, e := range all {
		if e.Conn != all[0].Conn || e.End != ledger.Complete {
			t.Errorf("the ledger says %+v, want all on one connection and complete", e)
		}
	}
}

// A fault is a step, too.
func TestSequenceOfFaults(t *testing.T) {
	t.Parallel()
	s := start(t)
	const path = "/fault/seq/f/truncate;length=5;bytes=3,reset,fin;partial=1,200"
	for i, want := range []string{"\r\n\r\nthe FIN", " RST", "HTTP/1.1 2 FIN"} {
		text, end := raw(t, s.URL(), path)
		if got := text + " " + end; !strings.HasSuffix(got, want) {
			t.Errorf("request %d: %q, want %q", i, got, want)
		}
	}
	if r, _ := dial(t, s.URL()).answer(path); r.StatusCode != 200 {
		t.Errorf("at last: status %d", r.StatusCode)
	}
}

func TestGzip(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, cut := dial(t, s.URL()).answer("/fault/gzip-cut")
	z, err := gzip.NewReader(strings.NewReader(cut))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(string(text), "Herman") {
		t.Errorf("gzip-cut: %q, %v; want the text and an unexpected end", text, err)
	}
	_, bomb := dial(t, s.URL()).answer("/fault/gzip-bomb?size=3145728")
	if len(bomb) > 6<<10 {
		t.Errorf("the bomb takes %d bytes", len(bomb))
	}
	z, err = gzip.NewReader(strings.NewReader(bomb))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || !bytes.Equal(text, make([]byte, 3<<20)) {
		t.Errorf("gzip-bomb: %d bytes, %v", len(text), err)
	}
}

// TestBadParameters has a line for every mistake.
func TestBadParameters(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := dial(t, s.URL())
	for path, want := range map[string]string{
		"reset?when=never":                        `reset: when="never": must be one of before, headers, body`,
		"reset?when=body&when=body":               `reset: when is given 2 times: once is enough`,
		"reset?what=1":                            `reset: unknown parameter "what": known are when`,
		"garbage?x=1":                             `garbage: unknown parameter "x": this fault has none`,
		"fin?partial=2":                           `fin: partial="2": must be one of 0, 1`,
		"truncate?length=0":                       `truncate: length="0": must be a whole number from 1 to 67108864`,
		"truncate?length=67108865":                `truncate: length="67108865": must be a whole number from 1 to 67108864`,
		"truncate?length=5&bytes=5":               `truncate: bytes="5": must be a whole number from 0 to 4`,
		"truncate?bytes=":                         `truncate: bytes="": must be a whole number from 0 to 999`,
		"truncate?bytes=9223372036854775808":      `truncate: bytes="9223372036854775808": must be a whole number from 0 to 999`,
		"stall?for=11m":                           `stall: for="11m": must be a duration from 0s to 10m0s, such as 500ms`,
		"stall?for=-1s":                           `stall: for="-1s": must be a duration from 0s to 10m0s, such as 500ms`,
		"trickle?bytes=1000000&every=1s":          `trickle: bytes=1000000 every=1s: takes longer than 10m0s`,
		"trickle?every=2":                         `trickle: every="2": must be a duration from 0s to 1m0s, such as 500ms`,
		"big-header?bytes=67108865":               `big-header: bytes="67108865": must be a whole number from 1 to 67108864`,
		"gzip-bomb?size=4294967297":               `gzip-bomb: size="4294967297": must be a whole number from 1 to 4294967296`,
		"no-length?bytes=-1":                      `no-length: bytes="-1": must be a whole number from 0 to 67108864`,
		"retry-after?times=2":                     `retry-after: times needs an id, by which requests are counted`,
		"retry-after?id=a%20b":                    `retry-after: id "a b": use 1 to 64 letters, digits, dots, dashes and underscores`,
		"retry-after?value=a%0Ab":                 `retry-after: header Retry-After: the value "a\nb" must be one line of at most 8 KiB`,
		"retry-after?status=99":                   `retry-after: status="99": must be a whole number from 200 to 599`,
		"redirect?status=200":                     `redirect: status="200": must be a whole number from 300 to 399`,
		"redirect?to=a%00b":                       `redirect: header Location: the value "a\x00b" must be one line of at most 8 KiB`,
		"status/20":                               `status "20": must be three digits`,
		"status/-20":                              `status "-20": must be three digits`,
		"status/200?delay=61s":                    `status 200: delay="61s": must be a duration from 0s to 1m0s, such as 500ms`,
		"status/200?a%20b=1":                      `status 200: unknown parameter "a b": known are body, bytes, delay, page`,
		"status/200?A%20b=1":                      `status 200: "A b" is no name of a header`,
		"truncate?lenght=5":                       `truncate: unknown parameter "lenght": known are bytes, chunked, length, status`,
		"status/200?bytes=67108865":               `status 200: bytes="67108865": must be a whole number from 0 to 67108864`,
		"seq/a":                                   `seq: use /fault/seq/ID/STEP,STEP,..., such as /fault/seq/a/503,reset,200`,
		"seq/a/":                                  `seq: use /fault/seq/ID/STEP,STEP,..., such as /fault/seq/a/503,reset,200`,
		"seq/a%2Fb/200":                           `seq: id "a%2Fb": use 1 to 64 letters, digits, dots, dashes and underscores`,
		"seq/a/200,":                              `seq: step 2: "" is neither a status nor a fault: GET /fault/ lists them`,
		"seq/a/200,nope":                          `seq: step 2: "nope" is neither a status nor a fault: GET /fault/ lists them`,
		"seq/a/200,stall;for=1h":                  `seq: step 2: stall: for="1h": must be a duration from 0s to 10m0s, such as 500ms`,
		"seq/a/" + strings.Repeat("200,", 1000):   `seq: 1001 steps: at most 1000`,
		"seq/" + strings.Repeat("a", 65) + "/200": `seq: id "` + strings.Repeat("a", 65) + `": use 1 to 64 letters, digits, dots, dashes and underscores`,
		"h2/goaway":                               `h2/goaway: a fault of HTTP/2: ask for it in HTTP/2, on the port that speaks frames`,
		"reset?%zz":                               `the query cannot be read: invalid URL escape "%zz"`,
	} {
		r, body := c.answer("/fault/" + path)
		if r.StatusCode != 400 || body != want+"\n" {
			t.Errorf("%.60s: status %d, %q; want 400, %q", path, r.StatusCode, body, want)
		}
	}
	for _, path := range []string{"nope", "seq", "status", "reset/x", "RESET"} {
		if r, body := c.answer("/fault/" + path); r.StatusCode != 404 || !strings.HasSuffix(body, "GET /fault/ lists them\n") {
			t.Errorf("%s: status %d, %q; want 404", path, r.StatusCode, body)
		}
	}
}

// The server remembers so many ids, and then only those.
func TestIDsAreBounded(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := dial(t, s.URL())
	in := bufio.NewReader(c)
	status := func(id int) int {
		c.ask(fmt.Sprintf("/fault/seq/%d/204", id))
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, r.Body)
		return r.StatusCode
	}
	for id := range 10_000 {
		if got := status(id); got != 204 {
			t.Fatalf("id %d: status %d", id, got)
		}
	}
	if got := status(10_000); got != 400 {
		t.Errorf("one id too many: status %d, want 400", got)
	}
	if got := status(0); got != 204 {
		t.Errorf("a known id: status %d, want 204", got)
	}
}

// net/http's client sends a request again when an idle connection is closed
// under it, and says nothing. The ledger knows.
func TestKeepaliveClose(t *testing.T) {
	t.Parallel()
	s := start(t)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport}
	get := func(path string, trace *httptrace.ClientTrace) int {
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", s.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		io.Copy(io.Discard, answer.Body)
		return answer.StatusCode
	}
	wrote := 0
	get("/fault/keepalive-close", &httptrace.ClientTrace{})
	if status := get("/get?_id=1", &httptrace.ClientTrace{WroteHeaders: func() { wrote++ }}); status != 200 || wrote != 2 {
		t.Errorf("status %d after %d sends, want 200 after 2", status, wrote)
	}
	all := entries(t, s)
	if len(all) != 3 {
		t.Fatalf("%d entries, want 3: %v", len(all), all)
	}
	if a, b := all[1], all[2]; a.End != ledger.Truncated || a.Status != 0 || a.Conn != all[0].Conn || b.End != ledger.Complete || b.Conn == a.Conn || a.URL != b.URL {
		t.Errorf("the ledger says %+v", all)
	}
}

// The client leaves first.
func TestClientLeaves(t *testing.T) {
	t.Parallel()
	s := start(t)
	for i, path := range []string{
		"/fault/stall", "/fault/stall?phase=body", "/delay/30", "/fault/trickle?bytes=100&every=1s", "/fault/status/200?delay=30s", "/fault/big-header?bytes=67108864",
	} {
		c := dial(t, s.URL())
		c.ask(path)
		waitForEntry(t, s, i)
		c.Close()
		all := entries(t, s)
		if e := all[len(all)-1]; len(all) != i+1 || e.End != ledger.ClientClosed {
			t.Errorf("%s: the ledger says %+v", path, e)
		}
	}
}

// waitForEntry waits until the request has begun, which the ledger does not
// tell: by asking something else that begins later.
func waitForEntry(t *testing.T, s *flakyhttp.Server, ended int) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for s.Ledger.Open() == 0 {
		if time.Now().After(deadline) {
			t.Fatalf("request %d does not begin", ended)
		}
		time.Sleep(time.Millisecond) // nothing depends on how long
	}
}

func TestPorts(t *testing.T) {
	t.Parallel()
	s := start(t)
	urls := s.URLs()
	trusting := func(alpn ...string) *http.Client {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.CAPool()}, ForceAttemptHTTP2: len(alpn) > 0}
		t.Cleanup(tr.CloseIdleConnections)
		return &http.Client{Transport: tr}
	}
	for _, proto := range []int{1, 2} {
		c := trusting()
		if proto == 2 {
			c = trusting("h2")
		}
		r, err := c.Get(s.TLSURL() + "/fault/status/503")
		if err != nil || r.ProtoMajor != proto || r.StatusCode != 503 {
			t.Fatalf("TLS, HTTP/%d: %v, %v", proto, r, err)
		}
		r.Body.Close()
	}
	// Over HTTP/2 a fault of the wire is refused, the others work.
	r, err := trusting("h2").Get(s.TLSURL() + "/fault/reset")
	if err != nil || r.StatusCode != 400 {
		t.Fatalf("reset over HTTP/2: %v, %v", r, err)
	}
	text, _ := io.ReadAll(r.Body)
	r.Body.Close()
	if !strings.HasPrefix(string(text), "reset: works on HTTP/1.1 only") {
		t.Errorf("reset over HTTP/2: %q", text)
	}
	// Over TLS the faults of the wire are the same.
	if _, err := trusting().Get(s.TLSURL() + "/fault/reset"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reset over TLS: %v", err)
	}
	if _, err := trusting().Get(s.TLSURL() + "/fault/fin"); !errors.Is(err, io.EOF) {
		t.Errorf("fin over TLS: %v", err)
	}

	var expired x509.CertificateInvalidError
	if _, err := trusting().Get(urls["tls_expired"]); !errors.As(err, &expired) || expired.Reason != x509.Expired {
		t.Errorf("expired: %v", err)
	}
	var name x509.HostnameError
	if _, err := trusting().Get(urls["tls_wrong_name"]); !errors.As(err, &name) {
		t.Errorf("wrong name: %v", err)
	}
	var unknown x509.UnknownAuthorityError
	if _, err := http.Get(s.TLSURL()); !errors.As(err, &unknown) {
		t.Errorf("unknown CA: %v", err)
	}

	c, err := net.Dial("tcp", strings.TrimPrefix(urls["reset"], "http://"))
	if err == nil {
		_, err = c.Read(make([]byte, 1))
		c.Close()
	}
	if !errors.Is(err, syscall.ECONNRESET) { // when connecting or after it
		t.Errorf("the reset port: %v", err)
	}
	entries(t, s) // with that of the reset, before another comes
	silent := dial(t, urls["silent"])
	silent.ask("/get")
	waitForEntry(t, s, 0)
	silent.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := silent.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the silent port: %v", err)
	}
	silent.Close()
	last := entries(t, s)
	if e := last[len(last)-1]; e.End != ledger.ClientClosed || e.URL != "" {
		t.Errorf("the silent port: the ledger says %+v", e)
	}
	if e := last[len(last)-2]; e.End != ledger.Reset || e.URL != "" {
		t.Errorf("the reset port: the ledger says %+v", e)
	}
}

// Close ends what is under way, at once, and the file has all of it.
func TestClose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := flakyhttp.Config{LedgerFile: filepath.Join(dir, "ledger.jsonl"), CAFile: filepath.Join(dir, "ca.pem")}
	s, err := flakyhttp.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(s.CAFile())
	if err != nil || !x509.NewCertPool().AppendCertsFromPEM(pem) {
		t.Errorf("the CA's file: %v", err)
	}
	paths := []string{"/delay/60", "/fault/stall", "/fault/stall?phase=body", "/fault/trickle?every=1s", "/get"}
	for _, path := range paths {
		dial(t, s.URL()).ask(path)
	}
	dial(t, s.URLs()["silent"])
	f := dialFrames(t, s, true)
	f.ask("/fault/h2/graceful")
	f.frame()
	for s.Ledger.Open() != 5 || len(s.Ledger.Entries()) != 2 { // nothing is half begun or half ended
		if t.Context().Err() != nil {
			t.FailNow()
		}
		time.Sleep(time.Millisecond)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if s.Ledger.Open() != 0 {
		t.Errorf("%d requests are open", s.Ledger.Open())
	}
	file, err := os.Open(c.LedgerFile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all, bad, err := ledger.Read(file)
	if err != nil || len(bad) > 0 || len(all) != len(paths)+2 {
		t.Errorf("%d entries, %v, %v: %v", len(all), bad, err, all)
	}
	for _, e := range all {
		if complete := e.End == ledger.Complete; complete != (strings.HasSuffix(e.URL, "/get") || strings.HasSuffix(e.URL, "/graceful")) || e.End == ledger.ClientClosed {
			t.Errorf("the ledger says %+v", e)
		}
	}
	if _, err := http.Get(s.URL()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close again: %v", err)
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	s := start(t)
	addr := strings.TrimPrefix(s.URL(), "http://")
	if _, err := flakyhttp.Start(flakyhttp.Config{Addr: addr}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a taken port: %v", err)
	}
	if _, err := flakyhttp.Start(flakyhttp.Config{LedgerFile: t.TempDir()}); err == nil {
		t.Error("a folder as ledger: no error")
	}
}
