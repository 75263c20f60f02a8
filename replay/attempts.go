package replay

import (
	"cmp"
	"slices"

	"holdfast/replay/tick"
)

// CleanAttempts puts the attempts of one event into their order: by start, end
// with open last, worker, status (R20). Attempts equal in all five fields are
// one attempt, with their Lines added up. The slice is sorted and shortened in
// place; the order of the log never shows.
func CleanAttempts(as []Attempt) []Attempt {
	for i := range as {
		as[i].Lines = max(as[i].Lines, 1)
	}
	slices.SortFunc(as, compareAttempts)
	kept := as[:0]
	for _, a := range as {
		if n := len(kept); n > 0 && compareAttempts(kept[n-1], a) == 0 {
			kept[n-1].Lines += a.Lines
			continue
		}
		kept = append(kept, a)
	}
	return kept
}

func compareAttempts(a, b Attempt) int {
	return cmp.Or(
		cmp.Compare(a.Start, b.Start),
		compareEnds(a, b),
		cmp.Compare(a.Worker, b.Worker),
		cmp.Compare(a.Status, b.Status),
		cmp.Compare(a.Event, b.Event),
	)
}

// compareEnds orders by end, open last. The End of an open attempt means nothing.
func compareEnds(a, b Attempt) int {
	switch {
	case a.Open && b.Open:
		return 0
	case a.Open:
		return 1
	case b.Open:
		return -1
	}
	return cmp.Compare(a.End, b.End)
}

// BadInterval reports that the attempt ends before it starts (R21): it is left
// out of overlaps and durations and drawn as an instant.
func (a Attempt) BadInterval() bool { return !a.Open && a.End < a.Start }

// Duration is how long the attempt ran; ok is false if that is not known.
func (a Attempt) Duration() (d tick.Nanos, ok bool) {
	if a.Open || a.End < a.Start {
		return 0, false
	}
	return a.End - a.Start, true
}

// spans reports that the attempt covers some time: it can overlap another.
// Zero length and bad intervals overlap nothing.
func (a *Attempt) spans() bool { return a.Open || a.End > a.Start }
