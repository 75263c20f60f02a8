package extsort

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// batch collects records in the order of their arrival and knows their sorted
// order. A record lies in the arena as
//
//	u32 key length | u32 value length | key | value
type batch struct {
	arena   []byte
	index   []entry
	limit   int // entries
	size    int // bytes of the arena unless one record needs more
	inOrder bool
	last    []byte // key of the newest record
}

// An entry points to a record. Comparing prefixes decides most comparisons
// without a look at the arena.
type entry struct {
	prefix uint64 // see prefixAt
	offset uint32 // of the record in the arena; later records have larger ones
}

const recordHeader = 8

func newBatch(l layout) *batch {
	b := &batch{limit: l.index, size: l.arena}
	b.reset()
	return b
}

func (b *batch) reset() {
	if cap(b.arena) != b.size {
		b.arena = make([]byte, 0, b.size) // also after a record that was larger
	}
	if b.index == nil {
		b.index = make([]entry, 0, b.limit)
	}
	b.arena, b.index, b.last, b.inOrder = b.arena[:0], b.index[:0], nil, true
}

// fits says whether a record can be added without growing. An empty batch
// takes a record of any size.
func (b *batch) fits(key, value int) bool {
	return len(b.index) == 0 ||
		len(b.index) < b.limit && len(b.arena)+recordHeader+key+value <= b.size
}

func (b *batch) add(key, value []byte) {
	offset := len(b.arena)
	a := binary.LittleEndian.AppendUint32(b.arena, uint32(len(key)))
	a = binary.LittleEndian.AppendUint32(a, uint32(len(value)))
	a = append(a, key...)
	b.arena = append(a, value...)
	b.inOrder = b.inOrder && bytes.Compare(b.last, key) <= 0
	b.last = b.arena[offset+recordHeader:][:len(key)]
	b.index = append(b.index, entry{prefixAt(key, 0), uint32(offset)})
}

func (b *batch) key(e entry) []byte {
	r := b.arena[e.offset:]
	n := binary.LittleEndian.Uint32(r)
	return r[recordHeader:][:n]
}

func (b *batch) record(e entry) (key, value []byte) {
	r := b.arena[e.offset:]
	k, v := binary.LittleEndian.Uint32(r), binary.LittleEndian.Uint32(r[4:])
	r = r[recordHeader:]
	return r[:k:k], r[k:][:v:v]
}

// sort brings the index into the order of the records. scratch is as long as
// the index at least.
func (b *batch) sort(scratch []entry) {
	if !b.inOrder {
		b.sortAt(0, b.index, scratch)
	}
}

// Beyond maxDepth key bytes, and for groups of fewer than groupMin records,
// comparing keys is quicker than taking new prefixes; the first also bounds
// the recursion.
const (
	maxDepth = 64
	groupMin = 16
)

// sortAt sorts entries whose keys agree in the first depth bytes and whose
// prefixes were taken there: by prefix first, then, where that decides nothing
// yet, by what follows. (A multikey sort with seven bytes a digit.)
func (b *batch) sortAt(depth int, entries, scratch []entry) {
	sortEntries(entries, scratch)
	depth += prefixLen
	for start := 0; start < len(entries); {
		end := start + 1
		for end < len(entries) && entries[end].prefix == entries[start].prefix {
			end++
		}
		same := entries[start:end]
		switch {
		case len(same) == 1 || !continues(same[0].prefix):
		case len(same) < groupMin || depth > maxDepth:
			b.sortByKey(depth, same)
		default:
			for i := range same {
				same[i].prefix = prefixAt(b.key(same[i]), depth)
			}
			b.sortAt(depth, same, scratch)
		}
		start = end
	}
}

func (b *batch) sortByKey(depth int, entries []entry) {
	slices.SortFunc(entries, func(x, y entry) int {
		return cmp.Or(bytes.Compare(b.key(x)[depth:], b.key(y)[depth:]), cmp.Compare(x.offset, y.offset))
	})
}
