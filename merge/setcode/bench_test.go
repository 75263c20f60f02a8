package setcode

import (
	"math/rand/v2"
	"slices"
	"testing"
)

const million = 1_000_000

func uniform() (values []int32, set []uint64) {
	rng := rand.New(rand.NewPCG(3, 3))
	values = make([]int32, million)
	for i := range values {
		values[i] = int32(rng.Uint32())
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	set = make([]uint64, million)
	for i, v := range sorted {
		set[i] = uint64(int64(v) + 1<<31)
	}
	return values, set
}

// BenchmarkSlicesSort is the measure for the two that follow: together they
// take at most 16 times as long.
func BenchmarkSlicesSort(b *testing.B) {
	values, _ := uniform()
	scratch := make([]int32, len(values))
	for b.Loop() {
		copy(scratch, values)
		slices.Sort(scratch)
	}
}

func BenchmarkEncode(b *testing.B) {
	_, set := uniform()
	Lift(set)
	b.ReportAllocs()
	for b.Loop() {
		Encode(Counted, set, 1<<32+million-1)
	}
}

func BenchmarkEncodeAdaptive(b *testing.B) {
	_, set := uniform()
	Lift(set)
	b.ReportAllocs()
	for b.Loop() {
		Encode(Adaptive, set, 1<<32+million-1)
	}
}

func BenchmarkDecode(b *testing.B) {
	_, set := uniform()
	Lift(set)
	var w Writer
	w.Payload(Encode(Counted, set, 1<<32+million-1))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(nil, Counted, NewReader(w.Words()), million, 1<<32+million-1); err != nil {
			b.Fatal(err)
		}
	}
}
