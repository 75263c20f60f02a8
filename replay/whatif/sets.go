package whatif

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"

	"holdfast/replay"
)

// Group is how many duplicates of one cause have the same fate under every
// safeguard.
type Group struct {
	Cause replay.Cause
	Fate
	N int64
}

// sets groups duplicates by the safeguards that prevent them.
type sets struct {
	n      int             // safeguards
	groups map[Group]int64 // N is 0 in the keys
	causes map[replay.Cause]int64
	matrix map[replay.Cause][]Range // by safeguard
}

// Range is how many duplicates are prevented at least and at most.
type Range struct{ Lo, Hi int64 }

// MarshalJSON writes [lo,hi].
func (r Range) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "[%d,%d]", r.Lo, r.Hi), nil }

func newSets(n int) sets {
	return sets{n: n, groups: map[Group]int64{}, causes: map[replay.Cause]int64{}, matrix: map[replay.Cause][]Range{}}
}

func (s *sets) add(cause replay.Cause, f Fate) {
	s.groups[Group{Cause: cause, Fate: f}]++
	s.causes[cause]++
	row := s.matrix[cause]
	if row == nil {
		row = make([]Range, s.n)
		s.matrix[cause] = row
	}
	for m := f.Possibly; m != 0; m &= m - 1 {
		row[bits.TrailingZeros64(m)].Hi++
	}
	for m := f.Prevented; m != 0; m &= m - 1 {
		row[bits.TrailingZeros64(m)].Lo++
	}
}

// covered is how many duplicates a set of safeguards surely prevents.
func (s *sets) covered(set uint64) (n int64) {
	for g, count := range s.groups {
		if g.Prevented&set != 0 {
			n += count
		}
	}
	return n
}

// exactSet is up to which size every set of safeguards is looked at.
const exactSet = 4

// smallest is the smallest set out of allowed that prevents as much as all of
// them together; of equally small ones the first in the order of safeguards.
// Beyond four it is grown greedily.
func (s *sets) smallest(allowed uint64) []int {
	goal := s.covered(allowed)
	if goal == 0 {
		return nil
	}
	var members []int
	for m := allowed; m != 0; m &= m - 1 {
		members = append(members, bits.TrailingZeros64(m))
	}
	for size := 1; size <= min(exactSet, len(members)); size++ {
		if found := s.search(members, 0, size, goal); found != nil {
			return found
		}
	}
	return s.greedy(members, goal)
}

func (s *sets) search(members []int, set uint64, size int, goal int64) []int {
	if size == 0 {
		if s.covered(set) == goal {
			return []int{}
		}
		return nil
	}
	for i, m := range members {
		if rest := s.search(members[i+1:], set|1<<m, size-1, goal); rest != nil {
			return append([]int{m}, rest...)
		}
	}
	return nil
}

func (s *sets) greedy(members []int, goal int64) (chosen []int) {
	var set uint64
	for s.covered(set) < goal {
		best, most := -1, int64(-1)
		for _, m := range members {
			if n := s.covered(set | 1<<m); n > most {
				best, most = m, n
			}
		}
		chosen, set = append(chosen, best), set|1<<best
	}
	slices.Sort(chosen)
	return chosen
}

// shares are the Shapley values of the safeguards (Shapley 1953) in the game
// whose worth is the number of duplicates prevented: each duplicate is shared
// equally among the safeguards that prevent it, which is exact for a game that
// is a sum of unanimity-of-any games.
func (s *sets) shares(allowed uint64) []float64 {
	list := make([]float64, s.n)
	for _, x := range s.list() {
		g, count := x.Prevented&allowed, x.N
		for m := g; m != 0; m &= m - 1 {
			list[bits.TrailingZeros64(m)] += float64(float64(count) / float64(bits.OnesCount64(g)))
		}
	}
	return list
}

// list is the groups in a fixed order.
func (s *sets) list() []Group {
	var list []Group
	for g, n := range s.groups {
		g.N = n
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Cause, b.Cause), cmp.Compare(a.Prevented, b.Prevented), cmp.Compare(a.Possibly, b.Possibly))
	})
	return list
}
