package merge

import (
	"slices"

	"holdfast/merge/setcode"
)

// A list is the values of one worker, ascending.
type list struct {
	values      []int32
	repeats     int // values that are equal to the one before
	fingerprint Fingerprint
}

// newList sorts a copy of the values by digits. In drop mode each value stays
// once. What it does is added to w.
func newList(values []int32, drop bool, w *Work) list {
	l := list{values: slices.Clone(values)}
	w.DigitMoves += sortByDigits(l.values, make([]int32, len(values)))
	l.repeats = repeatsIn(l.values, w)
	l.fingerprint = Fingerprint{int64(len(values)), setcode.CRC32C(l.values)}
	if drop && l.repeats > 0 {
		l.values = withoutRepeats(l.values, w)
		l.repeats = 0
	}
	return l
}

// repeatsIn counts the values that are equal to the one before, by looking at
// differences: gap tests.
func repeatsIn(sorted []int32, w *Work) (n int) {
	for i := 1; i < len(sorted); i++ {
		if int64(sorted[i])-int64(sorted[i-1]) == 0 {
			n++
		}
	}
	w.GapTests += int64(max(0, len(sorted)-1))
	return n
}

// withoutRepeats compacts a sorted list in place.
func withoutRepeats(sorted []int32, w *Work) []int32 {
	w.GapTests += int64(max(0, len(sorted)-1))
	kept := sorted[:min(1, len(sorted))]
	for _, v := range sorted[len(kept):] {
		if int64(v)-int64(kept[len(kept)-1]) != 0 {
			kept = append(kept, v)
		}
	}
	return kept
}

func (l list) min() int32   { return l.values[0] }
func (l list) max() int32   { return l.values[len(l.values)-1] }
func (l list) span() uint64 { return uint64(int64(l.max()) - int64(l.min())) }

// payload codes a whole list over its own range.
func (l list) payload(w *Work) setcode.Payload {
	set := slotsFrom(l.values, int64(l.min()))
	universe := l.span() + 1
	if l.repeats > 0 {
		setcode.Lift(set)
		universe += uint64(len(set) - 1)
	}
	p := setcode.Best(set, universe)
	w.BitsCoded += int64(p.Bits)
	return p
}

// slotsFrom gives the distances of values from origin.
func slotsFrom(values []int32, origin int64) []uint64 {
	set := make([]uint64, len(values))
	for i, v := range values {
		set[i] = uint64(int64(v) - origin)
	}
	return set
}

// A gap lies between two neighbouring values of a list, with room between.
type gap struct {
	lo, hi int32
	at     int // index of hi in the own list
}

func (g gap) width() int64 { return int64(g.hi) - int64(g.lo) }

// maxGaps is how many gaps a sketch tells at most.
const maxGaps = 3

// largestGaps gives the largest gaps of the list, the lower first among equal
// ones, in the order of their size.
func (l list) largestGaps(w *Work) []gap {
	var best []gap
	for i := 1; i < len(l.values); i++ {
		g := gap{l.values[i-1], l.values[i], i}
		if g.width() < 2 || len(best) == maxGaps && g.width() <= best[maxGaps-1].width() {
			continue
		}
		at := len(best)
		for at > 0 && best[at-1].width() < g.width() {
			at--
		}
		best = slices.Insert(best, at, g)
		best = best[:min(len(best), maxGaps)]
	}
	w.GapTests += int64(max(0, len(l.values)-1))
	return best
}
