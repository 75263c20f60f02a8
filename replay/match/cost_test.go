package match

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestLogarithm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Uint64Min(1).Draw(t, "x") >> rapid.IntRange(0, 62).Draw(t, "shift")
		x = max(x, 1)
		if got, want := float64(ln(x)), 1000*math.Log(float64(x)); math.Abs(got-want) > 0.501 {
			t.Fatalf("ln(%d) = %v thousandths, want %v", x, got, want)
		}
	})
}

func TestWeight(t *testing.T) {
	t.Parallel()
	for c := cost(-5); c < 23_000; c += 7 {
		want := math.Min(1, math.Exp(-float64(c)/1000))
		if got := float64(weight(c)) / one; math.Abs(got-want) > 1e-9 {
			t.Fatalf("weight(%d) = %v, want %v", c, got, want)
		}
	}
}

func TestUnlikely(t *testing.T) {
	t.Parallel()
	// Tails by direct summation of the first terms.
	for _, lambda := range []float64{0.004, 0.05, 0.2, 1, 7.5, 60, 400} {
		below, term := 0.0, math.Exp(-lambda)
		for g := int64(0); g < 700; g++ {
			tail := 1 - below
			if tail > 1e-9 && math.Abs(tail-0.001) > 1e-9 {
				if got := unlikely(g, lambda, 0.001); got != (tail < 0.001) {
					t.Fatalf("unlikely(%d, %v) = %v with a tail of %v", g, lambda, got, tail)
				}
			}
			below += term
			term *= lambda / float64(g+1)
		}
	}
	if unlikely(100_250, 100_000, 0.001) || !unlikely(101_100, 100_000, 0.001) {
		t.Error("a large mean is judged wrongly")
	}
}
