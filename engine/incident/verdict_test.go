package incident

import "testing"

// Garwood's table, 99 %: 0 is 0 to 5.30, 1 is 0.01 to 7.43, 10 is 3.72 to
// 21.40, 50 is 33.66 to 71.27.
func TestPoisson99(t *testing.T) {
	for n, want := range map[int64]Range{0: {0, 6}, 1: {0, 8}, 10: {3, 22}, 50: {33, 72}} {
		if lo, hi := poisson99(n); (Range{lo, hi}) != want {
			t.Errorf("%d: %d to %d, want %v", n, lo, hi, want)
		}
	}
	last := Range{}
	for n := range int64(200) {
		lo, hi := poisson99(n)
		if lo > n || hi < n || lo < last.Lo || hi < last.Hi {
			t.Fatalf("%d: %d to %d after %v", n, lo, hi, last)
		}
		last = Range{lo, hi}
	}
}
