package replay

import (
	"math"
	"math/big"
	"math/bits"

	"holdfast/replay/tick"
)

// priceSum adds up prices exactly, in 128 bits. The zero value is ready.
type priceSum struct {
	hi, lo   uint64 // two's complement
	n        int64
	decimals int // most digits after the point of any price
}

const priceDecimals = 9 // tick.Price counts billionths

func (s *priceSum) add(p tick.Price) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, uint64(p), 0)
	s.hi, _ = bits.Add64(s.hi, uint64(int64(p)>>63), carry)
	s.n++
	s.decimals = max(s.decimals, decimalsOf(p))
}

// decimalsOf is how many digits p needs after the point.
func decimalsOf(p tick.Price) int {
	n := priceDecimals
	for ; n > 0 && p%10 == 0; n-- {
		p /= 10
	}
	return n
}

// mean is the exact mean rounded half to even at two decimals more than any of
// the prices has, or at nine (R61).
func (s *priceSum) mean() tick.Price {
	unit := int64(1)
	for range priceDecimals - min(s.decimals+2, priceDecimals) {
		unit *= 10
	}
	sum := new(big.Int).Lsh(big.NewInt(int64(s.hi)), 64)
	sum.Add(sum, new(big.Int).SetUint64(s.lo))
	per := new(big.Int).Mul(big.NewInt(s.n), big.NewInt(unit))
	q, rest := new(big.Int).DivMod(sum, per, new(big.Int)) // rest >= 0
	half := rest.Lsh(rest, 1).Cmp(per)
	if half > 0 || half == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(1))
	}
	return tick.Price(q.Int64() * unit)
}

// priceSpread is high - low, or the greatest price there is if that is less.
func priceSpread(low, high tick.Price) tick.Price {
	if d := high - low; d >= 0 {
		return d
	}
	return math.MaxInt64
}
