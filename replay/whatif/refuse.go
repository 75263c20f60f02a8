package whatif

import (
	"math/bits"
)

// answer is what a safeguard says to the rows of one event under one scenario:
// bit p is about the p-th row to be committed.
type answer struct {
	sure, maybe uint64 // refused for sure; refused or not (never both)
	delayed     int    // claims refused that come again later
	comesAgain  bool   // should no row be left, the event is handed out again
}

// prevented are the rows too many that are not there if exactly the rows of
// refused are refused: bit p for the p-th. Where the first row is refused, the
// first that is not takes its place.
func prevented(refused uint64, rows int) (gone uint64, lost bool) {
	all := uint64(1)<<rows - 1
	if rows == 64 {
		all = ^uint64(0)
	}
	refused &= all
	left := all &^ refused
	if left == 0 {
		return all &^ 1, true
	}
	if refused&1 == 0 {
		return refused, false
	}
	return refused&^1 | 1<<bits.TrailingZeros64(left), false
}

// tried adds up what a safeguard does to one event over all scenarios.
type tried struct {
	n            int
	lo, hi       uint64 // rows too many that are prevented in all, in some scenarios
	sum          int64  // of twice the number prevented
	lostLo, lost bool   // in all, in some
	first        bool   // the first row is refused in some
	delayed      int
}

func (t *tried) add(a answer, rows int) {
	low, lostLow := prevented(a.sure, rows)
	high, lostHigh := prevented(a.sure|a.maybe, rows)
	if a.comesAgain {
		lostLow, lostHigh = false, false
	}
	both := low & high // a refusal more may let another row be the one that stays
	if t.n == 0 {
		t.lo, t.lostLo = both, true
	}
	t.n++
	t.lo &= both
	t.hi |= low | high
	t.lostLo = t.lostLo && lostLow
	t.lost = t.lost || lostLow || lostHigh
	t.first = t.first || !a.comesAgain && (a.sure|a.maybe)&1 != 0
	t.sum += int64(bits.OnesCount64(low) + bits.OnesCount64(high))
	t.delayed = max(t.delayed, a.delayed)
}

// expected is the mean number prevented.
func (t *tried) expected() float64 {
	if t.n == 0 {
		return 0
	}
	return float64(t.sum) / float64(2*t.n)
}
