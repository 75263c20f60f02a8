package racers

import (
	"fmt"

	"holdfast/replay/tick"
)

// Fact is one thing that [Run] found out. Kind says which of the others is set.
type Fact struct {
	Kind    Kind
	Event   Event
	Attempt Attempt
	Row     Row
	Loss    Loss
}

// Kind is what a fact is about.
type Kind uint8

// The facts of one kind come in the order of the file that holds them.
const (
	EventFact   Kind = iota // the source emitted an event: raw_tick_events.log
	AttemptFact             // an attempt is over, as far as it ever will be: worker_logs.csv
	RowFact                 // a row stands in the output for good: final_output.csv
	LossFact                // an event is done with and has no row: truth/lost.csv
)

// EventID is the name of the event with that number.
func EventID(n int64) string { return string(AppendEventID(nil, n)) }

// AppendEventID appends what EventID returns: evt_ and seven digits, or more.
func AppendEventID(b []byte, n int64) []byte {
	if n < 0 || n >= 10_000_000 {
		return fmt.Appendf(b, "evt_%d", n)
	}
	b = append(b, "evt_0000000"...)
	for i := len(b) - 1; n > 0; i, n = i-1, n/10 {
		b[i] += byte(n % 10)
	}
	return b
}

// Event is a record of the source.
type Event struct {
	Number int64 // from 0, in the order of emission
	Time   tick.Nanos
	Symbol string
	Price  tick.Price
}

// Attempt is one worker's processing of one event: what its log says, and what
// happened.
type Attempt struct {
	Event  int64
	Number int // from 1, in the order of the event's claims
	Worker string

	LogStart tick.Nanos // by the worker's own clock
	LogEnd   tick.Nanos // meaningless when Open
	Open     bool       // the log has no end
	Success  bool       // the log says success; else timeout

	Start, End tick.Nanos
	Commit     tick.Nanos // when the sink was asked; meaningless unless Asked
	Asked      bool
	Fate       string // one of the fates below
}

// What became of an attempt.
const (
	FateEmitted = "emitted"   // one row
	FateTwice   = "emitted×2" // the same row twice
	FateRefused = "refused"   // the sink said no: with a safeguard only
	FateNone    = "none"      // gave up, and wrote nothing
	FateKilled  = "killed"    // died in a crash, and wrote nothing
	FateAborted = "aborted"   // its transaction was rolled back: with a safeguard only
)

// Row is a record of the output.
type Row struct {
	N       int64 // from 1
	Symbol  string
	Time    tick.Nanos
	Price   tick.Price
	Event   int64
	Attempt int

	Duplicate bool
	Canonical int64  // the row to keep instead; N itself if this is no duplicate
	Cause     string // slug of R50; empty if this is no duplicate
}

// Loss is an event without a row. Reason is a slug of R51.
type Loss struct {
	Event  int64
	Reason string
}

// The causes of duplicates (R50) and losses (R51) that happen here.
const (
	causeSecondID      = "source-double-emit"
	causeDoubleWrite   = "sink-double-emit"
	causeRestart       = "restart-burst"
	causeShortLease    = "short-lease"
	causeSameWorker    = "same-worker-double-claim"
	causeConcurrent    = "concurrent-double-claim"
	causeCrash         = "crash-replay"
	causeLateCommit    = "timeout-then-late-commit"
	causeAfterSuccess  = "retry-after-success"
	lostAllFailed      = "lost-all-attempts-failed"
	lostDespiteSuccess = "lost-despite-success"
	lostNeverAttempted = "never-attempted"
)

// Totals counts the facts of a run.
type Totals struct {
	Events     int64
	Attempts   int64
	Rows       int64
	Duplicates int64
	Lost       int64
	// Refused is how many writes a safeguard refused, FalseRefusals how many of
	// these would have been the first row of their event.
	Refused       int64
	FalseRefusals int64
}
