package tick_test

import (
	"testing"

	"holdfast/replay/tick"
)

func BenchmarkParseTime(b *testing.B) {
	text := []byte("2025-07-14T09:15:00.005000Z")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := tick.ParseTime(text, tick.Zone{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParsePrice(b *testing.B) {
	text := []byte("1305.75")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tick.ParsePrice(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendTime(b *testing.B) {
	n, _, _ := tick.ParseTime([]byte("2025-07-14T09:15:00.005000Z"), tick.Zone{})
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = n.Append(buf[:0])
	}
}

func BenchmarkAppendPrice(b *testing.B) {
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = tick.Price(1_305_750_000_000).Append(buf[:0])
	}
}
