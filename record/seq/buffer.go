package seq

import (
	"cmp"
	"slices"
)

// A sortedBuffer holds the packets of a logger without a journal: all that
// came since the last flush, in order of sequence. It is written from below.
type sortedBuffer struct {
	list  []belowPacket
	head  int // what lies before it is taken
	bytes int64
}

func (b *sortedBuffer) waiting() []belowPacket { return b.list[b.head:] }

func (b *sortedBuffer) find(seq uint64) (int, bool) {
	w := b.waiting()
	if len(w) == 0 || w[len(w)-1].seq < seq { // the usual case of a new packet
		return len(b.list), false
	}
	i, ok := slices.BinarySearchFunc(w, seq, func(p belowPacket, seq uint64) int { return cmp.Compare(p.seq, seq) })
	return b.head + i, ok
}

func (b *sortedBuffer) add(seq uint64, p heldPacket) {
	i, _ := b.find(seq)
	b.list = slices.Insert(b.list, i, belowPacket{seq, p})
	b.bytes += int64(p.size)
}

func (b *sortedBuffer) take(seq uint64) (heldPacket, bool) {
	i, ok := b.find(seq)
	if !ok {
		return heldPacket{}, false
	}
	p := b.list[i].heldPacket
	b.bytes -= int64(p.size)
	switch {
	case i > b.head:
		b.list = slices.Delete(b.list, i, i+1)
	case b.head < len(b.list)/2:
		b.head++
	default:
		b.list = slices.Delete(b.list, 0, b.head+1)
		b.head = 0
	}
	return p, true
}

func (b *sortedBuffer) countAbove(seq uint64) int {
	i, ok := b.find(seq)
	if ok {
		i++
	}
	return len(b.list) - i
}
