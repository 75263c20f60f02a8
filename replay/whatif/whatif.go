// Package whatif replays safeguards over a recorded incident: had this measure
// been on, how many of the duplicates would not be there, which events would
// have been lost, and what would it have cost?
//
// It is an open loop: arrivals, claims and durations are as recorded, and a
// safeguard only refuses claims or rows (R70). What the records leave open,
// such as which of several attempts wrote, when an attempt without end did, or
// which of two equal instants was first, is not guessed: a safeguard is tried
// under every resolution that the records allow, and the answer is an interval
// [lo, hi] with the mean over the resolutions between them. So a safeguard that
// prevents "all" does so however it really was.
//
// It does not promise what a rerun would do: a refused claim frees a slot, and
// a lease of another length hands out at other moments.
//
// Start with [Replay] for one safeguard over cases in memory; [NewStudy]
// weighs many at once over a stream.
package whatif

import (
	"iter"
	"slices"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// Outcome is what one safeguard would have done.
type Outcome struct {
	Safeguard Safeguard
	Closed    bool // the queue was simulated again; duplicates that it makes anew count against it

	Duplicates int64 // of the incident
	// Prevented in every resolution (lo), in at least one (hi), and on average
	// over resolutions that are all taken for equally likely.
	PreventedLo, PreventedHi int64
	PreventedExpected        float64

	FalseRejections          int64 // writes refused at most that were the first of their event
	EventsLostLo, EventsLost int64 // events without a row, that had one: surely, and at most
	Versions                 int64 // most rows of one event that readers see one after the other; 0: it shows one
	Keys                     int64 // most keys held at a time; -1: not known
	Latency                  *Delay
	Skew                     float64 // load of the busiest worker over the mean; 0: not changed

	// Delayed counts claims refused whose event is handed out again only when
	// the safeguard lets it: recovery takes longer, nothing is lost.
	Delayed int64

	// Missed are up to three duplicates, by owner of the row, that it may not prevent.
	Missed []Missed

	// NotEstimable says why there is no figure (a lease where no attempt has an end).
	NotEstimable string
}

// Delay is how much later events come out because of a safeguard, among those
// that it delays at all.
type Delay struct{ P50, P99 tick.Nanos }

// Missed is a duplicate that a safeguard does not surely prevent.
type Missed struct {
	Row   int64
	Event string
}

// Verdict sums an outcome up.
type Verdict string

// The verdicts. Harmful outranks the rest: an event may be lost.
const (
	Complete     Verdict = "complete"  // prevents every duplicate, however it was
	Partial      Verdict = "partial"   // prevents some, or may
	NoEffect     Verdict = "no-effect" // prevents none in any resolution
	Harmful      Verdict = "harmful"
	NotEstimable Verdict = "not-estimable"
)

// Verdict is harmful, complete, partial or no-effect. Where there are no
// duplicates, a safeguard that loses nothing has no effect.
func (o *Outcome) Verdict() Verdict {
	switch {
	case o.NotEstimable != "":
		return NotEstimable
	case o.EventsLost > 0:
		return Harmful
	case o.PreventedHi == 0:
		return NoEffect
	case o.PreventedLo == o.Duplicates:
		return Complete
	}
	return Partial
}

// Bytes is what the keys take at least: 16 for a digest, 8 more for the time
// of those that expire; -1: not known.
func (o *Outcome) Bytes() int64 {
	if o.Keys < 0 {
		return -1
	}
	switch o.Safeguard.Slug {
	case WindowFixed, WindowSliding, MarkBeforeDeliver, Lease, HeartbeatLease, InFlightSet, ToleranceDedupe, SourceDedupe:
		return 24 * o.Keys
	case FencingToken:
		return 24 * o.Keys // the id and the newest token
	case TransactionalSink, PartitionSymbol, PartitionEvent:
		return 0
	}
	return 16 * o.Keys
}

// Replay tries one safeguard over cases in memory, in the order of (time, id)
// of their events, under the facts of p.
func Replay(cases iter.Seq[replay.EventCase], p *replay.Population, s Safeguard) Outcome {
	return ReplayAll(cases, p, []Safeguard{s}).Outcomes[0]
}

// ReplayAll is Replay for several safeguards at once.
func ReplayAll(cases iter.Seq[replay.EventCase], p *replay.Population, list []Safeguard) *Result {
	scout := NewScout()
	var rows []Row
	for c := range cases {
		scout.Add(&c)
		rows = append(rows, RowsOf(&c, p)...)
	}
	slices.SortFunc(rows, CompareRows)
	marks := map[int64]Mark{}
	v := NewValues(list, p, func(m Mark) { marks[m.Row] = m })
	for _, r := range rows {
		v.Add(r)
	}
	v.Close()
	study := NewStudy(Config{Safeguards: list, Population: p, Facts: scout.Facts()})
	for c := range cases {
		f := replay.Classify(c, p)
		var own []Mark
		for i := range c.Rows {
			if m, ok := marks[c.Rows[i].Row.N]; ok {
				own = append(own, m)
			}
		}
		study.Add(&c, &f, own)
	}
	return study.Result()
}
