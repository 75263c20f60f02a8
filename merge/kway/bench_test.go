package kway_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"holdfast/merge/kway"
)

// BenchmarkTree measures the tree alone: keys and codes are made before.
func BenchmarkTree(b *testing.B) {
	const n = 1 << 20
	for _, run := range []int{1, 50} {
		for _, k := range []int{1, 2, 16, 64} {
			keys := make([][]source, 1)
			keys[0] = make([]source, k)
			codes := make([][]kway.Code, k)
			r := rand.New(rand.NewPCG(1, 2))
			for i, left, s := 0, 0, 0; i < n; i++ {
				if left == 0 {
					s, left = r.IntN(k), 1
					if run > 1 {
						left = 1 + int(r.ExpFloat64()*float64(run-1)+0.5)
					}
				}
				left--
				key := fmt.Appendf(nil, "2025-07-14T09:%02d:%02d.%06dZ", i/60_000_000, i/1_000_000%60, i%1_000_000)
				old := keys[0][s]
				if len(old) == 0 {
					codes[s] = append(codes[s], 0)
				} else {
					c, _ := kway.Next(old[len(old)-1], key)
					codes[s] = append(codes[s], c)
				}
				keys[0][s] = append(old, key)
			}
			for _, batching := range []bool{false, true} {
				b.Run(fmt.Sprintf("run%d/k%d/batching=%v", run, k, batching), func(b *testing.B) {
					b.ReportAllocs()
					at := make([]int, k)
					for b.Loop() {
						clear(at)
						tree := kway.New(k, func(i int) ([]byte, bool) {
							if at[i] == len(keys[0][i]) {
								return nil, false
							}
							return keys[0][i][at[i]], true
						})
						tree.Batching(batching)
						for w := tree.Winner(); w >= 0; w = tree.Winner() {
							for {
								at[w]++
								if at[w] == len(codes[w]) {
									tree.Exhaust()
									break
								}
								if !tree.Advance(codes[w][at[w]]) {
									break
								}
							}
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/key")
				})
			}
		}
	}
}
