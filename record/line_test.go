package record_test

import (
	"bytes"
	"hash/crc32"
	"math"
	"testing"

	"pgregory.net/rapid"

	"holdfast/record"
	"holdfast/record/seq"
)

// Section 6.1 by example.
func TestLineFormat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		timestamp float64
		want      string
	}{
		{0, "7,0.0,6869,OK\n"},
		{1e16, "7,1e+16,6869,OK\n"},
		{1e15, "7,1000000000000000.0,6869,OK\n"},
		{9.999e-5, "7,9.999e-05,6869,OK\n"},
		{0.001027502931836912, "7,0.001027502931836912,6869,OK\n"},
		{math.Inf(1), "7,inf,6869,OK\n"},
		{math.Inf(-1), "7,-inf,6869,OK\n"},
		{math.NaN(), "7,nan,6869,OK\n"},
		{math.Copysign(0, -1), "7,-0.0,6869,OK\n"},
		{5e-324, "7,5e-324,6869,OK\n"},
	} {
		p := seq.Packet{Sequence: 7, Timestamp: c.timestamp, Payload: []byte("hi")}
		if got := string(record.AppendLine(nil, p, seq.OK)); got != c.want {
			t.Errorf("%v: %q, want %q", c.timestamp, got, c.want)
		}
	}
}

// What is written reads back bit for bit.
func TestLineRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := seq.Packet{
			Sequence:  rapid.Uint64().Draw(t, "sequence"),
			Timestamp: math.Float64frombits(rapid.Uint64().Draw(t, "timestamp")),
			Payload:   rapid.SliceOf(rapid.Byte()).Draw(t, "payload"),
		}
		p.Checksum = crc32.ChecksumIEEE(p.Payload)
		status := rapid.SampledFrom([]seq.Status{seq.OK, seq.Late, seq.Retransmit}).Draw(t, "status")
		text := record.AppendLine(nil, p, status)
		l, err := record.ParseLine(text[:len(text)-1])
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		got := l.Packet()
		same := math.Float64bits(got.Timestamp) == math.Float64bits(p.Timestamp) || got.Timestamp != got.Timestamp && p.Timestamp != p.Timestamp
		if got.Sequence != p.Sequence || !same || !bytes.Equal(got.Payload, p.Payload) || got.Checksum != p.Checksum || l.Status != status {
			t.Fatalf("%q read back as %+v", text, l)
		}
	})
}

// A line has one spelling: what is taken is what would be written.
func FuzzParseLine(f *testing.F) {
	for _, s := range []string{"1,0.5,6869,OK", "0,nan,,LATE", "01,0.5,,OK", "1,.5,,OK", "1,0.5,6,OK", "1,0.5,AB,OK", "1,1e16,,OK", "1,0.5,,ok", ",,,", "1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := record.ParseLine(text)
		if err != nil {
			return
		}
		if again := record.AppendLine(nil, l.Packet(), l.Status); string(again) != string(text)+"\n" {
			t.Fatalf("%q was taken and is written %q", text, again)
		}
	})
}
