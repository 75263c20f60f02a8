// Package retry decides what becomes of a URL after an attempt: it is over, it
// is tried again after a wait, or it is put off to a later run.
//
// It promises that [Decide] is total (every class and kind of failure has
// exactly one row in the table that it runs, which [Table] also gives for
// printing), that equal values in give equal values out, that no wait is
// negative, above what the policy allows or below what a server asked for, and
// that a retry is never paid for twice. It sends nothing, knows no clock and no
// error values: its caller says what happened as an [Attempt], and times are
// nanoseconds since a start of the caller's choice.
//
// Call [Spec] or [Smart] for a policy, then [Decide] after each attempt.
package retry

import (
	"math"
	"time"
)

// Forever is the Remaining of a run without a deadline.
const Forever = time.Duration(math.MaxInt64)

// An Attempt is what is known of one attempt once it has ended.
type Attempt struct {
	Class  Class
	Kind   Kind
	Phase  Phase         // what was going on when it failed
	Limit  Limit         // which limit of ours fired, with ClassTimeout
	After  time.Duration // that limit, as it was given
	Status int           // of the last hop; 0 if there was none

	Sent         bool // a byte of a request may have reached a server
	Idempotent   bool // the method is, or the request carries an Idempotency-Key
	Unreplayable bool // some of the body was read and cannot be had again
	Resends      int  // wire sends beyond one a hop: net/http's own repeats

	RetryAfter RetryAfter // from the last hop's header, whatever its status
	RateLimit  RateLimit  // likewise
	ServerHint Hint       // x-should-retry, if the caller heeds it
}

// State is what Decide remembers of a URL between its attempts. The zero value
// is a URL that was never tried. It is a plain value: save it, compare it.
type State struct {
	Attempts int              // that have ended
	Retries  [NumGroups]int32 // granted so far, by what they were for
	Exponent int              // of the next computed wait
	Previous time.Duration    // the last computed wait, for decorrelated jitter
	Once     uint64           // bit n: the one retry of row n was used
	Paid     Tokens           // what the coming attempt cost, given back if it succeeds
	Deadline time.Duration    // when the URL must be over; 0 is never
	HTTP1    bool             // it must be spoken to in HTTP/1.1
	Fresh    bool             // the coming attempt must not reuse a connection
}

// Env is what Decide needs to know of the world.
type Env struct {
	Now         time.Duration
	U           float64       // in [0,1): the jitter of this wait, see [Uniform]
	Remaining   time.Duration // until the run must be over; Forever. The deadline of the URL is in its State
	Budget      Tokens        // to be had for a retry, if the policy has a budget; Unlimited
	Gate        time.Duration // the origin is closed until then; 0 if open
	BreakerOpen bool          // the origin's breaker has been open for longer than the policy's patience
}

// Action is what is to be done with a URL.
type Action uint8

// The three answers to "what now?".
const (
	Done     Action = iota // it is over: Outcome
	Retry                  // try again at NotBefore
	Postpone               // not in this run: Outcome says why; NotBefore when at the earliest
)

// A Verdict is the decision about one ended attempt.
type Verdict struct {
	Action  Action
	Rule    Rule
	Event   string  // the log event of the attempt: success, server_error, transient_client_error, …
	Then    string  // the event after it: retry, max_retries, deadline, budget_exhausted, parked, breaker_open; "" if none
	Outcome Outcome // what the URL ended as; OutcomeNone with Retry
	Reason  string  // with Retry: what for, as the log's retry event says it
	Why     string  // in words, where the rule alone does not say it

	Nominal   time.Duration // the computed wait before jitter
	Wait      time.Duration // with Retry: from Now
	NotBefore time.Duration // Now + Wait, or the end of the gate

	FreshConn  bool   // the retry must not reuse a connection
	ForceHTTP1 bool   // the retry must speak HTTP/1.1
	Cost       Tokens // take from the budgets with Retry
	Refund     Tokens // give back to the budgets: the retry that has just ended succeeded

	CloseGate time.Duration // close the origin until then; 0: leave it
	Health    Health        // what the breaker is to learn
	Warning   string        // about a header that makes no sense; empty if none
}

// A Rule names the row that decided, and under which policy.
type Rule struct {
	Policy string
	Row    int
	Word   string
}
