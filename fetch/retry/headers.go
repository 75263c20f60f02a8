package retry

import "time"

// RetryAfter is what a Retry-After header said. The zero value is no header.
type RetryAfter struct {
	Found   bool          // there was a header that can be read
	Wait    time.Duration // from the moment it came; 0 for the past
	Absurd  bool          // above 30 days, or a number that is an epoch
	Warning string        // why a header was ignored or is absurd
}

// RateLimit is what RateLimit headers said. The zero value is no header, or
// some requests left.
type RateLimit struct {
	Empty bool          // no request is left
	Reset time.Duration // until there are some; 0 if it was not said
}

// ParseRetryAfter reads Retry-After (and the Date beside it) of a header with
// canonical keys, such as an http.Header. now is the wall clock.
func ParseRetryAfter(header map[string][]string, now time.Time) RetryAfter { return RetryAfter{} }

// ParseRateLimit reads RateLimit, RateLimit-Remaining/-Reset and their X- forms
// likewise.
func ParseRateLimit(header map[string][]string, now time.Time) RateLimit { return RateLimit{} }
