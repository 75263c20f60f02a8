package report

import (
	"cmp"
	"math"

	"holdfast/replay/whatif"
)

// Effect is what a safeguard would have done to the duplicates of this incident:
// the figures by which future_improvements.md ranks its ideas.
type Effect struct {
	Safeguard string // slug, such as unique-event-id
	Parameter string // such as 10s; empty if it has none

	PreventedLo int64 // duplicates prevented whatever the records leave open
	PreventedHi int64 // duplicates prevented at best
	EventsLost  int64 // events that may be lost; the safeguard is harmful if there are any
	Keys        int64 // keys that it holds at its peak; -1: not known
}

// Effects are the figures of those safeguards that could be estimated.
func Effects(r *whatif.Result) []Effect {
	var list []Effect
	for i := range r.Outcomes {
		if x := &r.Outcomes[i]; x.NotEstimable == "" {
			list = append(list, effectOf(x))
		}
	}
	return list
}

func effectOf(x *whatif.Outcome) Effect {
	return Effect{
		Safeguard: x.Safeguard.Slug, Parameter: x.Safeguard.Parameter(), PreventedLo: x.PreventedLo, PreventedHi: x.PreventedHi,
		EventsLost: x.EventsLost, Keys: x.Keys,
	}
}

// keyBytes is what a key takes at least: a 128-bit digest.
const keyBytes = 16

// keyCount is how many keys a sink holds that remembers every event; without
// events, at most one a row.
func keyCount(in *Incident) int64 {
	if hasEvents(in.Summary) {
		return in.Summary.ByEvent.Events
	}
	return in.Summary.Rows.In
}

// rank orders effects: more prevented for sure, more prevented at best, fewer
// keys held, an unknown number last.
func rank(a, b Effect) int {
	keys := func(e Effect) int64 {
		if e.Keys < 0 {
			return math.MaxInt64
		}
		return e.Keys
	}
	return cmp.Or(
		cmp.Compare(b.PreventedLo, a.PreventedLo),
		cmp.Compare(b.PreventedHi, a.PreventedHi),
		cmp.Compare(keys(a), keys(b)),
	)
}
