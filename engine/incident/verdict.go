package incident

import (
	"fmt"
	"math"

	"holdfast/replay/whatif"
)

// A Range is a count that is not known better.
type Range struct{ Lo, Hi int64 }

// String is "3 to 7", or "3".
func (r Range) String() string {
	if r.Lo == r.Hi {
		return fmt.Sprint(r.Lo)
	}
	return fmt.Sprintf("%d to %d", r.Lo, r.Hi)
}

// A Verdict holds what a what-if foretold of a safeguard against what happened
// when it was really on.
type Verdict struct {
	Safeguard Safeguard
	Predicted Range // rows too many that would be left
	Widened   Range // the same, with what chance and the machine may add
	Actual    int64 // rows too many that there were
	HeldUp    int64 // of them, those of events that the machine held up
	Lost      int64 // events without a row
}

// Judge holds a run with a safeguard against what was foretold from the run
// without one.
//
// Two runs are two throws of the same dice: who is killed with what in his
// hands differs, so the prediction is widened to the exact 99 % interval of a
// Poisson count. And the machine may stall: rows that are due to that are no
// fault of the safeguard in this run, and no merit of it if they were in the
// other one. Where the sink goes by keys there is neither chance nor excuse.
func Judge(foretold whatif.Outcome, without, with *Result) Verdict {
	v := Verdict{
		Safeguard: with.Safeguard,
		Predicted: Range{foretold.Duplicates - foretold.PreventedHi, foretold.Duplicates - foretold.PreventedLo},
		Actual:    with.Duplicates(), Lost: with.Lost(),
	}
	v.Widened = v.Predicted
	if with.Safeguard.ByKey() {
		return v
	}
	v.HeldUp = with.HeldUp()
	v.Widened.Lo, _ = poisson99(max(v.Predicted.Lo-without.HeldUp(), 0))
	_, v.Widened.Hi = poisson99(v.Predicted.Hi)
	return v
}

// Held reports that it was as foretold, and that nothing was lost.
func (v Verdict) Held() bool {
	return v.Lost == 0 && v.Actual >= v.Widened.Lo && v.Actual-v.HeldUp <= v.Widened.Hi
}

// poisson99 is the exact 99 % interval of the mean of a Poisson variable that
// was seen to be n (F. Garwood, Biometrika 28, 1936), as whole numbers that
// hold it.
func poisson99(n int64) (lo, hi int64) {
	const tail = 0.005
	if n > 0 {
		lo = int64(math.Floor(bisect(0, float64(n), func(mean float64) bool { return 1-atMost(n-1, mean) < tail })))
	}
	hi = int64(math.Ceil(bisect(float64(n), float64(2*n+20), func(mean float64) bool { return atMost(n, mean) > tail })))
	return lo, hi
}

// bisect finds where below turns false between lo and hi.
func bisect(lo, hi float64, below func(float64) bool) float64 {
	for range 60 {
		if mid := (lo + hi) / 2; below(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// atMost is the chance that a Poisson variable is at most n.
func atMost(n int64, mean float64) float64 {
	if mean == 0 {
		return 1
	}
	sum := 0.0
	for k := range n + 1 {
		logFactorial, _ := math.Lgamma(float64(k + 1))
		sum += math.Exp(float64(k)*math.Log(mean) - mean - logFactorial)
	}
	return sum
}
