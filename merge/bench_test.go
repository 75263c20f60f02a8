package merge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// The peer of the digit sort is slices.Sort: at least 3 times as fast.
func BenchmarkSort(b *testing.B) {
	for _, n := range []int{5000, 1_000_000} {
		rng := seeded(1)
		values := make([]int32, n)
		for i := range values {
			values[i] = int32(rng.Uint32())
		}
		work, scratch := make([]int32, n), make([]int32, n)
		b.Run(fmt.Sprint("digits/", n), func(b *testing.B) {
			for b.Loop() {
				copy(work, values)
				sortByDigits(work, scratch)
			}
		})
		b.Run(fmt.Sprint("slices/", n), func(b *testing.B) {
			for b.Loop() {
				copy(work, values)
				slices.Sort(work)
			}
		})
	}
}

// A whole run in memory, by strategy: the default takes a tenth of the naive
// one's messages or less, and less time.
func BenchmarkPair(b *testing.B) {
	lists := func(rng *rand.Rand) (x, y []int32) {
		return distinct(5000, 1000, func() int64 { return rng.Int64N(1_000_000) })
	}
	x, y := lists(seeded(1))
	for _, s := range []Strategy{Default, Naive, Range, Exchange} {
		b.Run(s.String(), func(b *testing.B) {
			b.ReportAllocs()
			var r Result
			for b.Loop() {
				m, err := NewMemory(Config{Strategy: s}, x, y)
				if err != nil {
					b.Fatal(err)
				}
				if r, err = m.Run(nil, 100_000); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(r.Messages), "messages")
		})
	}
}

// A step of a worker that waits.
func BenchmarkIdle(b *testing.B) {
	c := waiting(b)
	b.ReportAllocs()
	for b.Loop() {
		c.Next(stepBytes)
	}
}

// waiting is a worker that has said what it can say.
func waiting(t testing.TB) *Core {
	t.Helper()
	a, _ := drawn(1, 5000, 1, 1<<31)
	c, err := NewCore(Config{Data: a})
	if err != nil {
		t.Fatal(err)
	}
	if e := c.Next(stepBytes); e.Send == nil || e.Done {
		t.Fatalf("first step: %+v", e)
	}
	return c
}

func TestIdleAllocatesNothing(t *testing.T) {
	c := waiting(t)
	if n := testing.AllocsPerRun(100, func() {
		if e := c.Next(stepBytes); e.Progress || e.Send != nil || len(e.Output) > 0 {
			t.Fatalf("%+v", e)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
