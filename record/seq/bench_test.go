package seq_test

import (
	"testing"
	"time"

	"holdfast/record/seq"
)

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
