package publish

import "slices"

// A Set holds sequences as runs. Sequences mostly come in ascending order, which
// costs no search; memory is that of the runs. The zero value is empty.
type Set struct {
	runs []run
	n    uint64
}

// A run is the sequences first to last, both included.
type run struct{ first, last uint64 }

// Len is how many sequences there are.
func (s *Set) Len() uint64 { return s.n }

// Has reports whether a sequence is there.
func (s *Set) Has(x uint64) bool {
	i := s.after(x)
	return i > 0 && x <= s.runs[i-1].last
}

// after is how many runs begin at x or below.
func (s *Set) after(x uint64) int {
	if n := len(s.runs); n == 0 || s.runs[n-1].first <= x {
		return n
	}
	i, _ := slices.BinarySearchFunc(s.runs, x, func(r run, x uint64) int {
		if r.first <= x {
			return -1
		}
		return 1
	})
	return i
}

// Add puts a sequence in; false if it is there already.
func (s *Set) Add(x uint64) bool {
	i := s.after(x)
	joinsLeft := i > 0 && x > 0 && s.runs[i-1].last == x-1
	joinsRight := i < len(s.runs) && s.runs[i].first-1 == x // its first is above x, so not 0
	switch {
	case i > 0 && x <= s.runs[i-1].last:
		return false
	case joinsLeft && joinsRight:
		s.runs[i-1].last = s.runs[i].last
		s.runs = slices.Delete(s.runs, i, i+1)
	case joinsLeft:
		s.runs[i-1].last = x
	case joinsRight:
		s.runs[i].first = x
	default:
		s.runs = slices.Insert(s.runs, i, run{x, x})
	}
	s.n++
	return true
}
