package record_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"holdfast/record"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

// streamWindow is how many places a packet of a stream is late at most.
const streamWindow = 10

// deliveries is packets 0 to n-1 of 64 bytes, one in twenty of them twice, in
// an order that is off by less than streamWindow.
func deliveries(n int) []seq.Packet {
	draw := rand.New(rand.NewPCG(42, 42))
	type arrival struct{ at, sequence uint64 }
	var order []arrival
	for i := range uint64(n) {
		order = append(order, arrival{i + draw.Uint64N(streamWindow), i})
		if draw.Float64() < .05 {
			order = append(order, arrival{i + draw.Uint64N(streamWindow), i})
		}
	}
	slices.SortStableFunc(order, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	packets := make([]seq.Packet, len(order))
	for i, a := range order {
		payload := bytes.Repeat(fmt.Appendf(nil, "%016x", a.sequence*0x9e3779b97f4a7c15), 4)
		packets[i] = seq.Packet{Sequence: a.sequence, Timestamp: float64(a.sequence) * 1e-6, Payload: payload, Checksum: crc32.ChecksumIEEE(payload)}
	}
	return packets
}

// packetSource delivers packets from memory.
type packetSource struct {
	packets []seq.Packet
	next    int
}

func (s *packetSource) Receive(context.Context) (seq.Delivery, error) {
	if s.next == len(s.packets) {
		return seq.Delivery{}, io.EOF
	}
	p := s.packets[s.next]
	s.next++
	return seq.Delivery{Packet: p, Valid: p.Valid(), HeaderTrusted: true, Cursor: uint64(s.next)}, nil
}

func (s *packetSource) RequestRetransmit(uint64, int) error { return nil }

func (s *packetSource) Ready() bool { return s.next < len(s.packets) }

// A memoryFile is a plain file in memory: it seeks and never waits.
type memoryFile struct{ *bytes.Reader }

func (memoryFile) Close() error { return nil }

func jsonLines(packets []seq.Packet) []byte {
	var b []byte
	for _, p := range packets {
		b = fmt.Appendf(b, "{\"sequence\": %d, \"timestamp\": %v, \"payload\": \"%x\", \"checksum\": %d}\n", p.Sequence, p.Timestamp, p.Payload, p.Checksum)
	}
	return b
}

func jsonSource(text []byte) record.Source {
	return record.NewJSONL(record.JSONLConfig{Name: "memory", Open: func() (io.ReadCloser, error) {
		return memoryFile{bytes.NewReader(text)}, nil
	}})
}

// BenchmarkRecord is the whole recorder, the journal without sync: packets/s.
func BenchmarkRecord(b *testing.B) {
	const n = 500_000
	packets := deliveries(n)
	lines := jsonLines(packets)
	for _, c := range []struct {
		name string
		open func() record.Source
	}{
		{"packets", func() record.Source { return &packetSource{packets: packets} }},
		{"jsonl", func() record.Source { return jsonSource(lines) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				dir := b.TempDir()
				l, err := record.NewLogger(c.open(), filepath.Join(dir, "log"), record.Config{
					Session: "bench", StateDir: dir, Policy: seq.Config{Window: streamWindow}, Journal: journal.Config{Level: journal.None}})
				if err != nil {
					b.Fatal(err)
				}
				s, err := l.Run(b.Context())
				if err != nil || s.PacketsWritten != n || s.Inversions != 0 {
					b.Fatal(err, s)
				}
			}
			b.ReportMetric(float64(len(packets))*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}
