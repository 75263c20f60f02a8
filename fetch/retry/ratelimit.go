package retry

import (
	"strconv"
	"strings"
	"time"
)

// RateLimit is what RateLimit headers said. The zero value is no header, or
// some requests left.
type RateLimit struct {
	Empty bool          // no request is left
	Reset time.Duration // until there are some; 0 if it was not said, or not believed
}

var rateLimitForms = [...]struct{ remaining, reset string }{
	{"Ratelimit-Remaining", "Ratelimit-Reset"}, {"X-Ratelimit-Remaining", "X-Ratelimit-Reset"},
}

// ParsePause is ParseRetryAfter and ParseRateLimit. It asks for the time only if
// there is something to read: most answers ask for no pause.
func ParsePause(header map[string][]string, now func() time.Time) (after RetryAfter, limit RateLimit) {
	if len(header["Retry-After"]) > 0 {
		after = ParseRetryAfter(header, now())
	}
	for _, name := range [...]string{"Ratelimit", rateLimitForms[0].remaining, rateLimitForms[1].remaining} {
		if len(header[name]) > 0 {
			return after, ParseRateLimit(header, now())
		}
	}
	return after, limit
}

// ParseRateLimit reads, of a header with canonical keys, RateLimit in the form
// of draft-ietf-httpapi-ratelimit-headers-08 and later ("default";r=0;t=30),
// RateLimit-Remaining and -Reset of the drafts before, and their X- forms. A
// reset of 10⁹ or more is a time since 1970, taken against the Date of the same
// response or else against now. The longest of several pauses counts; a pause
// above 30 days is not believed.
func ParseRateLimit(header map[string][]string, now time.Time) RateLimit {
	var limit RateLimit
	for _, line := range header["Ratelimit"] {
		for item := range elements(line, ',') {
			limit.add(parseItem(item))
		}
	}
	for _, form := range rateLimitForms {
		if left, ok := number(first(header[form.remaining])); !ok || left > 0 {
			continue
		}
		reset, _ := number(first(header[form.reset]))
		if reset >= epochLike {
			reset = max(0, reset-clock(header, now).Unix())
		}
		limit.add(true, seconds(reset))
	}
	return limit
}

func (l *RateLimit) add(empty bool, reset time.Duration) {
	if !empty {
		return
	}
	l.Empty = true
	if reset <= longestPause {
		l.Reset = max(l.Reset, reset)
	}
}

// parseItem reads one item of RateLimit: a name and parameters, of which r is
// what is left and t the seconds until there is more.
func parseItem(item string) (empty bool, reset time.Duration) {
	name := true
	for param := range elements(item, ';') {
		if name {
			name = false
			continue
		}
		key, value, _ := strings.Cut(param, "=")
		n, ok := number(value)
		switch {
		case !ok:
		case key == "r":
			empty = n == 0
		case key == "t":
			reset = seconds(n)
		}
	}
	return empty, reset
}

// elements splits at a separator that is not inside quotes.
func elements(s string, sep byte) func(func(string) bool) {
	return func(yield func(string) bool) {
		start, quoted := 0, false
		for i := 0; i < len(s); i++ {
			switch {
			case s[i] == '\\' && quoted:
				i++
			case s[i] == '"':
				quoted = !quoted
			case s[i] == sep && !quoted:
				if !yield(strings.Trim(s[start:i], " \t")) {
					return
				}
				start = i + 1
			}
		}
		yield(strings.Trim(s[start:], " \t"))
	}
}

func first(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

// number reads a whole number that is not negative; more digits than fit give the largest.
func number(s string) (int64, bool) {
	s = strings.Trim(s, " \t")
	if !isDigits(s) {
		return 0, false
	}
	n, _ := strconv.ParseInt(s, 10, 64)
	return n, true
}
