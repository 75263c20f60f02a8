package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"holdfast/fetch/retry"
)

// An Attempt is what is known of one try of a URL, from holding its slots to
// the last body byte, redirects included. The facts by which it is judged are
// in its retry.Attempt.
type Attempt struct {
	retry.Attempt

	Number    int           // from 1
	Error     string        // what failed, without secrets
	WireSends int           // request header blocks that were really written
	Hops      int           // redirects that were followed
	Proto     string        // HTTP/1.1, HTTP/2.0
	Reused    bool          // the last connection was an old one
	DNS       time.Duration // 0 on an old connection, like the next two
	Connect   time.Duration
	TLS       time.Duration
	TTFB      time.Duration // from the start to the first byte of the last answer
	Latency   time.Duration // in all, without what it waited for between hops
	Waited    time.Duration // before it: backoff and gate
	Queued    time.Duration // before it: ready, but not its turn

	Bytes     int64 // of the body, decoded
	WireBytes int64 // of the body, as it came
	SHA256    string
	BodyFile  string
	Snippet   string // of a body that is no success
	Location  string // of a redirect that was not followed
	Found     []string

	LengthUnverified bool // the body ended with the connection: nothing says that it is whole
	MatchIncomplete  bool // keywords were looked for in a part of the body only

	err error // what failed
}

// A running attempt is an Attempt that has not ended. Hooks of net/http run on
// goroutines of their own, even after the end: what they touch is guarded by mu.
type running struct {
	Attempt
	c      *Client
	job    *job
	ctx    context.Context
	cancel context.CancelCauseFunc
	way    wayToSend

	url    *url.URL // of the next hop
	method string
	noBody bool // a redirect turned the method into GET
	bare   bool // credentials were left behind: the origin changed

	began time.Time // this hop
	body  []byte    // for the handler
	resp  *http.Response

	mu       sync.Mutex
	over     bool // hooks do nothing more
	fired    bool // a limit of ours has passed
	phase    retry.Phase
	sends    int // of this hop
	marks    [4]time.Time
	watchdog watchdog
}

// Marks of a hop.
const (
	markDNS = iota
	markConnect
	markTLS
	markGot
)

// newAttempt prepares an attempt; it sends nothing.
func newAttempt(c *Client, j *job, number int, way wayToSend) *running {
	r := &running{c: c, job: j, way: way, url: j.url, method: j.method}
	r.Number = number
	r.Idempotent = j.idempotent()
	r.Unreplayable = j.unreplayable
	return r
}

// hop sends one request and reads its answer. It reports whether the attempt
// goes on elsewhere, at r.url; otherwise it has ended and its class is set.
func (r *running) hop(limit time.Duration, kind retry.Limit) (again bool) {
	r.mu.Lock()
	r.ctx, r.cancel = context.WithCancelCause(r.job.ctx)
	r.began = time.Now()
	r.Class, r.Kind, r.Status = retry.ClassNone, retry.KindNone, 0
	r.sends, r.phase, r.marks = 0, retry.PhaseConnect, [4]time.Time{}
	r.mu.Unlock()
	r.watchdog.start(r, limit, kind)
	again = r.exchange()
	r.watchdog.stop(r)
	r.mu.Lock()
	r.Latency += time.Since(r.began)
	r.mu.Unlock()
	if r.resp == nil { // the caller reads the body otherwise
		r.cancel(nil) // after the body is closed, never before (R1.6)
	}
	if !again {
		r.end()
	}
	return again
}

// end settles what depends on the whole attempt.
func (r *running) end() {
	r.mu.Lock()
	r.over = true
	r.Phase = r.phase
	if r.Class != retry.ClassTimeout && r.Class != retry.ClassConnection {
		r.Phase = retry.PhaseNone
	}
	if r.WireSends > r.Hops+1 {
		r.Resends = r.WireSends - r.Hops - 1
	}
	r.mu.Unlock()
}

func (r *running) exchange() (again bool) {
	req, err := r.request()
	if err != nil {
		r.badInput(err)
		return false
	}
	end := r.c.observer.begin(r, req)
	resp, err := r.c.transports.get(r.way).RoundTrip(req)
	if err != nil {
		r.failed(err)
		end(r, 0)
		return false
	}
	r.learn(resp)
	again = r.answered(resp)
	end(r, resp.StatusCode)
	return again
}

// request makes the request of this hop. Each has everything of its own: what
// net/http or an observer change in one does not show in the next.
func (r *running) request() (*http.Request, error) {
	j := r.job
	body := http.NoBody
	req := &http.Request{
		Method: r.method, URL: r.url, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header, len(r.c.config.Header)+len(j.header)+4), Host: r.url.Host, Body: body,
	}
	if j.body != nil && !r.noBody {
		rc, size, err := j.body()
		if err != nil {
			return nil, fmt.Errorf("the request's body: %w", err)
		}
		req.Body, req.ContentLength = rc, size
		if !j.unreplayable {
			req.GetBody = func() (rc2 readCloser, err error) { rc2, _, err = j.body(); return rc2, err }
		}
	} else {
		req.Body = nil
	}
	r.header(req)
	return req.WithContext(r.trace(r.ctx)), nil
}

// credentials are what another origin must not see (R1.4).
var credentials = []string{"Authorization", "Cookie", "Proxy-Authorization", "Cookie2", "Www-Authenticate"}

// userAgent is shared by all requests; its capacity is its length, so who adds
// to it makes a copy.
var userAgent = []string{"holdfast"}

func (r *running) header(req *http.Request) {
	h := req.Header
	for _, from := range []http.Header{r.c.config.Header, r.job.header} {
		for name, values := range from {
			h[name] = append([]string(nil), values...)
		}
	}
	if r.bare {
		for _, name := range credentials {
			h.Del(name)
		}
		h.Del("Host")
	}
	if host := h.Get("Host"); host != "" {
		req.Host = host
		h.Del("Host")
	}
	if _, ok := h["User-Agent"]; !ok {
		h["User-Agent"] = userAgent
	}
	if r.c.config.AttemptHeader {
		h["Holdfast-Attempt"] = []string{fmt.Sprintf("%d.%d.%d", r.job.line, r.Number, r.Hops)}
	}
	if r.job.key != "" {
		h["Idempotency-Key"] = []string{r.job.key}
	}
	switch _, asked := h["Accept-Encoding"]; {
	case r.job.partial != nil && r.Hops == 0:
		r.job.partial.ask(h)
	case !asked && r.method != http.MethodHead && h.Get("Range") == "":
		h["Accept-Encoding"] = r.c.accept
	}
}

// learn keeps what an answer says before its body.
func (r *running) learn(resp *http.Response) {
	now := time.Now()
	r.Status, r.Proto = resp.StatusCode, resp.Proto
	r.RetryAfter = retry.ParseRetryAfter(resp.Header, now)
	r.RateLimit = retry.ParseRateLimit(resp.Header, now)
	r.ServerHint = retry.HintNone
	switch strings.ToLower(resp.Header.Get("X-Should-Retry")) {
	case "true":
		r.ServerHint = retry.HintRetry
	case "false":
		r.ServerHint = retry.HintStop
	}
	r.enter(retry.PhaseBody)
}

func (r *running) answered(resp *http.Response) (again bool) {
	if next, kind := r.redirect(resp); next != nil {
		r.drain(resp)
		r.url = next
		r.Hops++
		r.Class, r.Kind = retry.ClassifyStatus(resp.StatusCode) // what the origin's gate is told
		return true
	} else if kind != retry.KindNone {
		r.drain(resp)
		r.Class, r.Kind = retry.ClassRedirect, kind
		return false
	}
	r.Class, r.Kind = retry.ClassifyStatus(resp.StatusCode)
	switch {
	case r.job.wantResponse:
		r.handOver(resp)
	case r.Class == retry.ClassSuccess:
		r.read(resp)
	default:
		r.Snippet = r.drain(resp)
		r.Location = r.c.redact(resp.Header.Get("Location"))
	}
	return false
}

// failed classifies an error.
func (r *running) failed(err error) {
	r.mu.Lock()
	phase := r.phase
	r.Sent = r.WireSends > 0 || !r.marks[markGot].IsZero()
	r.mu.Unlock()
	r.Class, r.Kind, r.Limit = classify(r.job.ctx.Err(), context.Cause(r.ctx), err, phase)
	var stream streamError
	if errors.As(err, &stream) && stream.Code == h2RefusedStream {
		r.Sent = false // RFC 9113, 8.7: it was not processed
	}
	if r.Class == retry.ClassTimeout {
		r.After = r.watchdog.given(r.Limit, r)
		if cause := context.Cause(r.ctx); cause != nil {
			err = cause
		}
	}
	if r.Kind == retry.KindResendLimit {
		err = errResendLimit
	}
	if r.Class == retry.ClassBlocked {
		r.Sent = false
	}
	r.err = err
	r.Error = r.c.redactErr(r.job.raw, err)
	if r.Class != retry.ClassCancelled && r.Class != retry.ClassBlocked {
		r.Status = 0 // the class is what counts, not how the answer began
	}
}

func (r *running) badInput(err error) {
	r.Class, r.err, r.Error = retry.ClassBadInput, err, r.c.redactErr(r.job.raw, err)
}
