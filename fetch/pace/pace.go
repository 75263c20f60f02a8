// Package pace decides when a URL may be tried: which attempts start now, which
// wait and until when, so that no origin gets more than it can take and none
// keeps another waiting.
//
// It promises that every URL read is given exactly one final Emit, that
// attempts in flight stay within the limits of the run and of each origin,
// that nothing starts while an origin's gate or breaker forbids it, that a
// ready URL starts within one round over the origins, and that equal inputs
// give equal effects. An input costs O(log n) for each URL that it moves; a
// URL that waits has no goroutine, timer, slot or connection.
//
// It does nothing itself: no clock, no goroutine, no I/O. The caller performs
// each [Effects] in the order of its fields and calls again. It is not safe
// for concurrent use.
//
// Call [New], then [Scheduler.Read] for each URL, [Scheduler.Done] for each
// attempt that ended and [Scheduler.Tick] at each Wake.
package pace

import (
	"math"
	"time"

	"holdfast/fetch/retry"
)

// Never is the Wake of a scheduler that waits for nothing but input.
const Never = time.Duration(math.MaxInt64)

// ID names a URL that was read and has no final Emit yet. The caller chooses
// it; line numbers will do.
type ID uint64

// Config is what a scheduler needs to know of its run.
type Config struct {
	Policy      retry.Policy  // with the limits: Concurrency, PerHost, Rate, …
	Seed        uint64        // of all jitter
	Window      int           // URLs in memory; 0 is max(1024, 8·Concurrency)
	Spill       bool          // the caller has a spool: without one a full window only reads no more
	RunDeadline time.Duration // when the run must be over; 0 is never
	MaxOrigins  int           // with state of their own; 0 is 100,000
}

// A Unit is one URL to fetch.
type Unit struct {
	ID          ID
	Origin      string        // scheme://host:port in lower case
	Fingerprint uint64        // of method, URL and body: with the seed it fixes the waits
	Policy      *retry.Policy // of this URL alone; nil is the run's
	NotBefore   time.Duration // as a postponed one's log says; 0 is now
	State       retry.State   // of a spilled one that had been tried
	Since       time.Duration // likewise: when its wait was decided
	Spilled     bool          // it comes back from the spool
}

// Effects is what the caller does after an input, field by field. Its slices
// are valid until the next input.
type Effects struct {
	Emit     []Emit        // record and tell, BEFORE Start
	Spill    []Spilled     // append to the spool of their origins, in this order, BEFORE Unspill
	Unspill  []Unspill     // read back from the spool and Read each
	Start    []Start       // begin these attempts
	ReadMore int           // Read that many more, if there are as many; it is the whole number wanted now, not an increment
	Wake     time.Duration // call Tick then; Never
	Finish   bool          // every URL has its final Emit and no more are to come
}

// An Emit is a decision about a URL: after an attempt, or without one if it
// was put off or stopped while it waited (Attempted is false).
type Emit struct {
	ID        ID
	Attempt   int  // number of the attempt that ended; 0 if there was none
	Attempted bool // an attempt has just ended
	Verdict   retry.Verdict
}

// A Start is an attempt to begin, or to go on with after a redirect.
type Start struct {
	ID         ID
	Attempt    int           // from 1
	Hop        int           // 0 for the URL itself; n after the n-th Hop
	Limit      time.Duration // for the whole attempt: the rest of it at a hop; 0 is none
	LimitKind  retry.Limit   // LimitAttempt or LimitDeadline
	Waited     time.Duration // since the retry was decided, or since the Hop; 0 for a first attempt
	Queued     time.Duration // of it, or since Read: the time it was ready and had to wait for its turn
	FreshConn  bool
	ForceHTTP1 bool
	Probe      bool // the breaker lets this one through to see
}

// A Spilled is a URL that leaves memory. It comes back as a Unit with what is
// said here.
type Spilled struct {
	ID        ID
	Origin    string
	NotBefore time.Duration
	State     retry.State
	Since     time.Duration
}

// An Unspill asks for the oldest spilled URLs of an origin.
type Unspill struct {
	Origin string
	Count  int
}
