package dedupe

import (
	"math/bits"
	"sync/atomic"
)

// bitset holds one bit for each data record; record numbers begin at 1.
type bitset []uint64

func newBitset(records int64) bitset { return make(bitset, records/64+1) }

// has also holds for no set at all, which has nothing.
func (b bitset) has(n int64) bool { return len(b) > 0 && b[n>>6]&(1<<(n&63)) != 0 }
func (b bitset) set(n int64)      { b[n>>6] |= 1 << (n & 63) }

// share sets a bit while others set theirs.
func (b bitset) share(n int64) { atomic.OrUint64(&b[n>>6], 1<<(n&63)) }

func (b bitset) count() (n int64) {
	for _, w := range b {
		n += int64(bits.OnesCount64(w))
	}
	return n
}

// any reports whether one of the records first to last is in the set.
func (b bitset) any(first, last int64) bool {
	if first > last || len(b) == 0 {
		return false
	}
	lo, hi := first>>6, last>>6
	head, tail := ^uint64(0)<<(first&63), ^uint64(0)>>(63-last&63)
	if lo == hi {
		return b[lo]&head&tail != 0
	}
	if b[lo]&head != 0 || b[hi]&tail != 0 {
		return true
	}
	for _, w := range b[lo+1 : hi] {
		if w != 0 {
			return true
		}
	}
	return false
}
