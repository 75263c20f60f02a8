package fetch

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h histogram
	var all []time.Duration
	for range 20000 {
		d := time.Duration(rng.ExpFloat64() * float64(80*time.Millisecond))
		h.add(d)
		all = append(all, d)
	}
	slices.Sort(all)
	for _, q := range []float64{0.5, 0.9, 0.95, 0.99, 1} {
		want := all[int(q*float64(len(all)))-1]
		if got := h.quantile(q); got < want-time.Microsecond || float64(got) > float64(want)*1.02+1000 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if (&histogram{}).quantile(0.5) != 0 {
		t.Error("an empty histogram has a median")
	}
}

// TestBuckets: every duration is in the bucket whose highest is the first not below it.
func TestBuckets(t *testing.T) {
	last := -1
	for v := int64(0); v < 1<<40; v += v/100 + 1 {
		d := time.Duration(v) * time.Microsecond
		b := bucketOf(d)
		if b < last {
			t.Fatalf("%v is in bucket %d, after %d", d, b, last)
		}
		last = b
		if v < 1<<37 && (highest(b) < d || b > 0 && highest(b-1) >= d) {
			t.Fatalf("%v is in bucket %d of (%v, %v]", d, b, highest(b-1), highest(b))
		}
	}
}
