package match

// sampler keeps a share of what it is offered, at most limit things. Which ones
// depends on their hashes alone, so the sample is the same in whatever order the
// things come, and nothing is kept of a file that has no end.
type sampler[T any] struct {
	limit  int
	bound  uint64 // what hashes to more is left out
	hashes []uint64
	kept   []T
	seen   int64
}

func newSampler[T any](limit int) *sampler[T] {
	return &sampler[T]{limit: limit, bound: ^uint64(0)}
}

func (s *sampler[T]) add(hash uint64, x T) {
	s.seen++
	if hash > s.bound {
		return
	}
	s.hashes, s.kept = append(s.hashes, hash), append(s.kept, x)
	for len(s.kept) > s.limit {
		s.halve()
	}
}

func (s *sampler[T]) halve() {
	s.bound >>= 1
	n := 0
	for i, h := range s.hashes {
		if h <= s.bound {
			s.hashes[n], s.kept[n] = h, s.kept[i]
			n++
		}
	}
	clear(s.kept[n:])
	s.hashes, s.kept = s.hashes[:n], s.kept[:n]
}

// valueHash mixes a value and its number among equals.
func valueHash(symbol string, time, price, nth int64) uint64 {
	h := uint64(len(symbol)) * 0x9e3779b97f4a7c15
	for i := range len(symbol) {
		h = (h ^ uint64(symbol[i])) * 0x100000001b3
	}
	for _, x := range [...]int64{time, price, nth} {
		h = mix(h ^ uint64(x))
	}
	return h
}

// mix is the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
