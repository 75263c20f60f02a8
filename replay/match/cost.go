package match

import "math/bits"

// cost is a negated log-likelihood in thousandths of a nat. Logarithms and
// exponentials are computed in integers (and not by package math, whose
// assembly differs between processors), so costs, weights and everything that
// is decided by them agree on every machine.
type cost int64

// far is a cost beyond every real one, small enough to be added up in sums of
// thousands of rows.
const far cost = 1 << 40

// log2Bits is the fraction of the fixed-point binary logarithm: 2^-24 is 4e-5
// of a thousandth of a nat.
const log2Bits = 24

// ln is the natural logarithm of x >= 1, rounded to the nearest thousandth.
func ln(x uint64) cost {
	n := bits.Len64(x) - 1
	m := x << (63 - n) // 1.63 fixed point, in [1, 2)
	log2 := uint64(n)
	for range log2Bits {
		hi, lo := bits.Mul64(m, m) // 2.126 fixed point, in [1, 4)
		log2 <<= 1
		if hi >= 1<<63 {
			log2, m = log2|1, hi
		} else {
			m = hi<<1 | lo>>63
		}
	}
	const ln2 = 693_147_181 // millionths of a thousandth of a nat
	const unit = 1_000_000 << log2Bits
	hi, lo := bits.Mul64(log2, ln2)
	lo, carry := bits.Add64(lo, unit/2, 0)
	q, _ := bits.Div64(hi+carry, lo, unit)
	return cost(q)
}

// lnRatio is ln(num/den) for positive num and den.
func lnRatio(num, den uint64) cost { return ln(num) - ln(den) }

// one is the weight of a certain thing: weights are fixed-point with 32 bits of
// fraction, so that billions of them can be added.
const one = 1 << 32

// weight is exp(-c) for c >= 0, and one for c < 0.
func weight(c cost) uint64 {
	if c <= 0 {
		return one
	}
	if c > 22_000 { // below 2^-31
		return 0
	}
	w, base := uint64(1)<<63, uint64(9_214_153_274_967_095_017) // 1.63 fixed point: 1 and exp(-1/1000)
	for ; c > 0; c >>= 1 {
		if c&1 == 1 {
			w = mulQ63(w, base)
		}
		base = mulQ63(base, base)
	}
	return w >> 31
}

func mulQ63(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi<<1 | lo>>63
}

// share is part/whole as a probability; 0 of 0 is 0. One division of exactly
// representable numbers rounds alike everywhere.
func share(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	for whole >= 1<<53 {
		part, whole = part>>1, whole>>1
	}
	return float64(part) / float64(whole)
}
