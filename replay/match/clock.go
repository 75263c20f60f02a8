package match

import (
	"iter"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// Anchor is a row whose commit is known: it equals an event whose only attempt
// succeeded. N is its place in the file, Time the time it carries, End the end
// of the attempt.
type Anchor struct {
	N         int64
	Time, End tick.Nanos
}

// AnchorOf is the anchor that an event of the exact pass gives, if any: one
// member, one attempt, closed and successful, and exactly one row.
func AnchorOf(e Event) (Anchor, bool) {
	if len(e.IDs) != 1 || len(e.Attempts) != 1 || e.Exact != 1 || !committed(e.Attempts[0]) {
		return Anchor{}, false
	}
	return Anchor{N: e.FirstRow, Time: e.Time, End: e.Attempts[0].End}, true
}

// committed reports whether an attempt's end is the time of its commit.
func committed(a replay.Attempt) bool {
	return a.Status == replay.StatusSuccess && !a.Open && a.End >= a.Start
}

// Clock reads commit times off the file's order (R34a): an append-only output
// is in commit order, so a row was written at about the time of its neighbours.
type Clock struct {
	anchors iter.Seq[Anchor]

	n         int64               // anchors
	distances [halfOctaves]uint64 // of anchors from the bracket that the others make
	widths    [halfOctaves]uint64 // of those brackets

	between, timed int64 // leftover rows whose own time lies between their neighbours' times, of so many
}

// minAnchors is the fewest anchors from which distances are learned.
const minAnchors = 100

// NewClock learns how closely the file's order follows the commits: the
// distance of each anchor's end from its neighbours' ends. Anchors come in N
// order.
func NewClock(anchors iter.Seq[Anchor]) *Clock {
	c := &Clock{anchors: anchors}
	var a, b Anchor // the last two
	for x := range anchors {
		if c.n >= 2 {
			around := Bracket{Before: a.End, After: x.End, HasBefore: true, HasAfter: true}
			c.distances[halfOctave(around.distance(b.End))]++
			c.widths[halfOctave(size(minus(a.End, x.End)))]++
		}
		a, b = b, x
		c.n++
	}
	return c
}

// Locate brackets each row between the anchors around it. Rows come in N order
// and are given to emit in the same order.
func (c *Clock) Locate(rows iter.Seq[Row], emit func(Row)) {
	next, stop := iter.Pull(c.anchors)
	defer stop()
	var last Anchor
	var b Bracket
	head, ok := next()
	for r := range rows {
		for ok && head.N < r.N {
			b.Before, b.HasBefore, last = head.End, true, head
			head, ok = next()
		}
		b.After, b.HasAfter = head.End, ok
		if b.HasBefore && b.HasAfter {
			c.timed++
			if min(last.Time, head.Time) <= r.Time && r.Time <= max(last.Time, head.Time) {
				c.between++
			}
		}
		r.Bracket = b
		emit(r)
	}
}

// distance is how far a commit lies outside the bracket; 0 inside.
func (b Bracket) distance(end tick.Nanos) tick.Nanos {
	lo, hi := b.Before, b.After
	switch {
	case !b.HasBefore && !b.HasAfter:
		return 0
	case !b.HasBefore:
		return max(0, minus(end, hi))
	case !b.HasAfter:
		return max(0, minus(lo, end))
	}
	if lo > hi {
		lo, hi = hi, lo
	}
	return max(0, minus(lo, end), minus(end, hi))
}
