package fetch

import (
	"time"

	"holdfast/fetch/retry"
)

// A Handler is told what happens, one call at a time, in order for each URL,
// and only after the log has it (R3). Durations are exact; attempts count from
// 1. A body is read only and valid until the call returns; it is nil if it is
// longer than MaxBuffer. A panic in a method is caught, told once and counted;
// the run goes on.
type Handler interface {
	// OnSuccess: a 2xx whose body arrived whole.
	OnSuccess(url string, status int, body []byte, latency time.Duration)
	// OnClientError: a 4xx that is the final answer; body is its beginning.
	OnClientError(url string, status int, body []byte)
	// OnServerError: a 5xx, at each attempt.
	OnServerError(url string, status, attempt int)
	// OnTimeout: a limit passed, at each attempt.
	OnTimeout(url string, attempt int, timeout time.Duration)
	// OnConnectionError: name, dial, TLS, framing, or a body cut short, at each attempt.
	OnConnectionError(url string, attempt int, err string)
	// OnSlowResponse comes in addition, for each attempt with a status.
	OnSlowResponse(url string, latency time.Duration)
	// OnRetry comes before the wait; attempt is the number of the coming one.
	OnRetry(url string, attempt int, wait time.Duration, reason string)
	// OnBodyMatch comes in addition to OnSuccess, once for each keyword.
	OnBodyMatch(url, keyword string)
	// OnMaxRetries: all attempts were made and the last one failed too.
	OnMaxRetries(url string, attempts int, lastError string)
}

// An ExtendedHandler is told the rest too. New detects it.
type ExtendedHandler interface {
	Handler
	// OnOther takes the events that Handler has no method for.
	OnOther(Event)
	// OnDone comes exactly once for each URL, last.
	OnDone(Outcome)
}

// An Event is one that Handler has no method for: redirect, deadline, parked, ….
type Event struct {
	Name    string // as the log has it
	URL     string
	Attempt int
	Why     string
}

// An Outcome is what a URL ended as.
type Outcome struct {
	URL       string
	Line      int64 // of the list, from 1; 0 for a URL that came alone
	Policy    string
	Rule      string // the row that decided
	Why       string
	Kind      retry.Outcome
	Status    int // of the last answer; 0 if the last attempt had none
	Attempts  int
	WireSends int
	Bytes     int64
	SHA256    string
	BodyFile  string
	NotBefore time.Time // of a postponed URL: when at the earliest
	LastErr   error     // what failed last
	History   []Attempt // at most the retries and one more
}

// OK reports whether a 2xx body arrived whole.
func (o *Outcome) OK() bool { return o.Kind == retry.OutcomeSuccess }
