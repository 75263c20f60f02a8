package racers_test

import (
	"testing"

	"holdfast/lab/racers"
)

// The values are part of the contract: old seeds must stay what they were. They
// were computed by another program from Draw's description.
func TestDrawGolden(t *testing.T) {
	for _, tt := range []struct {
		seed   uint64
		stream string
		key    []uint64
		want   uint64
	}{
		{0, "", nil, 0xa706dd2f4d197e6f},
		{1, "price", []uint64{0}, 0x4cb3eabb1f2f6e5d},
		{1, "price", []uint64{1}, 0x8a5baf867234d62b},
		{1, "service", []uint64{7, 1}, 0x7b118238d528b21f},
		{1, "a-stream-of-two-words", []uint64{7, 1}, 0x4f8bc3314990038},
		{1 << 63, "worker", []uint64{1<<63 | 5, 2}, 0x685e66336233a35a},
	} {
		if got := racers.Draw(tt.seed, tt.stream, tt.key...); got != tt.want {
			t.Errorf("Draw(%d, %q, %v) = %#x, want %#x", tt.seed, tt.stream, tt.key, got, tt.want)
		}
	}
}

// Draws that differ in any of their parts are unrelated: no two of many are equal.
func TestDrawDistinct(t *testing.T) {
	seen := map[uint64][3]uint64{}
	for seed := range uint64(20) {
		for i, stream := range []string{"", "a", "b", "aa", "a\x00", "service", "services", "service\x00", "nine bytes"} {
			for key := range uint64(50) {
				at := [3]uint64{seed, uint64(i), key}
				d := racers.Draw(seed, stream, key)
				if other, ok := seen[d]; ok {
					t.Fatalf("seed, stream, key %v and %v draw the same", other, at)
				}
				seen[d] = at
			}
		}
	}
	if racers.Draw(1, "x", 2) == racers.Draw(1, "x", 2, 0) {
		t.Error("a further key changes nothing")
	}
}

func TestBelow(t *testing.T) {
	for _, tt := range []struct{ draw, n, want uint64 }{
		{0, 10, 0}, {1<<64 - 1, 10, 9}, {1 << 63, 10, 5}, {1<<63 - 1, 2, 0}, {1 << 63, 2, 1}, {1<<64 - 1, 1, 0},
	} {
		if got := racers.Below(tt.draw, tt.n); got != tt.want {
			t.Errorf("Below(%#x, %d) = %d, want %d", tt.draw, tt.n, got, tt.want)
		}
	}
	const n, draws = 7, 70_000
	var count [n]int
	for i := range uint64(draws) {
		count[racers.Below(racers.Draw(3, "even", i), n)]++
	}
	for v, c := range count {
		if c < draws/n-500 || c > draws/n+500 { // five standard deviations
			t.Errorf("%d of %d draws are %d, want about %d", c, draws, v, draws/n)
		}
	}
}
