package seq

import "math"

// recentMax bounds the memory for fingerprints to 1 MiB: a copy that comes
// after 65,536 other packets is not compared any more.
const recentMax = 1 << 16

// A recentSet remembers fingerprints of the latest packets, so that a copy
// that differs is noticed, and which of them answered a request, so that an
// original that was only late is noticed too.
type recentSet struct{ slots []recentPacket }

type recentPacket struct {
	seq   uint64
	print uint32
	there bool
	asked bool // its request was answered before its original came
}

// fingerprint covers payload and timestamp; the payload by its checksum, which
// a valid packet has right.
func fingerprint(p *Packet) uint32 {
	h := math.Float64bits(p.Timestamp)
	h = (h ^ h>>29) * 0xbf58476d1ce4e5b9
	h ^= uint64(p.Checksum) | uint64(len(p.Payload))<<32
	h = (h ^ h>>32) * 0x94d049bb133111eb
	return uint32(h >> 32)
}

func (r *recentSet) put(p *Packet, asked bool, packets uint64) {
	if n := len(r.slots); n < recentMax && packets >= uint64(n) {
		r.widen(max(64, 2*n))
	}
	*r.slot(p.Sequence) = recentPacket{p.Sequence, fingerprint(p), true, asked}
}

func (r *recentSet) slot(seq uint64) *recentPacket { return &r.slots[seq&uint64(len(r.slots)-1)] }

func (r *recentSet) widen(n int) {
	old := r.slots
	r.slots = make([]recentPacket, n)
	for _, p := range old {
		if p.there {
			*r.slot(p.seq) = p
		}
	}
}

// get gives what is remembered of a sequence, nil if nothing.
func (r *recentSet) get(seq uint64) *recentPacket {
	if len(r.slots) == 0 {
		return nil
	}
	if p := r.slot(seq); p.there && p.seq == seq {
		return p
	}
	return nil
}
