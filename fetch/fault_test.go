package fetch_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/fetch"
	"holdfast/lab/flakyhttp"
)

// A record is what a test reads of the log.
type record struct {
	Timestamp, Event, URL, Class, Kind, Phase, Limit, Decision, Rule, Why, Outcome, Error string
	Line                                                                                  int64
	Attempt                                                                               int
	WireSends                                                                             int `json:"wire_sends"`
	Status                                                                                int
	Final, Postponed                                                                      bool
	Attempts                                                                              int
	WaitMS                                                                                float64 `json:"wait_ms"`
	Hops                                                                                  int
	Bytes                                                                                 int64
	ConnReused                                                                            bool `json:"conn_reused"`
	LengthUnverified                                                                      bool `json:"length_unverified"`
	SHA256                                                                                string
	BodyFile                                                                              string `json:"body_file"`
	NotBefore                                                                             string `json:"not_before"`
}

func readRecords(t *testing.T, log []byte) (all []record) {
	t.Helper()
	s := bufio.NewScanner(bytes.NewReader(log))
	for s.Scan() {
		var r record
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			t.Fatalf("%v: %s", err, s.Text())
		}
		if name := twice(s.Bytes()); name != "" {
			t.Errorf("%q is there twice: %s", name, s.Text())
		}
		all = append(all, r)
	}
	return all
}

// far is a limit that no machine is too slow for. Where a limit must not fire it
// is far, and where it must the server is silent for longer: so a busy machine
// changes no outcome.
const far = time.Minute

// twice is a name that a flat object has twice, which readers take as they like.
func twice(object []byte) string {
	d := json.NewDecoder(bytes.NewReader(object))
	seen := map[json.Token]bool{}
	for name := true; ; name = !name {
		switch t, err := d.Token(); {
		case err != nil:
			return ""
		case t == json.Delim('{'):
			name = false
		case name && seen[t]:
			return fmt.Sprint(t)
		case name:
			seen[t] = true
		}
	}
}

// brisk are the rules of an operator with short waits, and with limits that are
// far away.
func brisk(lab *flakyhttp.Server) fetch.Config {
	c := fetch.SmartDefaults()
	c.InitialBackoff, c.MaxBackoff = time.Millisecond, 2*time.Millisecond
	c.Retries = 2
	c.Timeout, c.Headers, c.Idle, c.Connect, c.TLS = far, far, far, far, far
	c.TLSConfig = &tls.Config{RootCAs: lab.CAPool()}
	c.Breaker, c.AttemptHeader = false, true
	return c
}

// run fetches URLs and returns the records, having held them against what the
// server saw.
func run(t *testing.T, lab *flakyhttp.Server, c fetch.Config, opts []fetch.Option, urls ...string) (fetch.Summary, []record) {
	t.Helper()
	var log bytes.Buffer
	opts = append([]fetch.Option{fetch.WithConfig(c), fetch.WithLog(fetch.NewLog(&log))}, opts...)
	client, err := fetch.New(nil, opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	s, err := client.FetchAll(context.Background(), fetch.URLs(urls...))
	if err != nil {
		t.Fatal(err)
	}
	records := readRecords(t, log.Bytes())
	checkLedger(t, lab, records, urls)
	checkGrammar(t, records)
	return s, records
}

// checkLedger: what the log says was sent is what the server saw (R1.8, V9).
func checkLedger(t *testing.T, lab *flakyhttp.Server, records []record, urls []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), far)
	defer cancel()
	if err := lab.Ledger.Wait(ctx); err != nil {
		seen := map[uint64]bool{}
		for _, e := range lab.Ledger.Entries() {
			seen[e.Seq] = true
			t.Logf("%d %s %s", e.Seq, e.Attempt, e.URL)
		}
		t.Errorf("%v", err)
	}
	seen := map[string]int{}
	for _, e := range lab.Ledger.Entries() {
		var line, attempt, hop int
		if n, _ := fmt.Sscanf(e.Attempt, "%d.%d.%d", &line, &attempt, &hop); n == 3 {
			seen[fmt.Sprintf("%d.%d", line, attempt)]++
		}
	}
	for _, r := range records {
		if r.Class == "" {
			continue
		}
		key := fmt.Sprintf("%d.%d", r.Line, r.Attempt)
		n := seen[key]
		delete(seen, key)
		switch {
		case strings.Contains(r.URL, "/ignored"):
		case n > r.WireSends:
			t.Errorf("%s %s: the server saw %d requests, the log says %d", r.URL, key, n, r.WireSends)
		case r.WireSends == 1 && n != 1 && r.Status != 0, r.Status != 0 && n == 0:
			t.Errorf("%s %s: the server saw %d requests, the log says %d and status %d", r.URL, key, n, r.WireSends, r.Status)
		}
	}
	for key, n := range seen {
		t.Errorf("the server saw %d requests of attempt %s, of which the log says nothing", n, key)
	}
}

// checkGrammar: R3.1 to R3.3 for each URL.
func checkGrammar(t *testing.T, records []record) {
	t.Helper()
	type state struct {
		attempts int
		retry    bool
		over     bool
	}
	urls := map[int64]*state{}
	for _, r := range records {
		s := urls[r.Line]
		if s == nil {
			s = &state{retry: true}
			urls[r.Line] = s
		}
		if s.over {
			t.Errorf("line %d: %s after its end", r.Line, r.Event)
		}
		if r.Class != "" && r.Attempt > 0 {
			if !s.retry || r.Attempt != s.attempts+1 {
				t.Errorf("line %d: attempt %d after attempt %d", r.Line, r.Attempt, s.attempts)
			}
			s.attempts, s.retry = r.Attempt, false
		}
		if r.Event == "retry" {
			if s.retry || r.Attempt != s.attempts+1 {
				t.Errorf("line %d: retry %d after attempt %d", r.Line, r.Attempt, s.attempts)
			}
			s.retry = true
		}
		if r.Final || r.Postponed {
			s.over = true
			if r.Attempts != s.attempts {
				t.Errorf("line %d: %d attempts, the end says %d", r.Line, s.attempts, r.Attempts)
			}
		}
	}
	for line, s := range urls {
		if !s.over {
			t.Errorf("line %d has no end", line)
		}
	}
}

// story is what became of a line: the attempts, then the outcome.
func story(records []record, line int64) string {
	var parts []string
	for _, r := range records {
		if r.Line != line {
			continue
		}
		if r.Class != "" && r.Attempt > 0 {
			s := r.Class
			for _, more := range []string{r.Kind, r.Phase, r.Limit} {
				if more != "" {
					s += "/" + more
				}
			}
			parts = append(parts, s)
		}
		if r.Final || r.Postponed {
			parts = append(parts, r.Outcome)
		}
	}
	return strings.Join(parts, " ")
}

func thrice(what string) string { return what + " " + what + " " + what + " max_retries" }

// TestFaults meets every fault of the lab over the real transport but silence
// (see TestSilence): one class an attempt, the decision of the table, and the
// same number of requests on both sides.
func TestFaults(t *testing.T) {
	t.Parallel()
	lab := startLab(t)
	http1, tls1 := lab.URL(), lab.TLSURL()
	ports := lab.URLs()
	cases := []struct{ url, want string }{
		{http1 + "/fault/reset?when=before", thrice("connection/reset/headers")},
		{http1 + "/fault/reset?when=headers", thrice("connection/reset/headers")},
		{http1 + "/fault/reset?when=body", thrice("connection/truncated/body")},
		{http1 + "/fault/fin", thrice("connection/eof/headers")},
		{http1 + "/fault/fin?partial=1", thrice("connection/eof/headers")},
		{http1 + "/fault/truncate?length=1000&bytes=10", thrice("connection/truncated/body")},
		{http1 + "/fault/truncate?length=1000&bytes=10&chunked=1", thrice("connection/truncated/body")},
		{http1 + "/fault/bad-chunk", thrice("connection/truncated/body")},
		{http1 + "/fault/garbage", "connection/malformed/headers connection/malformed/headers connection"},
		{http1 + "/fault/dup-length", "connection/malformed/headers connection/malformed/headers connection"},
		{http1 + "/fault/big-header?bytes=11534336", "connection/malformed/headers connection/malformed/headers connection"},
		{http1 + "/fault/no-length?bytes=100", "success success"},
		{http1 + "/fault/gzip-bomb?size=30000000", "too_large too_large"},
		{http1 + "/fault/gzip-cut", "decode_error/cut decode_error/cut decode_error"},
		{http1 + "/fault/gzip-garbage", "decode_error/garbage decode_error"},
		{http1 + "/fault/redirect-loop", "redirect/too_many redirect"},
		{http1 + "/fault/redirect?to=ftp%3A%2F%2Fx%2F&status=302", "redirect/bad_target redirect"},
		{http1 + "/fault/redirect", "redirect redirect"},
		{http1 + "/redirect/3", "success success"},
		{http1 + "/fault/status/304", "redirect redirect"},
		{http1 + "/fault/status/204", "success success"},
		{http1 + "/fault/status/501", "server_error/permanent server_error"},
		{http1 + "/fault/status/429", thrice("client_error/rate_limited")},
		{http1 + "/fault/status/408", "client_error/request_timeout client_error/request_timeout client_error"},
		{http1 + "/fault/status/425", "client_error/too_early client_error/too_early client_error"},
		{http1 + "/fault/status/413", "client_error/payload client_error"},
		{http1 + "/fault/status/503", thrice("server_error")},
		{http1 + "/fault/status/700", thrice("invalid_status/high")},
		{http1 + "/fault/seq/a/503,503,200", "server_error server_error success success"},
		{http1 + "/gzip", "success success"},
		{tls1 + "/get", "success success"},
		{ports["tls_expired"] + "/get", "connection/certificate/tls connection"},
		{ports["tls_wrong_name"] + "/get", "connection/certificate/tls connection"},
		{ports["reset"] + "/get", thrice("connection/reset/headers")},
		{strings.Replace(http1, "http:", "https:", 1) + "/get", "connection/plain_http/tls connection"},
		{"http://127.0.0.1:1/", thrice("connection/refused/connect")},
		{"http://nowhere.invalid/", "connection/dns_not_found/connect connection"},
		{"ftp://127.0.0.1/", "bad_input"},
		{"http://127.0.0.1:99999/", "bad_input"},
	}
	var urls []string
	for _, c := range cases {
		urls = append(urls, c.url)
	}
	c := brisk(lab)
	c.PerHost, c.SlowStart, c.Concurrency = 16, 16, 16
	c.Budget = false
	c.RetryAfterCap = time.Hour
	_, records := run(t, lab, c, []fetch.Option{fetch.WithResolver(noNames())}, urls...)
	for n, c := range cases {
		got := story(records, int64(n+1))
		// On a connection that was used before, net/http sends again by itself; a
		// reset may come while we still write, or show as the end of the stream.
		got = strings.NewReplacer("/send", "/headers", "resend_limit", "eof").Replace(got)
		if strings.Contains(c.want, "connection/reset") {
			got = strings.NewReplacer("connection/eof", "connection/reset", "reset/connect", "reset/headers").Replace(got)
		}
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s\n%s", c.url, got, c.want, errorsOf(records, int64(n+1)))
		}
	}
}

// TestRepeatedMethods: after an answer, and after a connection that broke, only
// what may be done twice is done again (R2.9).
func TestRepeatedMethods(t *testing.T) {
	t.Parallel()
	const body = `"body":"x"`
	key := `"headers":{"Idempotency-Key":"k"}`
	for _, policy := range []fetch.Config{fetch.SpecDefaults(), fetch.SmartDefaults()} {
		lab := startLab(t)
		c := policy
		c.InitialBackoff, c.MaxBackoff, c.Retries = time.Millisecond, time.Millisecond, 1
		c.Timeout, c.Connect, c.Headers, c.Idle = far, far, far, far
		c.AttemptHeader, c.Breaker = true, false
		cases := []struct {
			method, more, path string
			attempts           int
		}{
			{"POST", body, "/status/500", 1},
			{"PATCH", body, "/status/503", 1},
			{"POST", body + "," + key, "/status/500", 2},
			{"PUT", body, "/status/500", 2},
			{"DELETE", "", "/status/500", 2},
			{"OPTIONS", "", "/fault/status/500", 2},
			{"POST", body, "/fault/reset?when=headers", 1},
			{"POST", body, "/fault/truncate?length=1000&bytes=10", 1},
			{"POST", body, "/fault/gzip-cut", 1},
			{"PUT", body, "/fault/reset?when=headers", 2},
		}
		var list strings.Builder
		for _, c := range cases {
			if c.more != "" {
				c.more = "," + c.more
			}
			fmt.Fprintf(&list, `{"url":%q,"method":%q%s}`+"\n", lab.URL()+c.path, c.method, c.more)
		}
		var log bytes.Buffer
		client, err := fetch.New(nil, fetch.WithConfig(c), fetch.WithLog(fetch.NewLog(&log)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.FetchAll(context.Background(), fetch.NewList(strings.NewReader(list.String()), "list")); err != nil {
			t.Fatal(err)
		}
		client.Close()
		records := readRecords(t, log.Bytes())
		checkLedger(t, lab, records, nil)
		for n, c := range cases {
			for _, r := range records {
				once := c.attempts == 1 && r.Class != "" && r.Class != "decode_error" // which spec never repeats anyway
				switch {
				case r.Line != int64(n+1):
				case r.Final && r.Attempts != c.attempts, once && r.Why != "not_idempotent":
					t.Errorf("%s %s: %d attempts, want %d: %+v", c.method, c.path, r.Attempts, c.attempts, r)
				}
			}
		}
	}
}

// TestSilence meets servers that fall silent: the limit of the phase fires, and
// the attempt ends as a timeout that names both.
func TestSilence(t *testing.T) {
	t.Parallel()
	const short = 100 * time.Millisecond
	http1 := func(lab *flakyhttp.Server) string { return lab.URL() }
	silent := func(lab *flakyhttp.Server) string { return lab.URLs()["silent"] }
	for name, c := range map[string]struct {
		base  func(*flakyhttp.Server) string
		path  string
		limit func(*fetch.Config) *time.Duration
		want  string
	}{
		"before the status line": {http1, "/fault/stall?phase=headers&for=10m", func(c *fetch.Config) *time.Duration { return &c.Headers }, "timeout/headers/headers"},
		"within the body":        {http1, "/fault/stall?phase=body&for=10m", func(c *fetch.Config) *time.Duration { return &c.Idle }, "timeout/body/idle"},
		"from the beginning":     {silent, "/get", func(c *fetch.Config) *time.Duration { return &c.Headers }, "timeout/headers/headers"},
		"in the handshake": {func(lab *flakyhttp.Server) string { return strings.Replace(silent(lab), "http:", "https:", 1) }, "/get",
			func(c *fetch.Config) *time.Duration { return &c.TLS }, "timeout/tls/tls"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lab := startLab(t)
			config := brisk(lab)
			*c.limit(&config) = short
			_, records := run(t, lab, config, nil, c.base(lab)+c.path)
			if got, want := strings.ReplaceAll(story(records, 1), "/send", "/headers"), thrice(c.want); got != want {
				t.Errorf("\n got %s\nwant %s\n%s", got, want, errorsOf(records, 1))
			}
		})
	}
}

// TestSilenceAfterRedirect: a redirect that turns a POST into a GET leaves the
// body behind, and the limit of what comes after a body with it.
func TestSilenceAfterRedirect(t *testing.T) {
	t.Parallel()
	lab := startLab(t)
	config := brisk(lab)
	config.Headers = 100 * time.Millisecond
	to := url.QueryEscape("/fault/stall?phase=headers&for=10m")
	list := fmt.Sprintf(`{"url":%q,"method":"POST","body":"x"}`, lab.URL()+"/redirect-to?status_code=303&url="+to)
	var log bytes.Buffer
	client, err := fetch.New(nil, fetch.WithConfig(config), fetch.WithLog(fetch.NewLog(&log)))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.FetchAll(context.Background(), fetch.NewList(strings.NewReader(list), "list")); err != nil {
		t.Fatal(err)
	}
	records := readRecords(t, log.Bytes())
	if got := story(records, 1); !strings.HasPrefix(got, "timeout/headers/headers") {
		t.Errorf("%s\n%s", got, errorsOf(records, 1))
	}
}

func errorsOf(records []record, line int64) string {
	var all []string
	for _, r := range records {
		if r.Line == line && r.Error != "" {
			all = append(all, "     "+r.Error)
		}
	}
	return strings.Join(slices.Compact(all), "\n")
}

// TestHTTP2Faults: hidden resends are counted and bounded.
func TestHTTP2Faults(t *testing.T) {
	t.Parallel()
	// A server and a client each: a GOAWAY would also hit whoever shares the connection.
	for path, want := range map[string]string{
		"goaway":                     "connection/resend_limit connection/resend_limit max_retries",
		"refused":                    "connection/resend_limit connection/resend_limit max_retries",
		"rst?code=INTERNAL_ERROR":    "connection/h2 connection/h2 max_retries",
		"rst?code=ENHANCE_YOUR_CALM": "connection/enhance_your_calm connection/enhance_your_calm max_retries",
		"rst?when=body":              "connection/h2 connection/h2 max_retries",
	} {
		lab := startLab(t)
		c := brisk(lab)
		c.Retries, c.MaxWireSends = 1, 2
		_, records := run(t, lab, c, nil, lab.H2URL()+"/fault/h2/"+path)
		got := story(records, 1)
		for _, phase := range []string{"/send", "/headers", "/body", "/connect"} {
			got = strings.ReplaceAll(got, phase, "")
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s\n%s", path, got, want, errorsOf(records, 1))
		}
		for _, r := range records {
			if r.WireSends > c.MaxWireSends+1 {
				t.Errorf("%s, attempt %d: %d requests went out, the limit is %d", path, r.Attempt, r.WireSends, c.MaxWireSends)
			}
		}
	}
}

// TestHTTP11Required: the next attempt, and the origin from then on, speaks HTTP/1.1.
func TestHTTP11Required(t *testing.T) {
	t.Parallel()
	lab := startLab(t)
	_, records := run(t, lab, brisk(lab), nil, lab.H2URL()+"/fault/h2/http11-required")
	if got := story(records, 1); !strings.HasPrefix(got, "connection/http_1_1_required") || !strings.HasSuffix(got, " success success") {
		t.Error(got)
	}
}

// noNames is a resolver to which no name exists.
func noNames() *net.Resolver { return resolver(3) }

// resolver answers every question with an error code of RFC 1035, over a pipe.
func resolver(code byte) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			for {
				var size [2]byte
				if _, err := io.ReadFull(theirs, size[:]); err != nil {
					return
				}
				q := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(theirs, q); err != nil {
					return
				}
				q[2], q[3] = q[2]|0x80, 0x80|code
				if _, err := theirs.Write(append(size[:], q...)); err != nil {
					return
				}
			}
		}()
		return ours, nil
	}}
}
