package setcode

// Counted: every set of m out of U slots is given the same share, by asking
// for each slot in turn whether it is taken, with the odds of what is left.
// A large universe is first cut into cells of 2^l slots, about 64 or more to a
// value, so that the work is that of the values and not of the universe; the
// place within its cell is sent as it is, which costs under 0.04 bits a value.

// cellBits is l.
func cellBits(universe uint64, m int) int {
	return max(0, bitlen(universe)-bitlen(uint64(m))-6)
}

func encodeCounted(set []uint64, universe uint64) Payload {
	m := uint64(len(set))
	if m == 0 || m == universe {
		return Payload{Mode: Counted}
	}
	e := newEncoder(len(set)*(cellBits(universe, len(set))+8)/8 + 16)
	if l := cellBits(universe, len(set)); l > 0 {
		e.cells(set, universe, l)
	} else {
		e.slots(set, universe)
	}
	return e.finish(Counted)
}

func (e *encoder) slots(set []uint64, universe uint64) {
	left := uint64(len(set))
	for h := uint64(0); left != 0 && left != universe-h; h++ {
		present := set[uint64(len(set))-left] == h
		e.bit(present, one-share(left, universe-h))
		if present {
			left--
		}
	}
}

func (e *encoder) cells(set []uint64, universe uint64, l int) {
	last := (universe - 1) >> l
	h := uint64(0)
	for i, v := range set {
		left := uint64(len(set) - i)
		o := newOdds(left, left+last+1-h)
		here := v >> l
		for ; h < here; h++ { // e.bit(false, o.p0()), and there are many
			if e.r = (e.r >> 16) * o.p0(); e.r < bottomRange {
				e.normalize()
			}
			o.shrink()
		}
		if h < last {
			e.bit(true, o.p0())
		}
		e.raw(v, l)
	}
}

// odds are a/b in 1/65536, never nothing and never all, for a b that gets
// smaller by one again and again: without a division each time.
type odds struct{ b, quotient, remainder uint64 }

func newOdds(a, b uint64) odds { return odds{b, a << 16 / b, a << 16 % b} }

func (o *odds) p0() uint64 { return one - min(max(o.quotient, 1), one-1) }

func (o *odds) shrink() {
	o.b--
	for o.remainder += o.quotient; o.remainder >= o.b && o.b > 0; o.remainder -= o.b {
		o.quotient++
	}
}

// share is a/b in 1/65536, never nothing and never all.
func share(a, b uint64) uint64 {
	return min(max(a<<16/b, 1), one-1)
}

func decodeCounted(dst []uint64, r *Reader, m int, universe uint64) ([]uint64, error) {
	if m == 0 {
		return dst, nil
	}
	dst = room(dst, m)
	if uint64(m) == universe {
		for v := range universe {
			dst = append(dst, v)
		}
		return dst, nil
	}
	d := newDecoder(r)
	if l := cellBits(universe, m); l > 0 {
		return d.cells(dst, m, universe, l)
	}
	return d.slots(dst, m, universe), nil
}

func (d *decoder) slots(dst []uint64, m int, universe uint64) []uint64 {
	left, h := uint64(m), uint64(0)
	for ; left != 0 && left != universe-h; h++ {
		if d.bit(one - share(left, universe-h)) {
			dst = append(dst, h)
			left--
		}
	}
	for ; left > 0; left-- {
		dst = append(dst, h)
		h++
	}
	return dst
}

func (d *decoder) cells(dst []uint64, m int, universe uint64, l int) ([]uint64, error) {
	last := (universe - 1) >> l
	h, next := uint64(0), uint64(0) // next is the least that is still to come
	for left := uint64(m); left > 0; left-- {
		o := newOdds(left, left+last+1-h)
		for ; h < last; h++ { // d.bit(o.p0()), and most are 0
			s := (d.r >> 16) * o.p0()
			if d.value >= s {
				d.value -= s
				d.r -= s
				d.normalize()
				break
			}
			if d.r = s; s < bottomRange {
				d.normalize()
			}
			o.shrink()
		}
		v := h<<l | d.raw(l)
		if v < next || v >= universe {
			return dst, ErrCorrupt
		}
		dst = append(dst, v)
		next = v + 1
	}
	return dst, nil
}

// firstRoom is what is taken before a value was decoded: a header that lies
// about m costs no more.
const firstRoom = 1 << 20

// room makes room in dst for m more values, or the first of them.
func room(dst []uint64, m int) []uint64 {
	if need := len(dst) + min(m, firstRoom); need > cap(dst) {
		dst = append(make([]uint64, 0, need), dst...)
	}
	return dst
}
