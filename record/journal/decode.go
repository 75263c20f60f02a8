package journal

import (
	"encoding/binary"
	"math"
	"time"

	"holdfast/record/seq"
)

// A decoder makes frames of bodies. It reuses what it gave before.
type decoder struct {
	frame  seq.Frame
	runs   []seq.LineRun
	deltas []seq.Delta
}

// A body is what is left to read of one; good turns false, for good, when it is
// shorter than what is read of it or holds what nobody writes.
type body struct {
	b    []byte
	good bool
}

func (r *body) take(n int) []byte {
	if n > len(r.b) {
		r.good = false
		r.b = nil
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *body) uint8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *body) uint16() uint16 {
	if b := r.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *body) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *body) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *body) duration() time.Duration { return time.Duration(r.uint64()) }

func (r *body) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || n > 1 && r.b[n-1] == 0 {
		r.good = false
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *body) must(good bool) { r.good = r.good && good }

// decode gives the frame, valid until the next call; its payload aliases b.
// It is false for bytes that no encoder of this version makes.
func (d *decoder) decode(typ seq.FrameType, b []byte) (*seq.Frame, bool) {
	r := body{b, true}
	f := &d.frame
	f.Type = typ
	switch typ {
	case seq.FrameSession:
		s := &seq.SessionFrame{First: r.uint64(), Source: r.uint8()}
		s.Name = string(r.take(int(r.uint16())))
		s.Log = string(r.take(int(r.uint16())))
		f.Session = s
	case seq.FrameStart:
		f.Start = &seq.StartFrame{Run: r.uint64(), Wall: int64(r.uint64()), Cursor: r.uint64(), Depth: r.uint32()}
	case seq.FramePacket:
		f.Packet = r.packet()
	case seq.FrameWrote:
		d.wrote(&r)
	case seq.FrameRequest:
		f.Request = seq.Range{First: r.uint64(), Count: r.uint32(), Cause: seq.Cause(r.uint8()), Try: r.uint8()}
		r.must(r.uint16() == 0)
	case seq.FrameGap:
		f.Gap = seq.GapFrame{First: r.uint64(), Last: r.uint64(),
			State: seq.GapState(r.uint8()), Cause: seq.Cause(r.uint8()), Tries: r.uint16()}
	case seq.FrameTally:
		d.tally(&r)
	case seq.FramePolicy:
		f.Policy = r.policy()
	case seq.FrameStop:
		f.Stop = seq.StopReason(r.uint8())
		r.must(r.uint8() == 0 && r.uint16() == 0 && r.uint32() == 0)
	default:
		return nil, false
	}
	return f, r.good && len(r.b) == 0
}

func (r *body) packet() (p seq.PacketFrame) {
	head := r.take(packetHead)
	if head == nil {
		return p
	}
	le := binary.LittleEndian
	p.Sequence = le.Uint64(head)
	p.Timestamp = math.Float64frombits(le.Uint64(head[8:]))
	p.At = time.Duration(le.Uint64(head[16:]))
	p.Checksum = le.Uint32(head[24:])
	p.Origin, p.Line = seq.Origin(head[28]), head[29]
	r.must(le.Uint16(head[30:]) == 0)
	p.Payload = r.take(len(r.b))
	return p
}

func (d *decoder) wrote(r *body) {
	w := &d.frame.Wrote
	w.End, w.CRC = r.uint64(), r.uint32()
	n, flags := int(r.uint16()), r.uint16()
	w.Synced = flags == 1
	r.must(flags <= 1 && len(r.b) == n*lineRun)
	d.runs = d.runs[:0]
	for r.good && len(d.runs) < n {
		first, count, status := r.uint64(), r.uint32(), r.uint32()
		r.must(status <= math.MaxUint8)
		if status == 0 {
			status = uint32(seq.OK) // the published example of the format says it so
		}
		d.runs = append(d.runs, seq.LineRun{First: first, Count: count, Status: seq.Status(status)})
	}
	w.Runs = d.runs
}

func (d *decoder) tally(r *body) {
	t := &d.frame.Tally
	t.Cursor, t.Held = r.uint64(), r.uint32()
	d.deltas = d.deltas[:0]
	for r.good && len(r.b) > 0 {
		counter := seq.Counter(r.uint8())
		d.deltas = append(d.deltas, seq.Delta{Counter: counter, By: r.uvarint()})
	}
	t.Deltas = d.deltas
}

func (r *body) policy() *seq.PolicyFrame {
	p := &seq.PolicyFrame{Extent: r.uint64(), Delay: r.duration(), SRTT: r.duration(), RTTVar: r.duration()}
	p.Backoff = r.uint8()
	r.must(r.uint8() == 0 && r.uint16() == 0)
	p.Tokens, p.Misses, p.Skipped = r.uint32(), r.uint32(), r.uint32()
	p.Quarantined = r.uint64()
	n := int64(r.uint32())
	r.must(int64(len(r.b)) == n*window)
	for r.good && len(r.b) > 0 {
		p.Windows = append(p.Windows, seq.Window{First: r.uint64(), Last: r.uint64()})
	}
	return p
}
