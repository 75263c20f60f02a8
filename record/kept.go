package record

import (
	"iter"

	"holdfast/record/seq"
)

// kept holds the bytes of packets between their journal frame and their line.
// It reuses its memory. Nearly all of them wait for a short time, so that no two
// share the low bits of their sequences: those lie in slots, the others in a map.
type kept struct {
	slots  []keptPacket
	far    map[uint64]seq.Packet
	n      int
	spare  [][]byte
	spared int
}

type keptPacket struct {
	there  bool
	packet seq.Packet
}

const (
	keptSlots = 1 << 10
	maxSpare  = 1 << 20 // bounds the memory that is kept for reuse
)

func newKept() *kept {
	return &kept{slots: make([]keptPacket, keptSlots), far: map[uint64]seq.Packet{}}
}

func (k *kept) slot(sequence uint64) *keptPacket { return &k.slots[sequence%keptSlots] }

// put copies a packet, whose payload belongs to its source. It must not be
// there yet.
func (k *kept) put(p seq.Packet) {
	var b []byte
	if n := len(k.spare); n > 0 {
		b, k.spare = k.spare[n-1], k.spare[:n-1]
		k.spared -= cap(b)
	}
	p.Payload = append(b[:0], p.Payload...)
	k.n++
	if s := k.slot(p.Sequence); !s.there {
		s.there, s.packet = true, p
	} else {
		k.far[p.Sequence] = p
	}
}

func (k *kept) get(sequence uint64) (seq.Packet, bool) {
	if s := k.slot(sequence); s.there && s.packet.Sequence == sequence {
		return s.packet, true
	}
	p, ok := k.far[sequence]
	return p, ok
}

// drop forgets a packet; its payload is overwritten by a later one.
func (k *kept) drop(sequence uint64) {
	p, ok := k.get(sequence)
	if !ok {
		return
	}
	k.n--
	if s := k.slot(sequence); s.there && s.packet.Sequence == sequence {
		s.there, s.packet.Payload = false, nil
	} else {
		delete(k.far, sequence)
	}
	if c := cap(p.Payload); c > 0 && k.spared+c <= maxSpare {
		k.spare = append(k.spare, p.Payload)
		k.spared += c
	}
}

// sequences gives those of all packets, in no order. They may be dropped
// meanwhile.
func (k *kept) sequences() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for i := range k.slots {
			if s := &k.slots[i]; s.there && !yield(s.packet.Sequence) {
				return
			}
		}
		for s := range k.far {
			if !yield(s) {
				return
			}
		}
	}
}
