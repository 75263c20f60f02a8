package fetch

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"
)

// A logLine is what is read back of a record: the fields of which decisions and
// sums are made. Strings are slices of the line until it is read over, with
// their escapes undone only where that matters.
type logLine struct {
	timestamp, event, url    []byte
	policy, class, reason    []byte
	outcome, notBefore, kind []byte
	fp                       []byte
	rule, why, decision      []byte
	phase, limit, errText    []byte
	bodyFile, keyword        []byte
	lastError, proto         []byte

	status, attempt, attempts  int64
	finalStatus, line, run     int64
	wireSends, bytes, wire     int64
	latencyUS, ofLine          int64
	latencyMS, waitMS          float64
	waitedMS, timeout          float64
	retryAfter                 float64
	final, postponed, hasFinal bool
	hasStatus                  bool
}

var (
	errNotRecord = errors.New("not a record: expected one JSON object")
	// errHole is what a power cut leaves where the length of a file was durable
	// and its bytes were not. It may lie within a string and look like JSON.
	errHole = errors.New("not a record: it has a hole of zero bytes")
)

// parse reads one line. It knows flat objects of strings, numbers, true, false
// and null; whatever else is valid JSON it leaves to encoding/json, which is
// twenty times as slow.
func (r *logLine) parse(b []byte) error {
	*r = logLine{}
	b = bytes.TrimSpace(b)
	if len(b) < 2 || b[0] != '{' || b[len(b)-1] != '}' {
		return errNotRecord
	}
	if bytes.IndexByte(b, 0) >= 0 {
		return errHole
	}
	if r.fast(b[1 : len(b)-1]) {
		return nil
	}
	*r = logLine{}
	return r.slow(b)
}

func (r *logLine) fast(b []byte) bool {
	for {
		b = skipBlank(b)
		key, rest, ok := quoted(b)
		if !ok || bytes.IndexByte(key, '\\') >= 0 {
			return false
		}
		b = skipBlank(rest)
		if len(b) == 0 || b[0] != ':' {
			return false
		}
		b = skipBlank(b[1:])
		if len(b) == 0 {
			return false
		}
		if b[0] == '"' {
			value, rest, ok := quoted(b)
			if !ok {
				return false
			}
			b = rest
			r.setString(key, value)
		} else {
			n := 0
			for n < len(b) && b[n] != ',' && b[n] != ' ' {
				n++
			}
			if !r.setOther(key, b[:n]) {
				return false
			}
			b = b[n:]
		}
		b = skipBlank(b)
		if len(b) == 0 {
			return true
		}
		if b[0] != ',' {
			return false
		}
		b = b[1:]
	}
}

func skipBlank(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

// quoted splits a JSON string off. What is within the quotes is as it stands.
func quoted(b []byte) (s, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return nil, nil, false
	}
	for i := 1; ; {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return nil, nil, false
		}
		i += n
		slashes := 0
		for b[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return b[1:i], b[i+1:], true
		}
		i++
	}
}

func unescape(b []byte) []byte {
	if bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	var s string
	if json.Unmarshal(append(append([]byte{'"'}, b...), '"'), &s) != nil {
		return b
	}
	return []byte(s)
}

func (r *logLine) setString(key, v []byte) {
	switch string(key) {
	case "timestamp":
		r.timestamp = v
	case "event":
		r.event = v
	case "url":
		r.url = unescape(v)
	case "policy":
		r.policy = v
	case "class":
		r.class = v
	case "kind":
		r.kind = v
	case "reason":
		r.reason = v
	case "outcome":
		r.outcome = v
	case "not_before":
		r.notBefore = v
	case "url_fp":
		r.fp = v
	case "rule":
		r.rule = v
	case "why":
		r.why = unescape(v)
	case "decision":
		r.decision = v
	case "phase":
		r.phase = v
	case "limit":
		r.limit = v
	case "error":
		r.errText = unescape(v)
	case "last_error":
		r.lastError = unescape(v)
	case "body_file":
		r.bodyFile = unescape(v)
	case "keyword":
		r.keyword = unescape(v)
	case "proto":
		r.proto = v
	}
}

func (r *logLine) setOther(key, v []byte) bool {
	switch string(key) {
	case "final":
		r.final = string(v) == "true"
	case "postponed":
		r.postponed = string(v) == "true"
	case "status":
		r.hasStatus = true
		return number(&r.status, v)
	case "attempt":
		return number(&r.attempt, v)
	case "attempts":
		return number(&r.attempts, v)
	case "final_status":
		r.hasFinal = true
		return number(&r.finalStatus, v)
	case "line":
		return number(&r.line, v)
	case "of_line":
		return number(&r.ofLine, v)
	case "run":
		return number(&r.run, v)
	case "wire_sends":
		return number(&r.wireSends, v)
	case "bytes":
		return number(&r.bytes, v)
	case "wire_bytes":
		return number(&r.wire, v)
	case "latency_us":
		return number(&r.latencyUS, v)
	case "latency_ms":
		return decimal(&r.latencyMS, v)
	case "wait_ms":
		return decimal(&r.waitMS, v)
	case "waited_ms":
		return decimal(&r.waitedMS, v)
	case "timeout_sec":
		return decimal(&r.timeout, v)
	case "retry_after_s":
		return decimal(&r.retryAfter, v)
	default: // not needed, but it must be JSON
		switch {
		case len(v) == 0:
			return false
		case string(v) == "true", string(v) == "false", string(v) == "null":
			return true
		}
		var x float64
		return decimal(&x, v)
	}
	return true
}

// number reads a JSON integer; anything else is left to encoding/json.
func number(to *int64, v []byte) bool {
	negative := len(v) > 0 && v[0] == '-'
	digits := v
	if negative {
		digits = v[1:]
	}
	if len(digits) == 0 || len(digits) > 18 || len(digits) > 1 && digits[0] == '0' {
		return false
	}
	var n int64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		n = -n
	}
	*to = n
	return true
}

func decimal(to *float64, v []byte) bool {
	if len(v) == 0 || len(v) > 40 || v[0] != '-' && (v[0] < '0' || v[0] > '9') {
		return false
	}
	x, err := strconv.ParseFloat(string(v), 64)
	*to = x
	return err == nil && !math.IsInf(x, 0) && !math.IsNaN(x)
}

// slow reads what fast does not: nested values, odd spacing, escaped keys.
func (r *logLine) slow(b []byte) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(b, &m); err != nil {
		return errNotRecord
	}
	for k, v := range m {
		switch {
		case len(v) > 1 && v[0] == '"':
			var s string
			if err := json.Unmarshal(v, &s); err != nil {
				return errNotRecord
			}
			quoted, _ := json.Marshal(s)
			r.setString([]byte(k), quoted[1:len(quoted)-1])
		case len(v) > 0 && v[0] != '{' && v[0] != '[':
			var x float64
			if json.Unmarshal(v, &x) == nil && x == math.Trunc(x) && math.Abs(x) < 1e15 {
				v = strconv.AppendInt(nil, int64(x), 10)
			}
			r.setOther([]byte(k), v)
		}
	}
	return nil
}

func (r *logLine) latency() time.Duration {
	if r.latencyUS != 0 {
		return time.Duration(r.latencyUS) * time.Microsecond
	}
	return time.Duration(r.latencyMS * float64(time.Millisecond))
}

func parseTimestamp(b []byte) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, string(b))
	return t, err == nil
}
