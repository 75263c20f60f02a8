package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"holdfast/fetch/http1"
	"holdfast/fetch/pace"
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

// A running attempt is an Attempt that has not ended. It is used again for other
// attempts of its engine: whatever may outlive an attempt holds on to a hop, not
// to it, and what its timer needs stays.
type running struct {
	trying
	hop      atomic.Pointer[hop]
	watchdog watchdog
}

// Trying is what an attempt begins anew. What hooks of net/http and the timer
// touch of it is guarded by the mu of the hop.
type trying struct {
	Attempt
	c   *Client
	job *job
	way wayToSend

	url    *url.URL // of the next hop
	method string
	noBody bool // a redirect turned the method into GET
	bare   bool // credentials were left behind: the origin changed

	began time.Duration // the hop, like all times here on the clock of the client
	fired bool          // a limit of ours has passed
	phase retry.Phase
	sends int              // of this hop
	marks [4]time.Duration // of this hop; 0: not reached

	body []byte // for the handler
	resp *http.Response
}

// Marks of a hop.
const (
	markDNS = iota
	markConnect
	markTLS
	markGot
)

// prepare makes r an attempt that has not begun.
func (r *running) prepare(c *Client, j *job, s *pace.Start) {
	r.trying = trying{c: c, job: j, way: wayToSend{fresh: s.FreshConn, http1: s.ForceHTTP1}, url: j.url, method: j.method}
	r.watchdog.received.Store(0)
	r.Number, r.Waited = s.Attempt, s.Waited
	r.Idempotent, r.Unreplayable = j.idempotent(), j.unreplayable
}

// run sends one request and reads its answer. It reports whether the attempt
// goes on elsewhere, at r.url; otherwise it has ended and its class is set.
func (r *running) run(limit time.Duration, kind retry.Limit) (again bool) {
	h := newHop(r, r.job.values)
	r.Class, r.Kind, r.Status = retry.ClassNone, retry.KindNone, 0
	r.sends, r.phase, r.marks = 0, retry.PhaseConnect, [4]time.Duration{}
	r.hop.Store(h) // BEFORE the clock is read: see watchdog.set
	h.mu.Lock()
	r.began = r.c.clock()
	r.watchdog.start(r, limit, kind)
	h.mu.Unlock()
	if r.job.ctx.Err() != nil { // it ended before the engine could see this hop
		h.cancel(context.Cause(r.job.ctx))
	}
	again = r.exchange(h)
	h.mu.Lock()
	h.r = nil
	r.Latency += r.c.clock() - r.began
	h.mu.Unlock()
	if r.resp == nil { // the caller reads the body otherwise
		h.cancel(context.Canceled) // after the body is closed, never before (R1.6)
	}
	if !again {
		r.end()
	}
	return again
}

// end settles what depends on the whole attempt.
func (r *running) end() {
	r.Phase = r.phase
	if r.Class != retry.ClassTimeout && r.Class != retry.ClassConnection {
		r.Phase = retry.PhaseNone
	}
	if r.WireSends > r.Hops+1 {
		r.Resends = r.WireSends - r.Hops - 1
	}
}

func (r *running) exchange(h *hop) (again bool) {
	req, err := r.request(h)
	if err != nil {
		r.badInput(err)
		return false
	}
	via := r.c.transports.get(r.way, req)
	if _, short := via.(*http1.Transport); !short {
		h.traced(r)
	}
	end := r.c.observer.begin(r, req)
	resp, err := via.RoundTrip(req)
	if err != nil {
		r.failed(err)
		end(r, 0)
		return false
	}
	r.learn(h, resp)
	again = r.answered(resp)
	end(r, resp.StatusCode)
	return again
}

// request makes the request of this hop. Each has everything of its own that an
// observer may change; what net/http changes in none is shared.
func (r *running) request(h *hop) (*http.Request, error) {
	j := r.job
	req := r.c.plain.WithContext(h)
	req.Method, req.URL, req.Host = r.method, r.url, r.url.Host
	if r.sendsBody() {
		rc, size, err := j.body()
		if err != nil {
			return nil, fmt.Errorf("the request's body: %w", err)
		}
		req.Body, req.ContentLength = rc, size
		if !j.unreplayable {
			req.GetBody = func() (rc2 readCloser, err error) { rc2, _, err = j.body(); return rc2, err }
		}
	}
	if !r.isPlain() {
		req.Header = make(http.Header, len(r.c.config.Header)+len(j.header)+4)
		r.header(req)
	}
	return req, nil
}

func (r *running) sendsBody() bool { return r.job.body != nil && !r.noBody }

// plainRequest is what most requests are copies of, with a header that they
// share: a map for each would cost more than all else in a request.
func plainRequest(accept []string) *http.Request {
	return &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"User-Agent": userAgent, "Accept-Encoding": accept}}
}

// isPlain reports whether a request has no header but that of all, and nobody
// who might change it: net/http itself does not.
func (r *running) isPlain() bool {
	return len(r.c.config.Header) == 0 && len(r.job.header) == 0 && !r.c.config.AttemptHeader && r.job.key == "" && r.job.partial == nil &&
		r.method != http.MethodHead && len(r.c.observer) == 0 && r.c.transports.outer == nil
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
func (r *running) learn(h *hop, resp *http.Response) {
	r.Status, r.Proto = resp.StatusCode, resp.Proto
	r.Sent = true // or nobody could have answered it
	r.RetryAfter, r.RateLimit = retry.ParsePause(resp.Header, time.Now)
	r.ServerHint = retry.HintNone
	if hint := resp.Header["X-Should-Retry"]; len(hint) > 0 {
		switch strings.ToLower(hint[0]) {
		case "true":
			r.ServerHint = retry.HintRetry
		case "false":
			r.ServerHint = retry.HintStop
		}
	}
	h.enter(retry.PhaseBody)
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
	h := r.hop.Load()
	h.mu.Lock()
	phase, cause := r.phase, h.cause
	r.Sent = r.WireSends > 0 || r.marks[markGot] > 0
	h.mu.Unlock()
	r.Class, r.Kind, r.Limit = classify(r.job.ctx.Err(), cause, err, phase)
	if r.Class == retry.ClassCancelled && cause != nil {
		err = cause
	}
	var stream streamError
	if errors.As(err, &stream) && stream.Code == h2RefusedStream {
		r.Sent = false // RFC 9113, 8.7: it was not processed
	}
	if r.Class == retry.ClassTimeout {
		r.After = r.watchdog.given(r.Limit, r)
		if cause != nil {
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
