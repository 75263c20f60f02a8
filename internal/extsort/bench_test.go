package extsort_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"holdfast/internal/extsort"
)

// Records of 40 bytes: a key of 20 (symbol, time) or 12 (event id), the rest value.
var orders = []struct {
	name string
	key  func(dst []byte, r *rand.Rand, i int) []byte
}{
	{"random", func(dst []byte, r *rand.Rand, i int) []byte {
		dst = binary.BigEndian.AppendUint64(dst, r.Uint64())
		return append(dst, "............"...)
	}},
	{"symbol,time", func(dst []byte, r *rand.Rand, i int) []byte {
		dst = extsort.AppendString(dst, []string{"TCS", "INFY", "RELIANCE", "HDFCBANK", "ICICIBANK", "SBIN", "ITC"}[r.IntN(7)])
		return extsort.AppendInt64(dst, 1752484500e9+int64(i)*5e6)
	}},
	{"id,shuffled", func(dst []byte, r *rand.Rand, i int) []byte {
		return fmt.Appendf(dst, "evt-%08d", r.IntN(1e8))
	}},
	{"id,nearly", func(dst []byte, r *rand.Rand, i int) []byte {
		return fmt.Appendf(dst, "evt-%08d", i+r.IntN(50))
	}},
	{"id,sorted", func(dst []byte, r *rand.Rand, i int) []byte {
		return fmt.Appendf(dst, "evt-%08d", i)
	}},
}

// BenchmarkSort measures adding, sorting and ranging once over a million
// records, in memory and with a spill, in one goroutine.
func BenchmarkSort(b *testing.B) {
	const n = 1_000_000
	for _, o := range orders {
		r := rand.New(rand.NewPCG(1, 2))
		var all []byte
		var keys []int
		for i := range n {
			before := len(all)
			all = o.key(all, r, i)
			keys = append(keys, len(all)-before)
			all = append(all, "0123456789012345678901234567890123456789"[:max(0, 40-keys[i])]...)
		}
		for _, memory := range []int64{256 << 20, 16 << 20, 1 << 20} {
			b.Run(fmt.Sprintf("%s/%dMiB", o.name, memory>>20), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					sortOnce(b, extsort.Config{Memory: memory, Dir: b.TempDir(), Jobs: 1}, all, keys)
				}
				b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrec/s")
			})
		}
	}
}

func sortOnce(b *testing.B, c extsort.Config, all []byte, keys []int) {
	s := extsort.New(c)
	for _, k := range keys {
		if err := s.Add(all[:k], all[k:max(40, k)]); err != nil {
			b.Fatal(err)
		}
		all = all[max(40, k):]
	}
	sorted, err := s.Sort()
	if err != nil {
		b.Fatal(err)
	}
	defer sorted.Close()
	var n int64
	for range sorted.All(&err) {
		n++
	}
	if err != nil || n != sorted.Len() {
		b.Fatal(n, err)
	}
}
