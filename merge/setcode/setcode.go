// Package setcode writes sets of integers in about as few bits as there are:
// log2 C(U, m) for m values out of a universe of U slots, and less where they
// come in clusters, runs or strides.
//
// It promises that whatever [Best] or [Encode] wrote, [Decode] reads back, on
// every machine, bit for bit: coders and models work in integers. It promises
// that a Counted payload has at most log2 C(U, m) + 0.04 m + 8 bits whatever
// the values are. It does not promise to notice a payload that was changed:
// use [Checksum] for that; Decode only never panics, and takes no more memory
// than the m values that it was asked for.
//
// A set is a strictly increasing slice of slots 0..U-1. A list with repeats is
// made a set by [Lift], which adds its index to each value, in a universe that
// is m-1 larger.
//
// Bits are packed most significant first, [WordBits] to a word, the last word
// filled with zeros:
//
//	word 0                            word 1
//	30 29 28 ................ 2 1 0   30 29 ...
//	first bit           31st bit      32nd bit
//
// A number without a known limit is an exponential Golomb code ([Writer.EG]).
// A payload is the output of a range coder, in one of the ways to see the set
// that [Mode] lists.
//
// Call [Best] to encode and [Decode] to decode.
package setcode

import (
	"errors"
	"hash/crc32"
	"math/bits"
)

// Mode is how a set is coded: 2 bits in a header.
type Mode uint8

const (
	Counted    Mode = 0 // every set of m out of U equally likely: nothing to lose
	Adaptive   Mode = 1 // distances to the previous value, learned on the way: clusters, runs, strides
	Complement Mode = 2 // no payload: the set is what the other side lacks
	Reserved   Mode = 3 // refused
)

func (m Mode) String() string {
	return [...]string{"counted", "adaptive", "complement", "reserved"}[m&3]
}

// MaxUniverse is the largest universe: all of int32, lifted by 2^28 repeats.
const MaxUniverse = 1<<32 + 1<<28

// ErrCorrupt says that bits are not a payload of so many values in such a
// universe.
var ErrCorrupt = errors.New("setcode: not a set of the size and universe announced")

// A Payload is a coded set.
type Payload struct {
	Mode  Mode
	Bits  int    // length
	Bytes []byte // the bits, most significant first, the last byte filled with zeros
}

// Best encodes set, strictly increasing in 0..universe-1, in the shorter of
// the modes Counted and Adaptive, and Counted when they are alike.
func Best(set []uint64, universe uint64) Payload {
	counted, adaptive := Encode(Counted, set, universe), Encode(Adaptive, set, universe)
	if adaptive.Bits < counted.Bits {
		return adaptive
	}
	return counted
}

// Encode encodes set in the given mode.
func Encode(mode Mode, set []uint64, universe uint64) Payload {
	switch mode {
	case Counted:
		return encodeCounted(set, universe)
	case Adaptive:
		return encodeAdaptive(set)
	case Complement:
		return Payload{Mode: Complement}
	}
	panic("setcode: encoding in a reserved mode")
}

// Decode reads m values of a universe from r, which stands at the first bit of
// a payload that reaches to its end. It appends them to dst.
func Decode(dst []uint64, mode Mode, r *Reader, m int, universe uint64) ([]uint64, error) {
	if universe > MaxUniverse || uint64(m) > universe || m < 0 {
		return dst, ErrCorrupt
	}
	switch mode {
	case Counted:
		return decodeCounted(dst, r, m, universe)
	case Adaptive:
		return decodeAdaptive(dst, r, m, universe)
	}
	return dst, ErrCorrupt
}

// MaxBits is more than the payload of any m values out of any universe takes
// in the shorter mode: what a reader has to expect.
func MaxBits(m int) int { return 36*m + 64 }

// Lift makes a non-decreasing list strictly increasing: it adds its index to
// each value. The universe grows by len(list)-1.
func Lift(list []uint64) {
	for i := range list {
		list[i] += uint64(i)
	}
}

// Unlift undoes Lift.
func Unlift(list []uint64) {
	for i := range list {
		list[i] -= uint64(i)
	}
}

// Checksum is 31 bits of the CRC-32C of the values, ascending, as little-endian
// int32: it fits a word.
func Checksum(values []int32) uint32 { return CRC32C(values) & (1<<31 - 1) }

// CRC32C is the CRC-32C (Castagnoli) of the values as little-endian int32.
func CRC32C(values []int32) uint32 {
	block := make([]byte, 4*min(len(values), 256))
	sum := uint32(0)
	for len(values) > 0 {
		n := min(len(values), len(block)/4)
		for i, v := range values[:n] {
			block[4*i], block[4*i+1], block[4*i+2], block[4*i+3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
		}
		sum = crc32.Update(sum, castagnoli, block[:4*n])
		values = values[n:]
	}
	return sum
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// bitlen is the number of bits of v; that of 0 is 0.
func bitlen(v uint64) int { return bits.Len64(v) }
