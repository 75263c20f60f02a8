package lossy

import (
	"cmp"
	"fmt"
	"hash/crc32"
	"math/big"
	"slices"

	"holdfast/internal/pyrand"
	"holdfast/record/seq"
)

// corruption is what damage does to a checksum. Payload and header stay intact.
const corruption = 0xDEADBEEF

// A Stream is all that a source delivers if nothing is asked for.
type Stream struct {
	Seed      *big.Int
	Total     int      // packets asked for when it was generated; -1 if its file does not say
	Sequences []uint64 // the ground truth: every sequence generated, ascending
	Queue     []Item   // in the order of delivery
}

// An Item is one delivery of the queue.
type Item struct {
	Priority  int64      // place in the order of delivery; equal ones in the order of generation
	Packet    seq.Packet // undamaged
	Corrupted bool       // it is delivered damaged
}

// Delivered is the packet as it comes.
func (i Item) Delivered() seq.Packet {
	if i.Corrupted {
		return damaged(i.Packet)
	}
	return i.Packet
}

func damaged(p seq.Packet) seq.Packet {
	p.Checksum ^= corruption
	return p
}

// Generate makes the stream of a Config, without any file (L2). Copies of a
// packet share its payload.
func Generate(c Config) (*Stream, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	rng := pyrand.New(c.Seed)
	packets := groundTruth(rng, c)
	queue, err := transmit(rng, c, packets)
	if err != nil {
		return nil, err
	}
	s := &Stream{Seed: c.Seed, Total: c.TotalPackets, Sequences: make([]uint64, len(packets)), Queue: queue}
	for i := range packets {
		s.Sequences[i] = packets[i].Sequence
	}
	return s, nil
}

func groundTruth(rng *pyrand.Rand, c Config) []seq.Packet {
	packets := make([]seq.Packet, c.TotalPackets)
	for i := range packets {
		payload := fmt.Appendf(nil, "packet_%06d_%d", i, rng.Between(0, 999999))
		if c.Payload != nil {
			payload = c.Payload(i)
		}
		packets[i] = seq.Packet{
			Sequence: uint64(i),
			// The product is rounded before the sum, also where the processor could fuse them.
			Timestamp: float64(float64(i)*0.001) + rng.Uniform(0, 0.0001),
			Payload:   payload,
			Checksum:  crc32.ChecksumIEEE(payload),
		}
	}
	return packets
}

// transmit applies the faults. Each draw is made where the reference makes it.
func transmit(rng *pyrand.Rand, c Config, packets []seq.Packet) ([]Item, error) {
	window := int64(c.ReorderWindow)
	queue := make([]Item, 0, len(packets))
	for _, p := range packets {
		if rng.Random() < c.LossProb {
			continue
		}
		item := Item{Priority: int64(p.Sequence) + rng.Between(0, window), Packet: p}
		item.Corrupted = rng.Random() < c.CorruptionProb
		queue = append(queue, item)
		if rng.Random() < c.DuplicateProb {
			if window == 0 {
				return nil, &UsageError{"duplicates need --reorder-window of at least 1"}
			}
			item.Priority += rng.Between(1, 2*window)
			queue = append(queue, item)
		}
	}
	slices.SortStableFunc(queue, func(a, b Item) int { return cmp.Compare(a.Priority, b.Priority) })
	return queue, nil
}

// Deliverable is how many of the generated sequences the source can deliver at
// all: those of which a copy is in the queue.
func (s *Stream) Deliverable() int {
	in := make(map[uint64]bool, len(s.Queue))
	for i := range s.Queue {
		in[s.Queue[i].Packet.Sequence] = true
	}
	n := 0
	for _, q := range s.Sequences {
		if in[q] {
			n++
		}
	}
	return n
}
