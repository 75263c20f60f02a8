package retry

import (
	"strconv"
	"strings"
	"time"
)

// RetryAfter is what a Retry-After header said. The zero value is no header.
type RetryAfter struct {
	Found   bool          // there was a header that can be read
	Wait    time.Duration // from the moment it came; 0 for the past
	Absurd  bool          // above 30 days, or a number that is an epoch
	Warning string        // why the header was ignored or is absurd
}

// Limits of belief (R6.3). A server that sends the time of day where seconds
// belong would otherwise be waited for until the next century
// (hashicorp/go-retryablehttp#247).
const (
	longestPause = 30 * 24 * time.Hour
	epochLike    = 1_000_000_000 // seconds: 31 years, or 2001
)

// ParseRetryAfter reads Retry-After (RFC 9110, 10.2.3) of a header with
// canonical keys, such as an http.Header: seconds in ASCII digits, or one of
// the three forms of HTTP-date, which is taken against the Date of the same
// response, or else against now, the wall clock. The first line wins. What
// cannot be read is ignored, with a warning.
func ParseRetryAfter(header map[string][]string, now time.Time) RetryAfter {
	lines := header["Retry-After"]
	if len(lines) == 0 {
		return RetryAfter{}
	}
	text := strings.Trim(lines[0], " \t")
	if isDigits(text) {
		return retryAfterSeconds(text)
	}
	now = clock(header, now)
	at, ok := parseDate(text, now)
	if !ok {
		return RetryAfter{Warning: "Retry-After " + quote(text) + " is neither seconds nor a date: ignored"}
	}
	wait := at.Sub(now) // saturates
	if wait > longestPause {
		return RetryAfter{Found: true, Wait: wait, Absurd: true, Warning: "Retry-After " + quote(text) + " is more than 30 days ahead"}
	}
	return RetryAfter{Found: true, Wait: max(wait, 0)}
}

func retryAfterSeconds(text string) RetryAfter {
	n, _ := strconv.ParseInt(text, 10, 64) // more digits than fit give the largest
	wait := seconds(n)
	switch {
	case n >= epochLike:
		return RetryAfter{Found: true, Wait: wait, Absurd: true, Warning: "Retry-After " + quote(text) + " looks like a time, not like seconds"}
	case wait > longestPause:
		return RetryAfter{Found: true, Wait: wait, Absurd: true, Warning: "Retry-After " + quote(text) + " is more than 30 days"}
	}
	return RetryAfter{Found: true, Wait: wait}
}

// seconds gives n seconds, or the end of time.
func seconds(n int64) time.Duration {
	if n > int64(Forever/time.Second) {
		return Forever
	}
	return time.Duration(n) * time.Second
}

// clock is the Date of the response, or else now: a server's dates are meant
// by the server's clock.
func clock(header map[string][]string, now time.Time) time.Time {
	if lines := header["Date"]; len(lines) > 0 {
		if t, ok := parseDate(strings.Trim(lines[0], " \t"), now); ok {
			return t
		}
	}
	return now
}

// dateForms are those of RFC 9110, 5.6.7, behind the name of the day: the
// preferred one, RFC 850's and asctime's. The name itself is not looked at.
var dateForms = [...]string{"02 Jan 2006 15:04:05 GMT", "02-Jan-06 15:04:05 GMT", "Jan _2 15:04:05 2006"}

func parseDate(text string, near time.Time) (time.Time, bool) {
	day, rest, ok := strings.Cut(text, " ")
	if !ok || len(rest) > len(dateForms[0]) || !isDayName(strings.TrimSuffix(day, ",")) {
		return time.Time{}, false
	}
	for i, form := range dateForms {
		t, err := time.Parse(form, rest)
		if err != nil || t.Format(form) != rest { // Parse also takes fractions of a second
			continue
		}
		if i == 1 { // two digits: not more than 50 years ahead
			for t.Before(near.AddDate(-50, 0, 0)) {
				t = t.AddDate(100, 0, 0)
			}
			for t.After(near.AddDate(50, 0, 0)) {
				t = t.AddDate(-100, 0, 0)
			}
		}
		return t, true
	}
	return time.Time{}, false
}

func isDayName(s string) bool {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if name := d.String(); s == name || s == name[:3] {
			return true
		}
	}
	return false
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// quote shows what a peer sent, shortened and without control characters.
func quote(s string) string {
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return strconv.QuoteToASCII(s)
}
