// Package pyrand draws the numbers that CPython's random.Random draws, and
// spells floats as CPython does, so that what Python makes from a seed can be
// made again here.
//
// It promises the same bits as CPython 3.9 to 3.13 on every machine for the
// calls it has, and that each call consumes as many words of the generator as
// its counterpart. It does not promise good randomness for anything else: use
// math/rand/v2 for that. A [Rand] is used by one goroutine.
//
// Call [New] with a seed of any size, or [NewInt].
package pyrand

import (
	"fmt"
	"math/big"
	"math/bits"
)

// A Rand is a random.Random: a Mersenne Twister (MT19937) and the ways to draw
// from it.
type Rand struct{ words twister }

// New is random.Random(seed). The sign of the seed does not count.
func New(seed *big.Int) *Rand {
	r := &Rand{}
	r.words.seedKey(key(seed))
	return r
}

// NewInt is [New] for a seed that fits.
func NewInt(seed int64) *Rand { return New(big.NewInt(seed)) }

// key gives the 32-bit words of |seed|, the lowest first; one word for 0.
func key(seed *big.Int) []uint32 {
	abs := new(big.Int).Abs(seed).Bytes() // the highest byte first
	words := make([]uint32, max(1, (len(abs)+3)/4))
	for i := range abs {
		words[i/4] |= uint32(abs[len(abs)-1-i]) << (i % 4 * 8)
	}
	return words
}

// Random is random(): a multiple of 2^-53 in [0, 1).
func (r *Rand) Random() float64 {
	high, low := uint64(r.words.next()>>5), uint64(r.words.next()>>6)
	return float64(high<<26|low) / (1 << 53) // exact, so nothing depends on how it is rounded
}

// Uniform is uniform(a, b).
func (r *Rand) Uniform(a, b float64) float64 {
	// Each step is rounded: some processors would fuse the two otherwise.
	return a + float64(float64(b-a)*r.Random())
}

// Bits is getrandbits(k) for k from 0 to 64. For k = 0 it draws nothing.
func (r *Rand) Bits(k int) uint64 {
	switch {
	case k < 0 || k > 64:
		panic(fmt.Sprintf("pyrand: Bits(%d): only 0 to 64 fit", k))
	case k == 0:
		return 0
	case k <= 32:
		return uint64(r.words.next() >> (32 - k))
	}
	low := uint64(r.words.next())
	return low | uint64(r.words.next()>>(64-k))<<32
}

// Big is getrandbits(k) for any k >= 0.
func (r *Rand) Big(k int) *big.Int {
	sum := new(big.Int)
	for shift := 0; shift < k; shift += 32 {
		word := new(big.Int).SetUint64(r.Bits(min(32, k-shift)))
		sum.Or(sum, word.Lsh(word, uint(shift)))
	}
	return sum
}

// Below is randrange(n): a number in [0, n). It panics for n = 0.
func (r *Rand) Below(n uint64) uint64 {
	if n == 0 {
		panic("pyrand: Below(0): there is no such number")
	}
	k := bits.Len64(n) // not of n-1: for n = 1 a bit is drawn until it is 0
	v := r.Bits(k)
	for v >= n {
		v = r.Bits(k)
	}
	return v
}

// Between is randint(a, b): a number in [a, b]. It panics if a > b or if the
// range is all of int64.
func (r *Rand) Between(a, b int64) int64 {
	if a > b {
		panic(fmt.Sprintf("pyrand: Between(%d, %d): there is no such number", a, b))
	}
	return a + int64(r.Below(uint64(b)-uint64(a)+1))
}

// Shuffle is shuffle(x) for n elements that swap exchanges.
func (r *Rand) Shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, int(r.Below(uint64(i)+1)))
	}
}

// Choice is r.choice(from). It panics if there is nothing to choose.
func Choice[T any](r *Rand, from []T) T { return from[r.Below(uint64(len(from)))] }
