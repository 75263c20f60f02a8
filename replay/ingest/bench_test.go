package ingest_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"holdfast/replay"
	"holdfast/replay/ingest"
)

const benchRecords = 100_000

// bench reads text again and again and reports records a second.
func bench[T any](b *testing.B, text string, open func(ingest.Options) (reader[T], error)) {
	b.Helper()
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		in, err := open(ingest.Options{Stdin: strings.NewReader(text)})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for ; err == nil; n++ {
			_, err = in.Next()
		}
		if n-1 != benchRecords || !errors.Is(err, io.EOF) {
			b.Fatal(n-1, err)
		}
	}
	b.ReportMetric(float64(benchRecords)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func benchText(header, format string, quote bool) string {
	var s strings.Builder
	s.WriteString(header)
	for i := range benchRecords {
		symbol := []string{"TCS", "INFY", "RELIANCE", "HDFCBANK"}[i%4]
		fmt.Fprintf(&s, format, i, symbol, i/200%60, i%200*5000, 1000+i%2000, i%100)
	}
	if quote {
		return strings.NewReplacer(",", `","`, "\n", "\"\n\"").Replace(`"` + s.String() + `"`)
	}
	return s.String()
}

const benchRow = "%[2]s,2025-07-14T09:15:%02[3]d.%06[4]dZ,%[5]d.%02[6]d\n"

func BenchmarkRows(b *testing.B) {
	bench(b, benchText(rowHeader+"\n", benchRow, false), func(o ingest.Options) (reader[ingest.Record], error) { return ingest.OpenRows(b.Context(), "-", o) })
}

func BenchmarkQuotedRows(b *testing.B) {
	text := strings.TrimSuffix(benchText(rowHeader+"\n", benchRow, true), `""`)
	bench(b, text, func(o ingest.Options) (reader[ingest.Record], error) { return ingest.OpenRows(b.Context(), "-", o) })
}

func BenchmarkScanner(b *testing.B) {
	text := benchText(rowHeader+"\n", benchRow, false)
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		for s := ingest.NewScanner(strings.NewReader(text), ','); s.Scan(); {
		}
	}
}

func BenchmarkAttempts(b *testing.B) {
	text := benchText(attemptHeader+"\n", "evt_%07[1]d,worker-1,2025-07-14T09:15:%02[3]d.%06[4]d,2025-07-14T09:15:%02[3]d.%06[4]d,success\n", false)
	bench(b, text, func(o ingest.Options) (reader[replay.Attempt], error) {
		return ingest.OpenAttempts(b.Context(), "-", o)
	})
}

func BenchmarkEvents(b *testing.B) {
	text := benchText("", `{"event_id":"evt_%07[1]d","timestamp":"2025-07-14T09:15:%02[3]d.%06[4]dZ","symbol":"%[2]s","price":%[5]d.%02[6]d,"source":"stream-1"}`+"\n", false)
	bench(b, text, func(o ingest.Options) (reader[replay.Event], error) { return ingest.OpenEvents(b.Context(), "-", o) })
}
