package dedupe

import (
	"math/big"
	"math/bits"

	"holdfast/replay/tick"
)

// maxDecimals is what a price can hold. A mean that would need more is rounded
// there, so that the file can be read again (R10, R65).
const maxDecimals = 9

// meanOf adds up prices exactly. The zero value is ready.
type meanOf struct {
	hi, lo   uint64 // the sum, 128 bits in two's complement
	rows     int64
	decimals int // most decimals of any price
}

func (m *meanOf) add(p tick.Price) {
	var carry uint64
	m.lo, carry = bits.Add64(m.lo, uint64(p), 0)
	m.hi, _ = bits.Add64(m.hi, uint64(int64(p)>>63), carry)
	m.rows++
	m.decimals = max(m.decimals, decimals(p))
}

// decimals is how many digits p needs after the point.
func decimals(p tick.Price) int {
	n := maxDecimals
	for ; n > 0 && p%10 == 0; n-- {
		p /= 10
	}
	return n
}

// price is the mean rounded half to even at two decimals more than any of the
// prices has (R61).
func (m *meanOf) price() tick.Price {
	unit := powers[maxDecimals-min(m.decimals+2, maxDecimals)]
	sum := new(big.Int).Lsh(big.NewInt(int64(m.hi)), 64)
	sum.Add(sum, new(big.Int).SetUint64(m.lo))
	per := new(big.Int).Mul(big.NewInt(m.rows), big.NewInt(unit))
	q, r := new(big.Int).DivMod(sum, per, new(big.Int)) // Euclidean: 0 <= r < per
	half := new(big.Int).Lsh(r, 1).Cmp(per)
	if half > 0 || half == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(1))
	}
	return tick.Price(q.Int64() * unit)
}
