package match

import "math"

// Instants span 584 years and prices all of int64, so differences and sums may
// leave the range; these stop at its ends instead, which is as far as it needs.

// plus is a+b.
func plus[T ~int64](a, b T) T {
	c := a + b
	switch {
	case a > 0 && b > 0 && c < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && c >= 0:
		return math.MinInt64
	}
	return c
}

// minus is a-b.
func minus[T ~int64](a, b T) T {
	c := a - b
	switch {
	case a >= 0 && b < 0 && c < 0:
		return math.MaxInt64
	case a < 0 && b > 0 && c >= 0:
		return math.MinInt64
	}
	return c
}

// size is |a|.
func size[T ~int64](a T) T {
	if a == math.MinInt64 {
		return math.MaxInt64
	}
	return max(a, -a)
}
