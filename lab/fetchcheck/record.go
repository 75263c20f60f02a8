package fetchcheck

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// record is one line of the log.
type record struct {
	line  int
	event string
	at    time.Time

	status, attempt int     // attempt also holds the attempts of max_retries
	latency         float64 // milliseconds; -1 is not known
	exact           bool    // latency is known to the microsecond
	wait            float64 // milliseconds
	timeout         float64 // seconds
	queue           float64 // milliseconds between readiness and start; -1 is not known
	word            string  // reason or keyword
	sends           int     // wire_sends; 0 is not known
	run             int
	policy          string
}

// fieldKind is the type of a field.
type fieldKind int

const (
	aText   fieldKind = iota // not empty
	aNumber                  // >= 0
	aCount                   // a whole number >= 1
	aStatus                  // 0 to 999
)

// required are the fields of each event after timestamp, event and url, as the
// requirement has them.
var required = map[string][]struct {
	name string
	kind fieldKind
}{
	"success":          {{"status", aStatus}, {"latency_ms", aNumber}},
	"slow_response":    {{"latency_ms", aNumber}},
	"client_error":     {{"status", aStatus}},
	"server_error":     {{"status", aStatus}, {"attempt", aCount}},
	"timeout":          {{"attempt", aCount}, {"timeout_sec", aNumber}},
	"connection_error": {{"attempt", aCount}, {"error", aText}},
	"retry":            {{"attempt", aCount}, {"wait_ms", aNumber}, {"reason", aText}},
	"body_match":       {{"keyword", aText}},
	"max_retries":      {{"attempts", aCount}, {"last_error", aText}},
}

// extended are the events that the requirement does not know. Those that are
// true end an attempt.
var extended = map[string]bool{
	"transient_client_error": true, "redirect": true, "invalid_status": true, "decode_error": true, "too_large": true,
	"bad_input": false, "blocked": false, "cancelled": false, "deadline": false, "budget_exhausted": false,
	"breaker_open": false, "parked": false, "duplicate": false, "not_started": false,
}

// callbackOf is the callback that an event stands for.
var callbackOf = map[string]string{
	"success": "on_success", "client_error": "on_client_error", "server_error": "on_server_error", "timeout": "on_timeout",
	"connection_error": "on_connection_error", "slow_response": "on_slow_response", "retry": "on_retry",
	"body_match": "on_body_match", "max_retries": "on_max_retries",
}

// endsAttempt tells that the event says how an attempt ended.
func endsAttempt(event string) bool {
	switch event {
	case "success", "client_error", "server_error", "timeout", "connection_error":
		return true
	}
	return extended[event]
}

// hasStatus tells that an attempt that ended with the event had an answer.
func hasStatus(event string) bool {
	return endsAttempt(event) && event != "timeout" && event != "connection_error"
}

// fields is a line, taken apart. The first mistake is kept.
type fields struct {
	raw map[string]json.RawMessage
	err error
}

// parseRecord reads a line. What can be read is returned with the error.
func parseRecord(line []byte) (r record, url string, err error) {
	r = record{latency: -1, queue: -1}
	f := &fields{}
	switch {
	case !utf8.Valid(line):
		return r, "", fmt.Errorf("not UTF-8")
	case json.Unmarshal(line, &f.raw) != nil || f.raw == nil:
		return r, "", fmt.Errorf("not a JSON object")
	}
	r.at = f.time("timestamp")
	r.event = f.text("event")
	url = f.text("url")
	need, known := required[r.event]
	_, more := extended[r.event]
	if f.err == nil && !known && !more {
		f.err = fmt.Errorf("unknown event %q", clip(r.event))
	}
	for _, n := range need {
		f.check(n.name, n.kind)
	}
	r.fill(f)
	return r, url, f.err
}

// fill reads what the rules judge, required or extra.
func (r *record) fill(f *fields) {
	r.status = int(f.optional("status", 0))
	r.attempt = int(f.optional("attempt", 0))
	r.wait = f.optional("wait_ms", 0)
	r.timeout = f.optional("timeout_sec", 0)
	r.queue = f.optional("queue_ms", -1)
	r.sends = int(f.optional("wire_sends", 0))
	r.run = int(f.optional("run", 0))
	r.latency = f.optional("latency_ms", -1)
	if us := f.optional("latency_us", -1); us >= 0 && r.event != "slow_response" {
		r.latency, r.exact = us/1000, true
	}
	if _, there := f.raw["policy"]; there {
		r.policy = f.text("policy")
	}
	switch r.event {
	case "retry":
		r.word = f.text("reason")
	case "body_match":
		r.word = f.text("keyword")
	case "max_retries":
		r.attempt = int(f.optional("attempts", 0))
	}
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

// text is a string that is not empty.
func (f *fields) text(name string) string {
	var s *string
	raw, there := f.raw[name]
	switch {
	case !there:
		f.fail("%s is missing", name)
	case json.Unmarshal(raw, &s) != nil || s == nil:
		f.fail("%s is %s: must be a string", name, clip(string(raw)))
	case *s == "":
		f.fail("%s is empty", name)
	default:
		return *s
	}
	return ""
}

// time is an ISO 8601 time in UTC.
func (f *fields) time(name string) time.Time {
	text := f.text(name)
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		f.fail("%s %q: must be a time such as 2026-01-15T10:30:00.123Z", name, clip(text))
		return time.Time{}
	}
	if _, offset := t.Zone(); offset != 0 {
		f.fail("%s %q: must be in UTC", name, clip(text))
	}
	return t.UTC()
}

// number reads a JSON number.
func (f *fields) number(name string) (n float64, ok bool) {
	raw := bytes.TrimSpace(f.raw[name])
	if len(raw) == 0 || raw[0] == '"' || json.Unmarshal(raw, &n) != nil || string(raw) == "null" {
		return 0, false
	}
	return n, true
}

// check demands a field of a kind.
func (f *fields) check(name string, kind fieldKind) {
	if kind == aText {
		f.text(name)
		return
	}
	n, ok := f.number(name)
	if _, there := f.raw[name]; !there {
		f.fail("%s is missing", name)
		return
	}
	raw := clip(string(f.raw[name]))
	switch {
	case !ok:
		f.fail("%s is %s: must be a number", name, raw)
	case n < 0:
		f.fail("%s is %s: must not be negative", name, raw)
	case kind == aCount && (n != math.Trunc(n) || n < 1 || n > math.MaxInt32):
		f.fail("%s is %s: must be a whole number from 1 on", name, raw)
	case kind == aStatus && (n != math.Trunc(n) || n > 999):
		f.fail("%s is %s: must be a status", name, raw)
	}
}

// optional is a number that may be missing, def then.
func (f *fields) optional(name string, def float64) float64 {
	if _, there := f.raw[name]; !there {
		return def
	}
	n, ok := f.number(name)
	if !ok || n < 0 || n > 1e15 {
		f.fail("%s is %s: must be a number from 0 on", name, clip(string(f.raw[name])))
		return def
	}
	return n
}

// clip shortens what is quoted in a message.
func clip(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "..."
	}
	return s
}
