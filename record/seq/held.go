package seq

import (
	"cmp"
	"slices"
)

// A heldPacket is what the machine remembers of a packet that waits; the shell
// keeps its bytes.
type heldPacket struct {
	size   uint32 // of the payload, in bytes
	input  uint32 // low bits of the number of the input that brought it
	answer bool   // it answers a request of ours
	there  bool
}

// ringMax bounds the ring: 128 Ki slots of 12 bytes. Twice the default bound on
// held packets, so that with few gaps none leaves it.
const ringMax = 1 << 17

// A heldRing is the set of packets that wait for order. Those from next on lie
// in a ring; what is too far ahead, or fell behind, lies in a map or a list, so
// that one packet far ahead does not cost memory for all before it.
type heldRing struct {
	next  uint64 // slots are for next to next+len(slots)-1
	slots []heldPacket
	far   map[uint64]heldPacket
	below []belowPacket // hardly ever more than one: it is written at once
	n     int
	bytes int64
}

type belowPacket struct {
	seq uint64
	heldPacket
}

func (h *heldRing) add(seq uint64, p heldPacket) {
	p.there = true
	h.n++
	h.bytes += int64(p.size)
	if seq < h.next {
		h.below = append(h.below, belowPacket{seq, p})
		return
	}
	ahead := seq - h.next
	if ahead >= uint64(len(h.slots)) && ahead < ringMax {
		h.widen(ahead)
	}
	if ahead < uint64(len(h.slots)) {
		*h.slot(seq) = p
		return
	}
	if h.far == nil {
		h.far = map[uint64]heldPacket{}
	}
	h.far[seq] = p
}

func (h *heldRing) slot(seq uint64) *heldPacket { return &h.slots[seq&uint64(len(h.slots)-1)] }

// widen makes the ring long enough for a packet that far ahead.
func (h *heldRing) widen(ahead uint64) {
	old := *h
	n := max(64, uint64(len(old.slots)))
	for n <= ahead {
		n *= 2
	}
	h.slots = make([]heldPacket, n)
	for i := range old.slots {
		seq := old.next + uint64(i)
		*h.slot(seq) = *old.slot(seq)
	}
}

// take removes a packet; false if it is not held.
func (h *heldRing) take(seq uint64) (heldPacket, bool) {
	var p heldPacket
	if seq < h.next {
		i := slices.IndexFunc(h.below, func(b belowPacket) bool { return b.seq == seq })
		if i < 0 {
			return p, false
		}
		p = h.below[i].heldPacket
		h.below = slices.Delete(h.below, i, i+1)
	} else {
		if seq-h.next < uint64(len(h.slots)) {
			s := h.slot(seq)
			p, *s = *s, heldPacket{}
		}
		if !p.there && len(h.far) > 0 {
			p = h.far[seq]
			delete(h.far, seq)
		}
		if !p.there {
			return p, false
		}
	}
	h.n--
	h.bytes -= int64(p.size)
	return p, true
}

// has reports whether a packet waits that is not below next.
func (h *heldRing) has(seq uint64) bool {
	if seq-h.next < uint64(len(h.slots)) && h.slot(seq).there {
		return true
	}
	if len(h.far) == 0 {
		return false
	}
	_, ok := h.far[seq]
	return ok
}

// advance moves next up. A packet that it passes keeps waiting.
func (h *heldRing) advance(next uint64) {
	passed := min(next-h.next, uint64(len(h.slots)))
	for seq := h.next; seq < h.next+passed; seq++ {
		if s := h.slot(seq); s.there {
			h.below = append(h.below, belowPacket{seq, *s})
			*s = heldPacket{}
		}
	}
	if len(h.far) > 0 {
		h.pass(next)
	}
	h.next = next
}

// pass moves what next passes outside the ring.
func (h *heldRing) pass(next uint64) {
	if next == h.next+1 { // the usual step needs no look at all of them
		if p, ok := h.far[h.next]; ok {
			h.below = append(h.below, belowPacket{h.next, p})
			delete(h.far, h.next)
		}
		return
	}
	from := len(h.below)
	for seq, p := range h.far {
		if seq < next {
			h.below = append(h.below, belowPacket{seq, p})
		}
	}
	for _, b := range h.below[from:] {
		delete(h.far, b.seq)
	}
	slices.SortFunc(h.below, func(a, b belowPacket) int { return cmp.Compare(a.seq, b.seq) })
}

// countAbove counts the packets that wait above seq. It is quick for a seq
// below next, and no other is written below an earlier line.
func (h *heldRing) countAbove(seq uint64) int {
	n := h.n
	for _, b := range h.below {
		if b.seq <= seq {
			n--
		}
	}
	for s := h.next; s <= seq && s-h.next < uint64(len(h.slots)); s++ {
		if h.slot(s).there {
			n--
		}
	}
	return n
}

// all gives what waits, ascending.
func (h *heldRing) all() []belowPacket {
	list := slices.Clone(h.below)
	for i := range h.slots {
		seq := h.next + uint64(i)
		if s := h.slot(seq); s.there {
			list = append(list, belowPacket{seq, *s})
		}
	}
	for seq, p := range h.far {
		list = append(list, belowPacket{seq, p})
	}
	slices.SortFunc(list, func(a, b belowPacket) int { return cmp.Compare(a.seq, b.seq) })
	return list
}
