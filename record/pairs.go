package record

// A pairCounter counts, as ranks from 0 to n-1 are added, how many pairs of
// them came in the wrong order: a Fenwick tree, O(log n) an addition.
type pairCounter struct {
	tree  []int64 // tree[i] counts the ranks in (i - lowbit(i), i]
	added int64
	pairs int64
	lower int64 // additions below an earlier one
	max   int
}

func newPairCounter(n int) *pairCounter { return &pairCounter{tree: make([]int64, n+1), max: -1} }

// add adds a rank that was not added before.
func (p *pairCounter) add(rank int) {
	var upTo int64
	for i := rank + 1; i > 0; i -= i & -i {
		upTo += p.tree[i]
	}
	p.pairs += p.added - upTo
	if rank < p.max {
		p.lower++
	}
	p.max = max(p.max, rank)
	p.added++
	for i := rank + 1; i < len(p.tree); i += i & -i {
		p.tree[i]++
	}
}
