package racers

import "math/bits"

// Draw is the only source of chance: a hash of the seed, the name of a stream
// and the keys of one decision. What one decision draws therefore never
// depends on which others were made: a safeguard that prevents an attempt
// changes nobody else's luck.
//
//	h = mix(seed + g)
//	h = mix((h ^ word) + g)    for each word of: the name's bytes, eight to a
//	                           word, first byte lowest; its length; the keys
//
// mix is the finaliser of SplitMix64 and g its increment. The result never
// changes: files of old seeds are compared byte by byte.
func Draw(seed uint64, stream string, key ...uint64) uint64 {
	h := mix(seed + increment)
	var word uint64
	for i := range len(stream) {
		word |= uint64(stream[i]) << (8 * (i % 8))
		if i%8 == 7 || i == len(stream)-1 {
			h, word = mix((h^word)+increment), 0
		}
	}
	h = mix((h ^ uint64(len(stream))) + increment)
	for _, k := range key {
		h = mix((h ^ k) + increment)
	}
	return h
}

const increment = 0x9e3779b97f4a7c15

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Below maps a draw to 0..n-1 by multiply and shift. Its bias, below n/2^64, is
// beyond what any incident could show.
func Below(draw, n uint64) uint64 {
	high, _ := bits.Mul64(draw, n)
	return high
}
