package match

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestGrid(t *testing.T) {
	t.Parallel()
	for i := range gridCells {
		v := gridValue(i)
		if i == gridCells-1 {
			v = math.MaxInt64
		}
		if got := gridCell(v); got != i {
			t.Fatalf("gridCell(%d) = %d, want %d", v, got, i)
		}
		if i > 0 {
			if got := gridCell(gridValue(i-1) + 1); got != i {
				t.Fatalf("gridCell(%d) = %d, want %d", gridValue(i-1)+1, got, i)
			}
		}
	}
}

func TestGridValuesHaveTwoDigits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64Range(0, 9_200_000_000_000_000_000).Draw(t, "v")
		up := gridValue(gridCell(v))
		for up >= 100 {
			if up%10 != 0 {
				t.Fatalf("%d rounds up to more than two digits", v)
			}
			up /= 10
		}
	})
}
