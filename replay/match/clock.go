package match

import (
	"iter"
	"math/bits"

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

// halfOctaves is the number of classes of halfOctave.
const halfOctaves = 128

// halfOctave is a logarithmic class: 0 for 0, 1 for 1, then two to a doubling.
func halfOctave(d tick.Nanos) int {
	if d < 2 {
		return int(max(d, 0))
	}
	n := bits.Len64(uint64(d))
	return 2*n - 2 + int(uint64(d)>>(n-2)&1)
}

// halfOctaveStart is the least member of class i.
func halfOctaveStart(i int) tick.Nanos {
	if i < 2 {
		return tick.Nanos(i)
	}
	n := i/2 + 1
	return 1<<(n-1) + tick.Nanos(i&1)<<(n-2)
}

// dial gives the cost of a distance, relative to a commit that could be anywhere.
type dial [halfOctaves]cost

// Reasons why position says nothing (R34a: the feature drops out and says so).
const (
	noteFewAnchors = "position not used: fewer than 100 rows with a known commit time"
	noteSorted     = "position not used: the output is sorted by time, so its order says nothing of commits"
	noteShuffled   = "position not used: the output's order does not follow the commits"
)

// dial turns the learned distances into costs, for candidates whose commits lie
// within about so wide a stretch of each other. If the file's order tells
// nothing, the dial is nil and the note says why.
func (c *Clock) dial(width tick.Nanos) (*dial, string) {
	switch {
	case c.n < minAnchors:
		return nil, noteFewAnchors
	case c.timed >= minRows && c.between*20 >= c.timed*19:
		return nil, noteSorted
	}
	bracket := median(&c.widths)
	scale := width + bracket
	if median(&c.distances) > scale/4 {
		return nil, noteShuffled
	}
	return c.costs(bracket, scale), ""
}

// costs is -ln of the density of distances over the uniform density of the
// scale. Distances of less than an eighth of the bracket make one class, because
// add-half smoothing would give tiny classes a tower of density.
func (c *Clock) costs(bracket, scale tick.Nanos) *dial {
	small := halfOctave(bracket/8 + 1)
	total := uint64(halfOctaves)
	for _, n := range c.distances {
		total += 2 * n
	}
	var d dial
	for i := range d {
		from, to := i, i
		if 1 <= i && i <= small {
			from, to = 1, small
		}
		num := uint64(1) // twice the count, with a half added
		for j := from; j <= to; j++ {
			num += 2 * c.distances[j]
		}
		room := 2 * (halfOctaveStart(min(to+1, halfOctaves-3)) - halfOctaveStart(from)) // on both sides
		if i == 0 {
			room = bracket
		}
		d[i] = lnRatio(total, num) + lnRatio(uint64(max(room, 1)), uint64(scale))
	}
	return &d
}

// median is the upper bound of the class that holds the median.
func median(classes *[halfOctaves]uint64) tick.Nanos {
	var total, sum uint64
	for _, n := range classes {
		total += n
	}
	for i, n := range classes {
		if sum += n; 2*sum >= total {
			return halfOctaveStart(i + 1)
		}
	}
	return 0
}

// cost is that of an event whose attempts these are, for a row in the bracket:
// the best of its attempts. An open or timed-out attempt may have written at
// any time, which costs nothing and says nothing.
func (d *dial) cost(b Bracket, attempts []replay.Attempt) cost {
	if d == nil || len(attempts) == 0 || !b.HasBefore && !b.HasAfter {
		return 0
	}
	best := far
	for _, a := range attempts {
		c := cost(0)
		if committed(a) {
			c = d[halfOctave(b.distance(a.End))]
		}
		best = min(best, c)
	}
	return best
}
