package match

// axis divides the residuals of one direction, from lo to hi, into bins: bin 0
// for equality, which is a thing of its own, and bins of equal width for the
// rest. All residuals are multiples of unit, and probabilities are per multiple,
// so that a bin that happens to hold more of them is not dearer for it.
type axis struct {
	lo, hi int64
	unit   int64
	width  int64    // of a bin, a multiple of unit
	points []uint64 // multiples of unit in each bin
}

func newAxis(lo, hi, unit int64, bins int) axis {
	a := axis{lo: lo, hi: hi, unit: max(unit, 1)}
	size := uint64(hi-lo) + 1
	perBin := (size/uint64(a.unit) + uint64(bins)) / uint64(bins)
	a.width = int64(perBin) * a.unit
	a.points = []uint64{1}
	for from := lo; ; from += a.width {
		to := min(hi, from+a.width-1)
		if to < from { // overflow: from+width is beyond every residual
			to = hi
		}
		a.points = append(a.points, a.multiples(from, to))
		if to == hi {
			return a
		}
	}
}

// multiples counts the multiples of unit in [from, to] other than zero.
func (a *axis) multiples(from, to int64) uint64 {
	n := floorDiv(to, a.unit) - floorDiv(from-1, a.unit)
	if from <= 0 && 0 <= to {
		n--
	}
	return uint64(n)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// bin is the bin of a residual within [lo, hi].
func (a *axis) bin(v int64) int {
	if v == 0 {
		return 0
	}
	return 1 + int((v-a.lo)/a.width)
}

// size is the number of multiples of unit on the whole axis.
func (a *axis) size() uint64 {
	n := uint64(0)
	for _, p := range a.points {
		n += p
	}
	return n
}

// gcd of |a| and |b|; gcd(0, b) is |b|.
func gcd(a, b int64) int64 {
	a, b = size(a), size(b)
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
