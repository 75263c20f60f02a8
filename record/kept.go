package record

import "holdfast/record/seq"

// kept holds the bytes of packets between their journal frame and their line.
// It reuses its memory.
type kept struct {
	packets map[uint64]seq.Packet
	spare   [][]byte
	spared  int
}

// maxSpare bounds the memory that is kept for reuse.
const maxSpare = 1 << 20

func newKept() *kept { return &kept{packets: map[uint64]seq.Packet{}} }

// put copies a packet, whose payload belongs to its source.
func (k *kept) put(p seq.Packet) {
	var b []byte
	if n := len(k.spare); n > 0 {
		b, k.spare = k.spare[n-1], k.spare[:n-1]
		k.spared -= cap(b)
	}
	p.Payload = append(b[:0], p.Payload...)
	k.packets[p.Sequence] = p
}

func (k *kept) get(sequence uint64) (seq.Packet, bool) {
	p, ok := k.packets[sequence]
	return p, ok
}

// drop forgets a packet; its payload is overwritten by a later one.
func (k *kept) drop(sequence uint64) {
	p, ok := k.packets[sequence]
	if !ok {
		return
	}
	delete(k.packets, sequence)
	if c := cap(p.Payload); c > 0 && k.spared+c <= maxSpare {
		k.spare = append(k.spare, p.Payload)
		k.spared += c
	}
}
