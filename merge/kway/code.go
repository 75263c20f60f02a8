package kway

import (
	"encoding/binary"
	"math/bits"
)

// A Code says where a key departs from the key before it, and how:
//
//	bits 63-51  8191 - d, where block d is the first that differs
//	bits 50-3   the six bytes of the key's block d, zeros behind its end
//	bits 2-0    how many of them the key has, 7 if it goes on behind them
//
// Of two keys that follow the same one, the key with the lower code is the
// lower key; only equal codes need a look at the keys. A key that equals the
// one before it has the code [Equal]. The scale is that of whole blocks: if
// two keys could differ within a block that counts as one symbol of both, a
// loser's code would not hold for the winner that it lost to.
type Code uint64

// Equal is the code of a key that equals the one before it.
const Equal Code = 0

const (
	block      = 6 // bytes
	goesOn     = 7
	symbolBits = 8*block + 3
	blocks     = 1<<(64-symbolBits) - 1

	// beyond is the code of all keys that differ only at or behind the last
	// block that a code can name, 48 KiB into them.
	beyond Code = 1
)

// First is the code of a key that no other comes before.
func First(key []byte) Code { return codeAt(key, 0) }

// Next is the code of a key that follows prev; ok is false if it is the lower
// one.
func Next(prev, key []byte) (c Code, ok bool) {
	n := shared(prev, key)
	switch {
	case n < len(prev):
		if n == len(key) || key[n] < prev[n] {
			return 0, false
		}
	case n == len(key):
		return Equal, true
	case n > 0:
		n-- // prev ends here: its last block says so, and differs in that
	}
	return codeAt(key, n/block), true
}

func codeAt(key []byte, d int) Code {
	if d >= blocks {
		return beyond
	}
	return Code(blocks-d)<<symbolBits | symbol(key, d*block)
}

// symbol is the block of a key at a byte, and the number of bytes in it.
func symbol(key []byte, at int) Code {
	n := len(key) - at
	switch {
	case n >= 8:
		return Code(binary.BigEndian.Uint64(key[at:])>>16)<<3 | goesOn
	case n <= 0:
		return 0
	}
	var s uint64
	if len(key) >= 8 {
		s = binary.BigEndian.Uint64(key[len(key)-8:]) << (64 - 8*n)
	} else {
		for i, c := range key[at:] {
			s |= uint64(c) << (56 - 8*i)
		}
	}
	return Code(s>>16)<<3 | Code(min(n, goesOn))
}

// shared is the number of bytes at the front that a and b have in common.
func shared(a, b []byte) int {
	least := min(len(a), len(b))
	a, b = a[:least], b[:least]
	n := 0
	for ; n+8 <= least; n += 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
	}
	for n < least && a[n] == b[n] {
		n++
	}
	return n
}

// meet compares two keys that have the same code, which is not [Equal]. c is
// the code of the greater key in relation to the other.
func meet(a, b []byte, same Code) (order int, c Code) {
	d := blocks - int(same>>symbolBits) // they share this block too
	switch {
	case same == beyond:
		d = blocks
	case same&goesOn != goesOn: // and end in it
		return 0, Equal
	default:
		d++
	}
	n := d * block
	n += shared(a[n:], b[n:])
	switch {
	case n == len(a) && n == len(b):
		return 0, Equal
	case n == len(a):
		return -1, codeAt(b, (n-1)/block)
	case n == len(b):
		return 1, codeAt(a, (n-1)/block)
	case a[n] < b[n]:
		return -1, codeAt(b, n/block)
	}
	return 1, codeAt(a, n/block)
}
