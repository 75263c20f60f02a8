package merge

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
