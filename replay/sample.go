package replay

import (
	"cmp"
	"slices"

	"github.com/cespare/xxhash/v2"

	"holdfast/replay/tick"
)

// sample keeps the k spans whose keys have the smallest hashes (a bottom-k
// sample): a uniform sample without replacement that depends on the records
// and not on their order. Up to k spans it holds all of them.
type sample struct {
	k    int
	n    int64
	heap []sampled // the greatest hash on top once there are k
}

type sampled struct {
	hash  uint64
	value tick.Nanos
}

func (a sampled) compare(b sampled) int {
	return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.value, b.value))
}

// add offers a span under a key made of an event id and a number.
func (s *sample) add(id string, number uint64, v tick.Nanos) {
	s.n++
	x := sampled{mix(xxhash.Sum64String(id) ^ mix(number)), v}
	switch {
	case len(s.heap) < s.k:
		s.heap = append(s.heap, x)
		for i := len(s.heap) - 1; i > 0 && s.heap[(i-1)/2].compare(s.heap[i]) < 0; i = (i - 1) / 2 {
			s.heap[i], s.heap[(i-1)/2] = s.heap[(i-1)/2], s.heap[i]
		}
	case x.compare(s.heap[0]) < 0:
		s.heap[0] = x
		s.sink()
	}
}

// sink restores the heap below its top.
func (s *sample) sink() {
	for i := 0; ; {
		c := 2*i + 1
		if c+1 < len(s.heap) && s.heap[c].compare(s.heap[c+1]) < 0 {
			c++
		}
		if c >= len(s.heap) || s.heap[i].compare(s.heap[c]) >= 0 {
			return
		}
		s.heap[i], s.heap[c] = s.heap[c], s.heap[i]
		i = c
	}
}

// sorted lists the sampled spans in ascending order.
func (s *sample) sorted() []tick.Nanos {
	out := make([]tick.Nanos, len(s.heap))
	for i, x := range s.heap {
		out[i] = x.value
	}
	slices.Sort(out)
	return out
}

// reset empties the sample for another use.
func (s *sample) reset() { s.n, s.heap = 0, s.heap[:0] }

// mix is the finaliser of SplitMix64: a bijection that scatters its input.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
