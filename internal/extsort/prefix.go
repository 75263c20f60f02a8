package extsort

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// prefixLen is how many key bytes a prefix holds.
const prefixLen = 7

// prefixAt packs the next seven bytes of a key, from depth on, and in the
// lowest byte how many there are, or 8 if still more follow. So comparing
// prefixes as numbers compares the bytes, a key before its own extensions.
func prefixAt(key []byte, depth int) uint64 {
	rest := key[min(depth, len(key)):]
	if len(rest) >= 8 {
		return binary.BigEndian.Uint64(rest)&^0xff | 8
	}
	var p uint64
	for i, c := range rest {
		p |= uint64(c) << (56 - 8*i)
	}
	return p | uint64(len(rest))
}

// continues says that keys with this prefix may differ further on.
func continues(prefix uint64) bool { return prefix&0xff == 8 }

// Below radixMin entries, counting the digits costs more than it saves.
const radixMin = 128

// sortEntries sorts by prefix, equal prefixes in order of arrival. scratch is
// at least as long as entries, which arrive in order of arrival.
func sortEntries(entries, scratch []entry) {
	if len(entries) < radixMin {
		slices.SortFunc(entries, func(a, b entry) int {
			if a.prefix != b.prefix {
				return cmp.Compare(a.prefix, b.prefix)
			}
			return cmp.Compare(a.offset, b.offset)
		})
		return
	}
	radixSort(entries, scratch)
}

// radixSort goes through the digits from the lowest up, and skips those that
// all entries share.
func radixSort(entries, scratch []entry) {
	var counts [8][256]uint32
	for _, e := range entries {
		for d := range counts {
			counts[d][byte(e.prefix>>(8*d))]++
		}
	}
	from, to := entries, scratch[:len(entries)]
	for d := range counts {
		count := &counts[d]
		shift := 8 * d
		if count[byte(from[0].prefix>>shift)] == uint32(len(from)) {
			continue
		}
		var sum uint32
		for i, n := range count {
			count[i] = sum
			sum += n
		}
		for _, e := range from {
			digit := byte(e.prefix >> shift)
			to[count[digit]] = e
			count[digit]++
		}
		from, to = to, from
	}
	if &from[0] != &entries[0] {
		copy(entries, from)
	}
}
