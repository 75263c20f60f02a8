package merge

import (
	"errors"
	"math"
	"slices"
)

// A union merges ascending pieces of the own list with received ones: with two
// fingers, one comparison of an own and a received value a step, until the
// comparisons it was given are spent, and by digits from there on.
type union struct {
	out     []int32
	budget  int64 // comparisons left
	dup     Dup
	work    *Work
	scratch []int32
	err     error // a value in both, in strict mode: the smallest
}

func newUnion(n int, budget int64, dup Dup, w *Work) *union {
	return &union{out: make([]int32, 0, n), budget: max(0, budget), dup: dup, work: w}
}

// add merges two pieces that lie above all that were added before. ownRepeats
// and newRepeats tell whether values may be repeated within the own and the
// received list.
func (u *union) add(own, received []int32, ownRepeats, newRepeats bool) {
	if u.err != nil {
		return
	}
	i, j := u.twoFingers(own, received, &u.budget)
	own, received = own[i:], received[j:]
	if u.err != nil || len(own) == 0 || len(received) == 0 {
		u.out = append(append(u.out, own...), received...)
		return
	}
	start := len(u.out)
	u.out = append(append(u.out, own...), received...)
	rest := u.out[start:]
	if cap(u.scratch) < len(rest) {
		u.scratch = make([]int32, len(rest))
	}
	u.work.DigitMoves += sortByDigits(rest, u.scratch[:len(rest)])
	switch u.dup {
	case Drop:
		u.out = u.out[:start+len(withoutRepeats(rest, u.work))]
	case Strict:
		u.checkShared(own, received, rest, ownRepeats, newRepeats)
	}
}

// A piece is an ascending list, perhaps with repeats.
type piece struct {
	values []int32
	multi  bool
}

// addAll merges any number of lists, pair by pair while there are comparisons
// left, and the rest at once by digits.
func (u *union) addAll(lists []piece) {
	merged := lists[0]
	for rest := lists[1:]; len(rest) > 0; rest = rest[1:] {
		if u.budget == 0 {
			u.addByDigits(merged, rest)
			break
		}
		u.out = make([]int32, 0, len(merged.values)+len(rest[0].values))
		u.add(merged.values, rest[0].values, merged.multi, rest[0].multi)
		merged = piece{u.out, merged.multi || rest[0].multi || u.dup == Keep}
	}
	if u.err != nil {
		u.err = smallestShared(lists, u.work)
	}
}

// addByDigits merges lists without comparing their values.
func (u *union) addByDigits(merged piece, rest []piece) {
	all := slices.Clone(merged.values)
	within := 0
	for _, p := range append(rest, merged) {
		if p.multi {
			within += repeatsIn(p.values, u.work)
		}
	}
	for _, p := range rest {
		all = append(all, p.values...)
	}
	u.work.DigitMoves += sortByDigits(all, make([]int32, len(all)))
	switch u.dup {
	case Drop:
		all = withoutRepeats(all, u.work)
	case Strict:
		if repeatsIn(all, u.work) > within {
			u.err = &DuplicateError{}
		}
	}
	u.out = all
}

// smallestShared names the smallest value that is in two of the lists: on the
// way out, when it is known that there is one.
func smallestShared(lists []piece, w *Work) error {
	var found *DuplicateError
	for i := range lists {
		for j := range i {
			u := newUnion(0, math.MaxInt64, Strict, w)
			u.twoFingers(lists[i].values, lists[j].values, &u.budget)
			var d *DuplicateError
			if errors.As(u.err, &d) && (found == nil || d.Value < found.Value) {
				found = d
			}
		}
	}
	return found
}

// twoFingers merges while there are comparisons left. It gives what it took of
// both.
func (u *union) twoFingers(own, received []int32, budget *int64) (i, j int) {
	for ; i < len(own) && j < len(received) && *budget > 0; *budget-- {
		u.work.MergeComparisons++
		switch a, b := own[i], received[j]; { // one comparison of three outcomes
		case a < b:
			u.out = append(u.out, a)
			i++
		case a > b:
			u.out = append(u.out, b)
			j++
		default:
			if u.dup == Strict {
				u.err = &DuplicateError{a}
				return i, j
			}
			u.out = append(u.out, a)
			i++
			if u.dup == Drop {
				j++
			}
		}
	}
	return i, j
}

// checkShared looks for a value in both parts of rest, which is sorted: then it
// has more repeats than its parts. Differences tell that; only to name the
// value, on the way out, are values compared.
func (u *union) checkShared(own, received, rest []int32, ownRepeats, newRepeats bool) {
	within := 0
	if ownRepeats {
		within += repeatsIn(own, u.work)
	}
	if newRepeats {
		within += repeatsIn(received, u.work)
	}
	if repeatsIn(rest, u.work) > within {
		all := int64(len(rest))
		u.twoFingers(own, received, &all)
	}
}
