package racers

import (
	"fmt"
	"time"

	"holdfast/replay/tick"
)

// Params is one incident before it happens. Whatever it does not mention does
// not happen. It is written to truth/params.json.
type Params struct {
	Preset string `json:"preset"`
	Seed   uint64 `json:"seed"`

	// Events is how many ticks the source sees; a tick that it emits twice is
	// two events.
	Events   int64      `json:"events"`
	Start    tick.Nanos `json:"start_ns"`
	Interval Millis     `json:"interval_ms"`
	Symbols  []string   `json:"symbols"`
	Prices   Prices     `json:"prices"`

	Workers []Worker `json:"workers"`
	Slots   int      `json:"slots"` // attempts that one worker runs at a time
	Service Span     `json:"service_ms"`

	// Lease is after how long the queue hands an unfinished claim out again; 0
	// is a queue that never does.
	Lease Millis `json:"lease_ms"`
	// AckWait is how long after its claim an event comes back whose
	// acknowledgement was lost.
	AckWait Millis `json:"ack_wait_ms"`

	Faults []FaultRate `json:"faults"`
	Timing Timing      `json:"timing_ms"`
	Crash  *Crash      `json:"crash,omitempty"`

	CopyShift Span  `json:"copy_shift_ms"` // a second row of an event is stamped so much later
	CopyCents int64 `json:"copy_cents"`    // and its price is off by up to so much

	// SourceOrder is a sink that puts an event's rows where the event stood in
	// the source. Otherwise rows stand in the order of their commits.
	SourceOrder bool `json:"source_order"`
	// Hostile asks the log writers for every spelling that a reader must take.
	Hostile bool `json:"hostile"`
}

// Millis is a span of whole milliseconds.
type Millis int64

// Duration is m for computing.
func (m Millis) Duration() time.Duration { return time.Duration(m) * time.Millisecond }

// Span is a range of which every whole millisecond is equally likely, both
// ends included.
type Span struct {
	Min Millis `json:"min"`
	Max Millis `json:"max"`
}

func (s Span) pick(draw uint64) time.Duration {
	return (s.Min + Millis(Below(draw, uint64(s.Max-s.Min+1)))).Duration()
}

// Prices says how prices are made, in hundredths. With a Walk of 0 each is
// drawn uniformly from [Low, High]; else a symbol starts there and moves by
// -Walk, 0 or +Walk with each of its ticks.
type Prices struct {
	Low  int64 `json:"low_cents"`
	High int64 `json:"high_cents"`
	Walk int64 `json:"walk_cents"`
}

// Worker is one consumer. Skew is how far its clock is ahead.
type Worker struct {
	Name string `json:"name"`
	Skew Millis `json:"skew_ms"`
}

// Fault is what goes wrong with one tick.
type Fault uint8

// A tick has at most one fault. The comment tells what its first attempt does;
// attempts after it are ordinary, those of a slow tick excepted.
const (
	NoFault        Fault = iota
	DoubleClaim          // the queue hands it to two workers at the same instant
	StaggeredClaim       // the queue hands it out again a little later
	SilentTimeout        // writes in time, but is logged as a timeout; nobody retries
	Zombie               // is given up, and writes long after
	Timeout              // is given up, and never writes
	LostAck              // succeeds, and nobody hears of it
	Slow                 // takes longer than a lease, each time
	SecondID             // the source emits it again under another id
	DoubleWrite          // the sink's client repeats the write after an unclear answer
	faults         = iota
)

var faultNames = [faults]string{"none", "double-claim", "staggered-claim", "silent-timeout", "zombie",
	"timeout", "lost-ack", "slow", "second-id", "double-write"}

func (f Fault) String() string { return faultNames[f] }

// MarshalText is String.
func (f Fault) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// FaultRate is how many ticks have a fault: exactly the rounded share, never
// "about so many", so that a preset can be checked by counting.
type FaultRate struct {
	Fault Fault `json:"fault"`
	Rate  Rate  `json:"rate"`
}

// Rate is the fraction Part/Of.
type Rate struct{ Part, Of int64 }

// Count is the share of n, rounded half up. It splits n so that nothing
// overflows before 10^15.
func (r Rate) Count(n int64) int64 {
	whole, rest := n/r.Of, n%r.Of
	return whole*r.Part + (2*rest*r.Part+r.Of)/(2*r.Of)
}

// MarshalText is "Part/Of".
func (r Rate) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d/%d", r.Part, r.Of), nil }

// Timing says how faults behave in time.
type Timing struct {
	StaggerGap  Span   `json:"stagger_gap"`  // claim to second claim
	GiveUp      Millis `json:"give_up"`      // claim to the timeout of a zombie
	LateCommit  Span   `json:"late_commit"`  // claim to the zombie's write
	Retry       Span   `json:"retry"`        // timeout to the next claim
	SlowService Span   `json:"slow_service"` // of each attempt at a slow tick
	SecondID    Span   `json:"second_id"`    // first emission to the second
	WriteRepeat Span   `json:"write_repeat"` // write to its repetition
}

// Crash is one crash of the whole consumer group. Attempts under way die
// without a word; after the silence the group starts again from an offset that
// lies Rewind back.
type Crash struct {
	From    Rate   `json:"from"` // it happens after a tick drawn from [From, To) of all
	To      Rate   `json:"to"`
	Silence Millis `json:"silence_ms"`
	Rewind  Rate   `json:"rewind"`  // ticks to be processed again, as a share of all
	Pace    Millis `json:"pace_ms"` // between claims while the group catches up
}

// validate says what Run cannot work with.
func (p Params) validate() error {
	spans := []Span{p.Service, p.CopyShift, p.Timing.StaggerGap, p.Timing.LateCommit, p.Timing.Retry,
		p.Timing.SlowService, p.Timing.SecondID, p.Timing.WriteRepeat}
	for _, s := range spans {
		if s.Min < 0 || s.Max < s.Min {
			return fmt.Errorf("span %d..%d ms: want 0 <= min <= max", s.Min, s.Max)
		}
	}
	for _, f := range p.Faults {
		if f.Rate.Part < 0 || f.Rate.Of < 1 {
			return fmt.Errorf("rate %d/%d of %s: want a fraction", f.Rate.Part, f.Rate.Of, f.Fault)
		}
	}
	switch {
	case p.Events < 0 || p.Events > MaxEvents:
		return fmt.Errorf("%d events: want 0 to %d", p.Events, int64(MaxEvents))
	case len(p.Symbols) == 0 || len(p.Workers) == 0 || p.Slots < 1:
		return fmt.Errorf("%d symbols, %d workers of %d slots: want at least one of each", len(p.Symbols), len(p.Workers), p.Slots)
	case p.Interval < 1 || p.Prices.Low < 1 || p.Prices.High < p.Prices.Low || p.Prices.Walk < 0 || p.CopyCents < 0:
		return fmt.Errorf("interval %d ms, prices %+v, copies off by %d: want a positive interval and 0 < low <= high", p.Interval, p.Prices, p.CopyCents)
	case p.Lease < 0 || p.AckWait < 0 || p.Timing.GiveUp < 0:
		return fmt.Errorf("lease %d, ack wait %d, give-up %d ms: want none below 0", p.Lease, p.AckWait, p.Timing.GiveUp)
	case p.Service.Max == p.Service.Min:
		return fmt.Errorf("service %d ms: want a range, or two claims of one worker could have equal log lines", p.Service.Min)
	}
	return nil
}

// MaxEvents bounds an incident: at 5 ms apart it is more than a year, and ids,
// times and counts stay far from overflow.
const MaxEvents = 10_000_000_000
