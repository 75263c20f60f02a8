package merge

import (
	"testing"
)

func TestTouchMessages(t *testing.T) {
	for _, r := range []uint64{10_000, 100_000, 1_000_000, 1 << 31} {
		a, b := drawn(547, 5000, 1000, r)
		m, res := runPair(t, Config{Balance: Touch}, a, b, nil)
		t.Log(r, res.Messages, res.StatsA, res.StatsB, kinds(m))
	}
}
