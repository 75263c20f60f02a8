package seq_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"holdfast/record/seq"
)

// Packets that come up to ten places late, and one in twenty of them twice: one
// input.
func BenchmarkLate(b *testing.B) {
	draw := rand.New(rand.NewPCG(42, 42))
	type arrival struct{ at, sequence uint64 }
	var order []arrival
	for i := range uint64(1 << 16) {
		order = append(order, arrival{i + draw.Uint64N(10), i})
		if draw.Float64() < .05 {
			order = append(order, arrival{i + draw.Uint64N(10), i})
		}
	}
	slices.SortStableFunc(order, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	m, err := seq.New(seq.Config{Window: 10, Source: seq.Caps{HeaderTrusted: true}})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := m.Start(0, 0); err != nil {
		b.Fatal(err)
	}
	d := original(0)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		d.Sequence = uint64(i/len(order))<<16 + order[i%len(order)].sequence
		m.Packet(0, d)
	}
}

// One packet: in order, or with the two of each pair swapped; a gap that
// never closes lies behind.
func BenchmarkPacket(b *testing.B) {
	for _, c := range []struct {
		name    string
		swapped uint64
		gap     bool
	}{{"in order", 0, false}, {"swapped", 1, false}, {"behind a gap", 0, true}} {
		b.Run(c.name, func(b *testing.B) {
			m, err := seq.New(seq.Config{Source: seq.Caps{HeaderTrusted: true}})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := m.Start(0, 0); err != nil {
				b.Fatal(err)
			}
			d := original(0)
			b.ReportAllocs()
			for i := range uint64(b.N) {
				d.Sequence = i ^ c.swapped
				if c.gap {
					d.Sequence++
				}
				d.At = time.Duration(i) * time.Microsecond
				m.Packet(d.At, d)
			}
		})
	}
}
