package logs

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkMerge measures whole merges of files in the page cache. Its numbers
// are for comparing versions; bench/merge compares with GNU sort.
func BenchmarkMerge(b *testing.B) {
	const n = 400_000
	for _, run := range []int{1, 50} {
		for _, k := range []int{1, 2, 16, 64} {
			dir := b.TempDir()
			texts := make([]strings.Builder, k)
			r := rand.New(rand.NewPCG(1, 2))
			at := time.Date(2025, 7, 14, 9, 15, 0, 0, time.UTC)
			for i, left, s := 0, 0, 0; i < n; i++ {
				if left == 0 {
					s, left = r.IntN(k), 1
					if run > 1 {
						left = 1 + int(r.ExpFloat64()*float64(run-1)+0.5)
					}
				}
				left--
				at = at.Add(time.Duration(r.IntN(4000)) * time.Microsecond)
				fmt.Fprintf(&texts[s], "%s INFO svc-%02d request id=%016x path=/v1/orders/%08d status=%d latency=%dus\n",
					at.Format("2006-01-02T15:04:05.000000Z"), s, r.Uint64(), r.IntN(1e8), 200, r.IntN(1e6))
			}
			var paths []string
			bytes := 0
			for i := range texts {
				paths = append(paths, filepath.Join(dir, fmt.Sprintf("%03d.log", i)))
				if err := os.WriteFile(paths[i], []byte(texts[i].String()), 0o666); err != nil {
					b.Fatal(err)
				}
				bytes += texts[i].Len()
			}
			for _, c := range []Config{{By: "1"}, {By: "1", NoBatch: true}, {By: "1:time"}, {By: "1", Dedupe: "5"}} {
				b.Run(fmt.Sprintf("run%d/k%d/by=%s,batch=%v,dedupe=%s", run, k, c.By, !c.NoBatch, c.Dedupe), func(b *testing.B) {
					b.SetBytes(int64(bytes))
					c.Files, c.Out, c.Stdout = paths, "-", io.Discard
					for b.Loop() {
						if _, err := Merge(context.Background(), c); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
				})
			}
		}
	}
}
