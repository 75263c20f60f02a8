package match

import "math/bits"

// The grid is all integers of at most two significant digits: 0 to 99, 100,
// 110, ... 990, 1000, 1100, ... Every tolerance that auto picks lies on it
// (R32). Cell i holds the values above gridValue(i-1) up to gridValue(i); cell 0
// is zero alone.

// gridCells is the number of cells of the values below 2^63.
const gridCells = 90*17 + 93 + 1

// powersOfTen has 10^0 to 10^18.
var powersOfTen = [...]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// gridCell is the cell of v >= 0.
func gridCell(v int64) int {
	if v < 100 {
		return int(v)
	}
	digits := bits.Len64(uint64(v)) * 1233 >> 12 // of v, or one less
	if digits < len(powersOfTen) && v >= powersOfTen[digits] {
		digits++
	}
	k := digits - 2
	m := (v-1)/powersOfTen[k] + 1 // rounded up, 10 to 100
	return 90*k + int(m)          // 100 at k is 10 at k+1
}

// gridValue is the upper bound of cell i.
func gridValue(i int) int64 {
	if i < 100 {
		return int64(i)
	}
	k := (i - 10) / 90
	return int64(i-90*k) * powersOfTen[k]
}
