package match

import (
	"math/bits"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// dial gives the cost of a row's place in the file: that its commit lies so far
// from an attempt's end, relative to a commit that could be anywhere. A share of
// the rows were not written when an attempt ended (a file that was replayed or
// appended to another); it is learned with the residuals.
type dial struct {
	raw   [halfOctaves]cost // by class of distance, if there were no strays
	mixed [halfOctaves]cost
	stray cost // of a row that was written at some other time
}

// place is what the file's order says of a row and an event.
type place struct {
	class int8 // of the distance; unknown if there is none
	flat  bool // one of the attempts may have written at any time
}

const unknown = -1

// Shares of strays: at first, and at least.
const (
	firstStrays = one / 10
	leastStrays = one / 1000
)

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
	for i := range d.raw {
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
		d.raw[i] = lnRatio(total, num) + lnRatio(uint64(max(room, 1)), uint64(max(scale, 1)))
	}
	d.mix(firstStrays)
	return &d
}

// mix sets the share of strays and reports whether any cost changed.
func (d *dial) mix(strays uint64) bool {
	old := d.mixed
	strays = min(max(strays, leastStrays), one-leastStrays)
	d.stray = lnRatio(one, strays)
	for i, c := range d.raw {
		d.mixed[i] = either(c+lnRatio(one, one-strays), d.stray)
	}
	return d.mixed != old
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

// place is that of an event whose attempts these are, for a row in the bracket:
// the best of its attempts counts. An open or timed-out attempt may have written
// at any time, which costs nothing and says nothing.
func (d *dial) place(b Bracket, attempts []replay.Attempt) place {
	p := place{class: unknown}
	if d == nil || !b.HasBefore && !b.HasAfter {
		return p
	}
	for _, a := range attempts {
		if !committed(a) {
			p.flat = true
			continue
		}
		c := int8(halfOctave(b.distance(a.End)))
		if p.class == unknown || d.raw[c] < d.raw[p.class] {
			p.class = c
		}
	}
	return p
}

// cost of a place.
func (d *dial) cost(p place) cost {
	switch {
	case d == nil || p.class == unknown:
		return 0
	case p.flat:
		return min(0, d.mixed[p.class])
	}
	return d.mixed[p.class]
}

// strayShare is the probability that a row in a place is a stray, as a share of w.
func (d *dial) strayShare(p place, w uint64) uint64 {
	return scaled(w, weight(d.stray-d.mixed[p.class]))
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
