package merge

import "holdfast/merge/setcode"

// A universe is the slots that a shipped value can occupy: a range of integers
// without the interiors of the gaps whose values are not shipped.
type universe struct {
	origin int64  // value of slot 0
	slots  uint64 // how many
	holes  []gap  // ascending
}

// newUniverse is from..to without the holes.
func newUniverse(from, to int64, holes []gap) universe {
	u := universe{from, uint64(to - from + 1), holes}
	for _, g := range holes {
		u.slots -= uint64(g.width() - 1)
	}
	return u
}

// set gives the slots of ascending values, none of which lies in a hole. The
// values come in one piece for each hole and one more; repeats are lifted.
func (u universe) set(pieces [][]int32, multi bool) []uint64 {
	n := 0
	for _, p := range pieces {
		n += len(p)
	}
	set := make([]uint64, 0, n)
	origin := u.origin
	for i, p := range pieces {
		for _, v := range p {
			set = append(set, uint64(int64(v)-origin))
		}
		if i < len(u.holes) {
			origin += u.holes[i].width() - 1
		}
	}
	if multi {
		setcode.Lift(set)
	}
	return set
}

// values undoes set. before[i] is how many values lie before hole i.
func (u universe) values(set []uint64, multi bool) (values []int32, before []int) {
	if multi {
		setcode.Unlift(set)
	}
	values = make([]int32, len(set))
	origin := u.origin
	i := 0
	for _, g := range u.holes {
		for ; i < len(set) && int64(set[i]) <= int64(g.lo)-origin; i++ {
			values[i] = int32(int64(set[i]) + origin)
		}
		before = append(before, i)
		origin += g.width() - 1
	}
	for ; i < len(set); i++ {
		values[i] = int32(int64(set[i]) + origin)
	}
	return values, before
}

// free gives the values of u, which has no holes, that are not among own, which
// is ascending: what a complement claim stands for. ok is false if there are
// not exactly want of them. It looks at differences only.
func (u universe) free(own []int32, want int, w *Work) (values []int32, ok bool) {
	next, end := u.origin, u.origin+int64(u.slots)
	fill := func(end int64) bool { // next..end-1
		if end-next > int64(want-len(values)) {
			return false
		}
		for ; next < end; next++ {
			values = append(values, int32(next))
		}
		return true
	}
	w.GapTests += int64(len(own))
	for _, v := range own {
		if !fill(int64(v)) {
			return nil, false
		}
		next = int64(v) + 1
	}
	return values, fill(end) && len(values) == want
}

// readSet decodes n values out of u and checks their sum. before[i] is how
// many lie before hole i.
func readSet(r *setcode.Reader, mode setcode.Mode, n int, multi bool, crc uint32, u universe, w *Work) (values []int32, before []int, err error) {
	slots := u.slots
	if multi {
		slots += uint64(max(0, n-1))
	} else if uint64(n) > slots {
		return nil, nil, limitError("%d different values in %d slots", n, slots)
	}
	start := r.Pos()
	set, err := setcode.Decode(nil, mode, r, n, slots)
	if err != nil {
		return nil, nil, protocolError("%v", err)
	}
	w.BitsCoded += int64(r.Pos() - start)
	values, before = u.values(set, multi)
	if setcode.Checksum(values) != crc {
		return nil, nil, ErrChecksum
	}
	return values, before, nil
}
