package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"
	"slices"

	"holdfast/record/seq"
)

// A frame, at a multiple of 8 in its segment:
//
//	 0 u32 n: length of the body, at most 2^24
//	 4 u8  type
//	 5 u8  flags: bit 0 = copy of a frame of an earlier segment
//	 6 u16 0
//	 8 u64 LSN
//	16 u64 watermark: bytes of this segment known synced when it was built
//	24 body, n bytes
//	   u32 CRC-32C over u64 segment number, u64 offset of the frame, bytes 0 to 24+n-1
//	   zeros to a multiple of 8
//
// The checksum covers the place, so bytes that are old or were moved are never
// valid, and it covers the length.
//
// Bodies:
//
//	1 SESSION u64 first sequence, u8 source, u16+name, u16+log path
//	2 START   u64 run, i64 wall ns, u64 source cursor, u32 probe depth
//	3 PACKET  u64 sequence, f64 timestamp, i64 arrival ns, u32 checksum, u8 origin, u8 line, u16 0, payload
//	4 WROTE   u64 log end offset, u32 CRC-32C of the log, u16 runs, u16 flags (1 = log synced),
//	          runs of u64 first, u32 count, u32 status
//	5 REQUEST u64 first, u32 count, u8 cause, u8 try, u16 0
//	6 GAP     u64 first, u64 last, u8 state, u8 cause, u16 tries
//	7 TALLY   u64 cursor, u32 held, then to the end: u8 counter, uvarint delta
//	8 POLICY  u64 extent, i64 delay, srtt, rttvar ns, u8 backoff, u8 and u16 0, u32 tokens, misses, skipped,
//	          u64 quarantined, u32 windows, windows of u64 first, u64 last
//	9 STOP    u8 reason, 7 zeros
const (
	frameHeader  = 24
	frameTrailer = 4       // the checksum
	maxBody      = 1 << 24 // so that no damaged length makes a reader allocate more
	minFrame     = 40      // of STOP, the shortest: at most one frame begins in so many bytes
	flagCopy     = 1

	packetHead = 32 // bytes of a PACKET body before the payload
	wroteHead  = 16
	lineRun    = 16
	tallyHead  = 12
	policyHead = 60
	window     = 16
)

// MaxPayload is the longest payload that a frame can hold.
const MaxPayload = maxBody - packetHead

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frameSize is the length of a frame with a body of n bytes in the file.
func frameSize(n int) int64 { return int64(frameHeader+n+frameTrailer+7) &^ 7 }

// segmentSum is the checksum over the number of a segment: where that of each of
// its frames begins.
func segmentSum(id uint64) uint32 {
	return crc32.Checksum(binary.LittleEndian.AppendUint64(nil, id), castagnoli)
}

// checksum is that of a frame at an offset of the segment that sum is of. The
// offset goes in by eight look-ups: a call for 8 bytes costs as much as one for
// half a frame.
func checksum(sum uint32, offset int64, frame []byte) uint32 {
	x := uint64(offset) ^ uint64(^sum)
	t := &offsetTables
	sum = t[7][byte(x)] ^ t[6][byte(x>>8)] ^ t[5][byte(x>>16)] ^ t[4][byte(x>>24)] ^
		t[3][byte(x>>32)] ^ t[2][byte(x>>40)] ^ t[1][byte(x>>48)] ^ t[0][byte(x>>56)]
	return crc32.Update(^sum, castagnoli, frame)
}

// offsetTables are for 8 bytes at once: table k is of a byte with k zeros behind
// it ("slicing by 8", Kounavis and Berry 2005).
var offsetTables = func() (t [8][256]uint32) {
	t[0] = *castagnoli
	for i := range 256 {
		for k := 1; k < 8; k++ {
			t[k][i] = t[0][byte(t[k-1][i])] ^ t[k-1][i]>>8
		}
	}
	return t
}()

// An encoder appends frames to buf.
type encoder struct {
	buf     []byte
	segment uint64 // that sum is of
	sum     uint32
}

// A place is where a frame comes to lie, and the numbers that go with it.
type place struct {
	segment   uint64
	offset    int64
	lsn       LSN
	watermark int64
	flags     byte
}

// frame appends a frame whose body is n bytes long by [bodySize].
func (e *encoder) frame(p *place, f *seq.Frame, n int) {
	b := e.begin(p, f.Type, n)
	if f.Type == seq.FramePacket {
		putPacket(b[frameHeader:], &f.Packet)
	} else {
		appendBody(b[:frameHeader], f)
	}
	e.end(p, b, n)
}

// raw appends a frame of another place.
func (e *encoder) raw(p *place, typ seq.FrameType, body []byte) {
	b := e.begin(p, typ, len(body))
	copy(b[frameHeader:], body)
	e.end(p, b, len(body))
}

// begin makes room for a frame and writes its header and the zeros at its end.
func (e *encoder) begin(p *place, typ seq.FrameType, n int) []byte {
	at, size := len(e.buf), int(frameSize(n))
	if cap(e.buf)-at < size {
		e.buf = slices.Grow(e.buf, size)
	}
	e.buf = e.buf[:at+size]
	b := e.buf[at:]
	le := binary.LittleEndian
	le.PutUint64(b[size-8:], 0) // the checksum comes upon it
	le.PutUint64(b, uint64(n)|uint64(typ)<<32|uint64(p.flags)<<40)
	le.PutUint64(b[8:], uint64(p.lsn))
	le.PutUint64(b[16:], uint64(p.watermark))
	return b
}

// end writes the checksum.
func (e *encoder) end(p *place, b []byte, n int) {
	if e.segment != p.segment {
		e.segment, e.sum = p.segment, segmentSum(p.segment)
	}
	sum := frameHeader + n
	binary.LittleEndian.PutUint32(b[sum:], checksum(e.sum, p.offset, b[:sum]))
}

// bodySize is the length of the body of f. The error says why f cannot be
// written.
func bodySize(f *seq.Frame) (int, error) {
	if f.Type == seq.FramePacket && len(f.Packet.Payload) <= MaxPayload {
		return packetHead + len(f.Packet.Payload), nil
	}
	return anySize(f)
}

func anySize(f *seq.Frame) (int, error) {
	n := 0
	switch f.Type {
	case seq.FrameSession:
		if max(len(f.Session.Name), len(f.Session.Log)) > math.MaxUint16 {
			return 0, fmt.Errorf("journal: the name of the session or of its log is longer than %d bytes", math.MaxUint16)
		}
		n = 13 + len(f.Session.Name) + len(f.Session.Log)
	case seq.FrameStart:
		n = 28
	case seq.FramePacket:
		n = packetHead + len(f.Packet.Payload)
	case seq.FrameWrote:
		if len(f.Wrote.Runs) > math.MaxUint16 {
			return 0, fmt.Errorf("journal: %d runs of lines in one frame: at most %d", len(f.Wrote.Runs), math.MaxUint16)
		}
		n = wroteHead + lineRun*len(f.Wrote.Runs)
	case seq.FrameRequest:
		n = 16
	case seq.FrameGap:
		n = 20
	case seq.FrameTally:
		n = tallySize(&f.Tally)
	case seq.FramePolicy:
		n = policyHead + window*len(f.Policy.Windows)
	case seq.FrameStop:
		n = 8
	default:
		return 0, fmt.Errorf("journal: there is no frame type %d", f.Type)
	}
	if n > maxBody {
		return 0, fmt.Errorf("journal: a frame of %d bytes: at most %d", n, maxBody)
	}
	return n, nil
}

func tallySize(t *seq.TallyFrame) int {
	n := tallyHead
	for _, d := range t.Deltas {
		n += 1 + (bits.Len64(d.By|1)+6)/7
	}
	return n
}

// appendBody appends the body of f, which is no packet: see putPacket.
func appendBody(b []byte, f *seq.Frame) []byte {
	le := binary.LittleEndian
	switch f.Type {
	case seq.FrameSession:
		b = append(le.AppendUint64(b, f.Session.First), f.Session.Source)
		b = append(le.AppendUint16(b, uint16(len(f.Session.Name))), f.Session.Name...)
		b = append(le.AppendUint16(b, uint16(len(f.Session.Log))), f.Session.Log...)
	case seq.FrameStart:
		b = le.AppendUint64(b, f.Start.Run)
		b = le.AppendUint64(b, uint64(f.Start.Wall))
		b = le.AppendUint64(b, f.Start.Cursor)
		b = le.AppendUint32(b, f.Start.Depth)
	case seq.FrameWrote:
		b = appendWrote(b, &f.Wrote)
	case seq.FrameRequest:
		b = le.AppendUint64(b, f.Request.First)
		b = le.AppendUint32(b, f.Request.Count)
		b = append(b, byte(f.Request.Cause), f.Request.Try, 0, 0)
	case seq.FrameGap:
		b = le.AppendUint64(b, f.Gap.First)
		b = le.AppendUint64(b, f.Gap.Last)
		b = append(b, byte(f.Gap.State), byte(f.Gap.Cause))
		b = le.AppendUint16(b, f.Gap.Tries)
	case seq.FrameTally:
		b = le.AppendUint64(b, f.Tally.Cursor)
		b = le.AppendUint32(b, f.Tally.Held)
		for _, d := range f.Tally.Deltas {
			b = binary.AppendUvarint(append(b, byte(d.Counter)), d.By)
		}
	case seq.FramePolicy:
		b = appendPolicy(b, f.Policy)
	case seq.FrameStop:
		b = le.AppendUint64(b, uint64(f.Stop))
	}
	return b
}

func putPacket(b []byte, p *seq.PacketFrame) {
	le := binary.LittleEndian
	_ = b[packetHead-1]
	le.PutUint64(b, p.Sequence)
	le.PutUint64(b[8:], math.Float64bits(p.Timestamp))
	le.PutUint64(b[16:], uint64(p.At))
	le.PutUint64(b[24:], uint64(p.Checksum)|uint64(p.Origin)<<32|uint64(p.Line)<<40)
	copy(b[packetHead:], p.Payload)
}

func appendWrote(b []byte, w *seq.WroteFrame) []byte {
	le := binary.LittleEndian
	flags := uint16(0)
	if w.Synced {
		flags = 1
	}
	b = le.AppendUint64(b, w.End)
	b = le.AppendUint32(b, w.CRC)
	b = le.AppendUint16(b, uint16(len(w.Runs)))
	b = le.AppendUint16(b, flags)
	for _, r := range w.Runs {
		b = le.AppendUint64(b, r.First)
		b = le.AppendUint32(b, r.Count)
		b = le.AppendUint32(b, uint32(r.Status))
	}
	return b
}

func appendPolicy(b []byte, p *seq.PolicyFrame) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, p.Extent)
	b = le.AppendUint64(b, uint64(p.Delay))
	b = le.AppendUint64(b, uint64(p.SRTT))
	b = le.AppendUint64(b, uint64(p.RTTVar))
	b = append(b, p.Backoff, 0, 0, 0)
	b = le.AppendUint32(b, p.Tokens)
	b = le.AppendUint32(b, p.Misses)
	b = le.AppendUint32(b, p.Skipped)
	b = le.AppendUint64(b, p.Quarantined)
	b = le.AppendUint32(b, uint32(len(p.Windows)))
	for _, w := range p.Windows {
		b = le.AppendUint64(b, w.First)
		b = le.AppendUint64(b, w.Last)
	}
	return b
}
