package replay

import (
	"maps"
	"slices"
)

// clusterScores compares two partitions of the rows: by the canonical row that
// the truth gives them, and by the one that the answer gives.
//
// Pairwise: of the pairs of rows that one side puts together, the share that
// the other does. B-cubed (Bagga and Baldwin, 1998): for each row, the share of
// its cluster that belongs there; the mean over rows.
func (s *sheet) clusterScores() (pairwise, bcubed PrecisionRecall) {
	answered := newRowClusters(len(s.truth))
	for i := range s.truth {
		if c := s.answeredCanonical(int32(i)); c != noIndex {
			answered.join(int32(i), c)
		}
	}
	trueRoot, rows := make([]int32, len(s.truth)), make([]int32, len(s.truth))
	for i := range s.truth {
		trueRoot[i], rows[i] = s.clusters.root(s.as[i]), answered.root(int32(i))
	}
	return compareClusters(trueRoot, rows)
}

// compareClusters takes each row's cluster, as the index of some row, on the
// side of the truth and on the side of the answer.
func compareClusters(truth, answer []int32) (pairwise, bcubed PrecisionRecall) {
	n := len(truth)
	trueSize, answerSize := make([]int64, n), make([]int64, n)
	type cell struct{ truth, answer int32 }
	both := map[cell]int64{} // only of clusters with several rows on both sides
	for i := range truth {
		trueSize[truth[i]]++
		answerSize[answer[i]]++
	}
	var p, r float64 // sums over rows
	for i := range truth {
		t, a := trueSize[truth[i]], answerSize[answer[i]]
		if t > 1 && a > 1 {
			both[cell{truth[i], answer[i]}]++
			continue
		}
		p += 1 / float64(a)
		r += 1 / float64(t)
	}
	var together, trueTogether, answerTogether int64
	for i := range n {
		trueTogether += pairs(trueSize[i])
		answerTogether += pairs(answerSize[i])
	}
	order := slices.SortedFunc(maps.Keys(both), func(a, b cell) int {
		if a.truth != b.truth {
			return int(a.truth) - int(b.truth)
		}
		return int(a.answer) - int(b.answer)
	})
	for _, c := range order { // a fixed order of summation
		k := both[c]
		together += pairs(k)
		p += float64(k*k) / float64(answerSize[c.answer])
		r += float64(k*k) / float64(trueSize[c.truth])
	}
	pairwise = precisionRecall(together, answerTogether-together, trueTogether-together)
	bcubed.Precision, bcubed.Recall = ratioOf(p, float64(n)), ratioOf(r, float64(n))
	if n > 0 { // a row is always in its own cluster, so neither is ever 0
		bcubed.F1 = ratioOf(2*bcubed.Precision.Value*bcubed.Recall.Value, bcubed.Precision.Value+bcubed.Recall.Value)
	}
	return pairwise, bcubed
}

func pairs(n int64) int64 { return n * (n - 1) / 2 }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
