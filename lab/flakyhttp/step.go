package flakyhttp

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"holdfast/lab/flakyhttp/ledger"
)

// maxHeaders is how many headers a request may ask for.
const maxHeaders = 64

// A header is a line of one, with the value as it shall stand on the wire.
type header struct{ name, value string }

func headerLines(headers []header) string {
	var b strings.Builder
	for _, l := range headers {
		fmt.Fprintf(&b, "%s: %s\r\n", l.name, l.value)
	}
	return b.String()
}

// A step is an answer with a status: that of /fault/status/NNN.
type step struct {
	status  int
	headers []header
	body    string
	page    string // name of the body in [Config.Pages]; "" is body
	delay   time.Duration
}

// prepareStep reads a status and its parameters: bytes, body, page, delay, and
// headers, which begin with a capital letter.
func prepareStep(code string, given url.Values) (action, error) {
	status, err := strconv.Atoi(code)
	if err != nil || len(code) != 3 || status < 0 {
		return nil, fmt.Errorf("status %s: must be three digits", clip(code))
	}
	p := newParams(given)
	st := step{status: status, body: "status " + code + "\n"}
	size := p.number("bytes", 0, 0, MaxBody)
	if given.Has("bytes") && p.err == nil {
		st.body = filler(size)
	}
	st.body = p.text("body", st.body)
	st.page = p.text("page", "")
	st.delay = p.span("delay", 0, MaxDuration)
	st.headers = p.headers()
	if err := p.finish(); err != nil {
		return nil, fmt.Errorf("status %s: %w", code, err)
	}
	if st.status < 200 {
		return needsHTTP1("status "+code, st.serve), nil
	}
	return st.serve, nil
}

// checkHeader refuses what would break out of a header line.
func checkHeader(name, value string) error {
	const token = "!#$%&'*+-.^_`|~"
	bad := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(token, c)
	}
	if name == "" || len(name) > 100 || strings.ContainsFunc(name, bad) {
		return fmt.Errorf("%s is no name of a header", clip(name))
	}
	if len(value) > 8<<10 || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
		return fmt.Errorf("header %s: the value %s must be one line of at most 8 KiB", name, clip(value))
	}
	return nil
}

// serve answers.
func (st step) serve(e *exchange) {
	if st.page != "" {
		body, known := e.s.pages[st.page]
		if !known {
			e.refuse(http.StatusBadRequest, fmt.Errorf("status %d: there is no page %s", st.status, clip(st.page)))
			return
		}
		st.body = body
	}
	if !pause(e.r.Context(), st.delay) {
		return
	}
	if st.raw() && e.r.ProtoMajor == 1 {
		onWire(st.serveWire)(e)
		return
	}
	h := e.w.Header()
	if !st.bodiless() {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Content-Length", strconv.Itoa(len(st.body)))
	}
	for i, l := range st.headers {
		if i == 0 || !strings.EqualFold(st.headers[i-1].name, l.name) {
			h.Del(l.name) // ours give way
		}
		h.Add(l.name, l.value)
	}
	e.w.WriteHeader(st.status)
	if !st.bodiless() {
		io.WriteString(e.w, st.body)
	}
}

// bodiless tells that an answer with this status ends with its headers.
func (st step) bodiless() bool {
	return st.status < 200 || st.status == http.StatusNoContent || st.status == http.StatusNotModified
}

// raw tells that net/http would not send this as it is: it knows no status below
// 100, takes the others below 200 for preliminary, and trims values.
func (st step) raw() bool {
	for _, l := range st.headers {
		if strings.Trim(l.value, " \t") != l.value {
			return true
		}
	}
	return st.status < 200
}

func (st step) serveWire(w *wire) {
	lines := headerLines(st.headers)
	if st.bodiless() {
		w.head(st.status, lines)
	} else {
		w.head(st.status, fmt.Sprintf("%s%sContent-Length: %d\r\nConnection: close\r\n", lines, plain, len(st.body)))
		w.body(st.body)
	}
	w.fin(ledger.Complete)
}
