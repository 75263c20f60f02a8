package merge

import (
	"math"
	"slices"
)

// BoundMessages is the least number of messages of the given number of words
// by which one of two lists can be told to who holds the other: the smaller of
// log2 C(R, k) over both lists of k values in a common range of R (or
// log2 C(R+k-1, k) for a list with repeats), in whole messages; 1 if a list is
// empty.
//
// The bound is that of one-way transfer: while R >= n + 2m any two candidate
// lists can be confused, so the receiver's own list does not help it.
func BoundMessages(a, b []int32, words int) int {
	if len(a) == 0 || len(b) == 0 {
		return 1
	}
	lo, hi := min(slices.Min(a), slices.Min(b)), max(slices.Max(a), slices.Max(b))
	within := float64(hi) - float64(lo) + 1
	bits := min(boundBits(a, within), boundBits(b, within))
	return max(1, int(math.Ceil(bits/float64(words*WordBits))))
}

func boundBits(values []int32, within float64) float64 {
	sorted := slices.Clone(values)
	sortByDigits(sorted, make([]int32, len(sorted)))
	k := float64(len(values))
	if repeatsIn(sorted, &Work{}) > 0 {
		within += k - 1
	}
	return log2Choose(within, k)
}

func log2Choose(n, k float64) float64 {
	lgamma := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	return (lgamma(n+1) - lgamma(k+1) - lgamma(n-k+1)) / math.Ln2
}
