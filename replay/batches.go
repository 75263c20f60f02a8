package replay

import (
	"maps"
	"math/bits"
	"slices"
)

// batchRows is how many contiguous extras make a batch (D15), and mostBatches
// how many batches are kept: more say nothing new.
const (
	batchRows   = 20
	mostBatches = 1 << 16
)

// rowSet is a set of row numbers: one bit for each row of the pages that have
// any, so at most an eighth of a byte per row of the output.
type rowSet map[int64]*[pageWords]uint64

const (
	pageWords = 64
	pageRows  = pageWords * 64
)

func (s rowSet) add(n int64) {
	page := s[n/pageRows]
	if page == nil {
		page = new([pageWords]uint64)
		s[n/pageRows] = page
	}
	page[n%pageRows/64] |= 1 << (n % 64)
}

// runs lists the runs of at least length rows, in order.
func (s rowSet) runs(length int64, most int) []RowRun {
	var out []RowRun
	run := RowRun{First: 0, Last: -1}
	end := func() {
		if run.Last-run.First+1 >= length && len(out) < most {
			out = append(out, run)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(s)) {
		for w, word := range s[p] {
			for ; word != 0; word &= word - 1 {
				n := p*pageRows + int64(w)*64 + int64(bits.TrailingZeros64(word))
				if n != run.Last+1 || run.Last < run.First {
					end()
					run.First = n
				}
				run.Last = n
			}
		}
	}
	end()
	return out
}

// inBatch reports that a row stands in a batch of extras (D15).
func (p *Population) inBatch(n int64) bool {
	i, ok := slices.BinarySearchFunc(p.Batches, n, func(r RowRun, n int64) int {
		switch {
		case r.Last < n:
			return -1
		case r.First > n:
			return 1
		}
		return 0
	})
	return ok && i >= 0
}
