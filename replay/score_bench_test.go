package replay

import "testing"

func BenchmarkScore70k(b *testing.B) {
	in, truth := dmrIncident(1, 70_000)
	a := oracle(in, truth)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Score(in, truth, a); err != nil {
			b.Fatal(err)
		}
	}
}
