package fetch

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
)

// A BodySource gives the body of a request and its length (-1: unknown). It is
// called for every send.
type BodySource func() (io.ReadCloser, int64, error)

// A Request is one URL to fetch.
type Request struct {
	URL    string
	Method string // empty: GET, or POST with a body
	Header http.Header
	Body   BodySource // nil: none
	// Unreplayable says that Body can be called only once.
	Unreplayable bool
	Policy       *retry.Policy // of this request alone; nil: the client's

	Line     int64  // where it stands in a list
	Identity string // stands for URL where runs are compared; empty: URL

	parsed *url.URL // URL, if its source has parsed it
}

// A Unit is one line of a list.
type Unit struct {
	Request
	Bad       error // why the line cannot be used; the URL is then the line
	OfLine    int64 // it is a duplicate of that line; 0: it is not
	NotBefore time.Time

	// For a URL that processes share. Settle, if set, is told once what became
	// of it here; it is called with locks held and must not wait.
	Settle func(Settled)
	Tried  int // attempts that others made
	Run    int // stands for the run's number in its records; 0: it does not
}

// A Source gives the URLs to fetch; io.EOF is its end. It is called by one
// goroutine at a time.
type Source interface {
	Next() (Unit, error)
}

// A fingerprint identifies a request: SHA-256 over method, URL and body.
type fingerprint [16]byte

func (f fingerprint) hex() string   { return hex.EncodeToString(f[:8]) }
func (f fingerprint) seed() uint64  { return binary.BigEndian.Uint64(f[:]) }
func (f fingerprint) check() uint32 { return binary.BigEndian.Uint32(f[:]) }

func fingerprintOf(method, identity string, body []byte) fingerprint {
	text := make([]byte, 0, 256)
	text = append(append(append(text, method...), 0), identity...)
	if len(body) > 0 {
		sum := sha256.Sum256(body)
		text = append(append(text, 0), sum[:]...)
	}
	sum := sha256.Sum256(text)
	return fingerprint(sum[:16])
}

// A job is one URL on its way.
type job struct {
	id           pace.ID
	line         int64
	raw          string // as it came
	text         string // of which its source made it, if it may be spilled
	shown        string // as log and messages have it
	url          *url.URL
	origin       string
	method       string
	header       http.Header
	body         BodySource
	unreplayable bool
	key          string // Idempotency-Key of ours
	policy       *retry.Policy
	fingerprint  fingerprint
	notBefore    time.Time
	ofLine       int64
	bad          error

	ctx     context.Context // its end is that of the job
	values  context.Context // ctx without its end
	fatal   func(error)     // ends the run
	settle  func(Settled)   // nil: nobody else has the URL
	trail   []byte          // its records so far, if settle is there
	tried   int             // attempts that others made
	run     int             // 0: the engine's
	partial *partial
	current *running // in flight, or between two hops

	wantResponse bool           // for RoundTripper
	keep         func(*running) // takes the last attempt; nil: nobody wants it
	wantHistory  bool
	outcome      *Outcome      // nil: nobody wants it
	done         chan struct{} // closed when all is told; nil if nobody waits
}

// newJob checks a request; what cannot be sent becomes a job that is bad.
func newJob(c *Client, r Request) *job {
	j := &job{
		line: r.Line, raw: r.URL, method: r.Method, header: r.Header, body: r.Body,
		unreplayable: r.Unreplayable && r.Body != nil, policy: r.Policy,
	}
	if j.policy == nil {
		j.policy = &c.config.Policy
	}
	if j.method == "" {
		j.method = http.MethodGet
		if j.body != nil {
			j.method = http.MethodPost
		}
	}
	identity := r.Identity
	if identity == "" {
		identity = r.URL
	}
	j.fingerprint = fingerprintOf(j.method, identity, nil)
	j.shown = c.redact(j.raw)
	if j.url = r.parsed; j.url == nil {
		j.url, j.bad = ParseURL(j.raw)
	}
	if j.bad == nil {
		j.bad = checkHeader(j.method, j.header)
	}
	if j.bad == nil {
		j.origin = origin(j.url)
	}
	return j
}

// idempotent reports whether sending again does no harm (RFC 9110, 9.2.2).
func (j *job) idempotent() bool {
	switch j.method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodTrace:
		return true
	}
	return j.header.Get("Idempotency-Key") != "" || j.header.Get("X-Idempotency-Key") != ""
}

func (j *job) dropPartial() { j.partial = nil }

// maxURL is the longest URL that is taken.
const maxURL = 64 << 10

// ParseURL reads a URL that can be fetched. Its errors say what to do.
func ParseURL(raw string) (*url.URL, error) {
	switch {
	case raw == "":
		return nil, errors.New("the URL is empty")
	case len(raw) > maxURL:
		return nil, fmt.Errorf("the URL is longer than %d bytes", maxURL)
	case !utf8.ValidString(raw):
		return nil, errors.New("not UTF-8: percent-encode such bytes")
	}
	for i := range len(raw) {
		switch c := raw[i]; {
		case c == ' ':
			return nil, errors.New("a blank inside: write %20")
		case c < 0x20 || c == 0x7f:
			return nil, fmt.Errorf("a control character (0x%02x) inside", c)
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err // the other parts repeat the URL, secrets included
		}
		if !strings.Contains(raw, "://") {
			return nil, errors.New("no scheme: add http:// or https://")
		}
		return nil, err
	}
	switch {
	case u.Scheme == "" || u.Scheme != "http" && u.Scheme != "https" && u.Opaque != "":
		return nil, errors.New("no scheme: add http:// or https://")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("the scheme %s is not http or https", u.Scheme)
	case u.Hostname() == "":
		return nil, errors.New("no host")
	}
	return u, checkPort(u)
}

func checkPort(u *url.URL) error {
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("the port %s is not within 1 to 65535", port)
		}
	}
	return nil
}

func checkHeader(method string, h http.Header) error {
	if !httpguts.ValidHeaderFieldName(method) { // the same grammar: a token
		return fmt.Errorf("the method %q is not one", method)
	}
	for name, values := range h {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("the header name %q is not one", name)
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return fmt.Errorf("the value of header %s has characters that it must not have", name)
			}
		}
	}
	return nil
}

// NewIdempotencyKey is a key that no other request has.
func NewIdempotencyKey() string { return rand.Text() }
