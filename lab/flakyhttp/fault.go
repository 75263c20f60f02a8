package flakyhttp

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"holdfast/lab/flakyhttp/ledger"
)

// A fault is an endpoint below /fault/, and a word in a sequence.
type fault struct {
	name    string
	use     string // its parameters, as the index shows them
	about   string
	raw     bool // takes the connection over from net/http, so HTTP/1 only
	prepare func(*params) action
}

// An action does what the checked parameters say.
type action func(*exchange)

// exchange is one request and what answers it.
type exchange struct {
	s   *Server
	w   http.ResponseWriter
	r   *http.Request
	req *ledger.Request
}

// faults are all there are, in the order of the index. Besides them there are
// /fault/status/NNN and /fault/seq/ID/STEPS, which have more than parameters.
var faults = []fault{
	{"reset", "when=before|headers|body", "resets the connection (RST)", true, prepareReset},
	{"fin", "partial=1", "closes the connection (FIN) without a byte, or within the status line", true, prepareFin},
	{"truncate", "length=L bytes=N chunked=1 Header=V...", "announces L bytes, sends N of them and closes", true, prepareTruncate},
	{"stall", "phase=headers|body bytes=N for=D", "falls silent before the status line or within the body, then closes", true, prepareStall},
	{"trickle", "bytes=N every=D", "sends a byte, waits, sends a byte", false, prepareTrickle},
	{"bad-chunk", "", "breaks off a chunked body with a size that is no number", true, prepareBadChunk},
	{"garbage", "", "answers with what is not HTTP", true, prepareGarbage},
	{"dup-length", "", "has two Content-Length headers that differ", true, prepareDupLength},
	{"big-header", "bytes=N", "has a header of N bytes", true, prepareBigHeader},
	{"no-length", "bytes=N", "has a body that ends where the connection does", true, prepareNoLength},
	{"keepalive-close", "", "answers, and closes the connection under its next request", true, prepareKeepaliveClose},
	{"gzip-bomb", "size=N", "has a gzip body of N zeros, a thousandth of that on the wire", false, prepareGzipBomb},
	{"gzip-cut", "", "has a gzip body without its end", false, prepareGzipCut},
	{"gzip-garbage", "", "has a body that is not the gzip it claims to be", false, prepareGzipGarbage},
	{"retry-after", "status=S value=V... times=K id=X", "asks K requests of X to come later, each V a header line", false, prepareRetryAfter},
	{"redirect", "to=RAW status=S", "redirects to exactly RAW, to nowhere without it", false, prepareRedirect},
	{"redirect-loop", "", "redirects to itself", false, prepareRedirectLoop},
}

func findFault(name string) (fault, bool) {
	for _, f := range faults {
		if f.name == name {
			return f, true
		}
	}
	return fault{}, false
}

// faultPrefix is where the faults are.
const faultPrefix = "/fault/"

// serveFault answers everything below /fault/. It reads the path as it was sent:
// steps of a sequence may hold escaped commas and slashes.
func (s *Server) serveFault(w http.ResponseWriter, r *http.Request) {
	e := &exchange{s: s, w: w, r: r, req: ledger.Of(w)}
	name, rest, below := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), faultPrefix), "/")
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		e.refuse(http.StatusBadRequest, fmt.Errorf("the query cannot be read: %w", err))
		return
	}
	var do action
	switch f, known := findFault(name); {
	case name == "" && !below:
		e.index()
		return
	case name == "status" && below:
		do, err = prepareStep(rest, query)
	case name == "seq" && below:
		do, err = s.prepareSequence(rest)
	case name == "h2" && rest == "http11-required" && r.ProtoMajor == 1:
		do = step{status: http.StatusOK, body: okText}.serve
	case name == "h2" && below:
		err = fmt.Errorf("h2/%s: a fault of HTTP/2: ask for it in HTTP/2, on the port that speaks frames", rest)
	case known && !below:
		do, err = f.checked(query)
	default:
		e.refuse(http.StatusNotFound, fmt.Errorf("there is no fault %s: GET %s lists them", clip(r.URL.Path), faultPrefix))
		return
	}
	if err != nil {
		e.refuse(http.StatusBadRequest, err)
		return
	}
	do(e)
}

// checked is the action for parameters, if they are right.
func (f fault) checked(given url.Values) (action, error) {
	p := newParams(given)
	do := f.prepare(p)
	if err := p.finish(); err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	if !f.raw {
		return do, nil
	}
	return needsHTTP1(f.name, do), nil
}

// needsHTTP1 refuses requests of HTTP/2, whose connection belongs to all streams.
func needsHTTP1(name string, do action) action {
	return func(e *exchange) {
		if e.r.ProtoMajor != 1 {
			e.refuse(http.StatusBadRequest, fmt.Errorf("%s: works on HTTP/1.1 only; the HTTP/2 faults have a port of their own", name))
			return
		}
		do(e)
	}
}

// refuse answers with one line.
func (e *exchange) refuse(status int, err error) {
	h := e.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	body := err.Error() + "\n"
	h.Set("Content-Length", strconv.Itoa(len(body)))
	e.w.WriteHeader(status)
	io.WriteString(e.w, body)
}

func (e *exchange) index() {
	var b strings.Builder
	for _, f := range faults {
		fmt.Fprintf(&b, "%-26s %-42s %s\n", faultPrefix+f.name, f.use, f.about)
	}
	fmt.Fprintf(&b, "%-26s %-42s %s\n", faultPrefix+"status/NNN", "bytes=N body=T delay=D Header=V...", "answers with a status, any of three digits")
	fmt.Fprintf(&b, "%s\n%69s %s\n%69s %s\n", faultPrefix+"seq/ID/STEP,STEP,...",
		"", "the n-th request of ID gets the n-th step, the last one for ever;",
		"", "a step is NNN or a fault's name, with parameters as ;name=value")
	for _, f := range frameFaults {
		fmt.Fprintf(&b, "%-26s %-42s %s\n", framesPrefix+f.name, f.use, f.about)
	}
	e.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(e.w, b.String())
}
