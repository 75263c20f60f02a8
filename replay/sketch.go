package replay

import (
	"maps"
	"math/bits"
	"slices"

	"holdfast/replay/tick"
)

// sketch holds a multiset of spans in bounded memory and answers quantiles.
//
// It is exact while it sees at most limit distinct values. Beyond, values keep
// only as many leading bits as leave at most limit distinct ones (the rest is
// cut off), and a quantile is the middle of the values that are cut to the
// same: within 1/1024 for 4,096 distinct values over two octaves. What it
// answers depends on the multiset, not on the order of adding: cutting to 11
// bits and then to 10 is cutting to 10.
type sketch struct {
	limit  int
	bits   int // leading bits kept; 0: all
	n      int64
	counts map[tick.Nanos]int64
}

const (
	fullBits    = 63
	minimumBits = 2 // leaves at most 256 values of an int64, so limit must be that or more
)

func newSketch(limit int) *sketch { return &sketch{limit: limit, counts: map[tick.Nanos]int64{}} }

func (s *sketch) add(v tick.Nanos) {
	s.n++
	if s.bits > 0 {
		v = cut(v, s.bits)
	}
	s.counts[v]++
	for len(s.counts) > s.limit && s.bits != minimumBits {
		s.coarsen()
	}
}

func (s *sketch) coarsen() {
	if s.bits == 0 {
		s.bits = fullBits
	}
	s.bits--
	if s.bits > 32 {
		s.bits = 32
	}
	next := make(map[tick.Nanos]int64, s.limit+1)
	for v, n := range s.counts {
		next[cut(v, s.bits)] += n
	}
	s.counts = next
}

// reset empties the sketch for another use.
func (s *sketch) reset() {
	if s.n > 0 { // clearing costs as much as the map once held
		clear(s.counts)
	}
	s.n, s.bits = 0, 0
}

// rank is the value at 1-based rank r of the sorted values; 0 if there is none.
func (s *sketch) rank(r int64) tick.Nanos {
	for _, v := range slices.Sorted(maps.Keys(s.counts)) {
		if r -= s.counts[v]; r <= 0 {
			return middle(v, s.bits)
		}
	}
	return 0
}

// nearestRank is the rank of the quantile percent/100 of n values: ⌈n·percent/100⌉.
func nearestRank(n, percent int64) int64 {
	return n/100*percent + (n%100*percent+99)/100
}

// quantile is the nearest-rank quantile.
func (s *sketch) quantile(percent int64) tick.Nanos { return s.rank(nearestRank(s.n, percent)) }

// above is how many values are greater than v, to within the precision.
func (s *sketch) above(v tick.Nanos) (n int64) {
	for x, c := range s.counts {
		if middle(x, s.bits) > v {
			n += c
		}
	}
	return n
}

// cut keeps the leading bits of the amount of v.
func cut(v tick.Nanos, keep int) tick.Nanos {
	if v < 0 {
		return -cut(-v, keep)
	}
	return v &^ (step(v, keep) - 1)
}

// middle is the middle of the values that are cut to v.
func middle(v tick.Nanos, keep int) tick.Nanos {
	switch {
	case keep == 0:
		return v
	case v < 0:
		return -middle(-v, keep)
	}
	return v + step(v, keep)/2
}

// step is the distance of neighbouring values of v's size that have keep bits.
func step(v tick.Nanos, keep int) tick.Nanos {
	return 1 << max(bits.Len64(uint64(v))-keep, 0)
}
