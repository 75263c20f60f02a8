package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"holdfast/record/seq"
)

// A scanner finds frames in one segment. It holds no more than readAhead bytes
// or one frame, whatever the segment says.
type scanner struct {
	r       io.ReaderAt
	segment uint64
	first   LSN   // of the segment; 0 if unknown
	size    int64 // of the file
	buf     []byte
	base    int64  // offset of buf in the file
	sum     uint32 // of the segment's number
}

const readAhead = 256 << 10

// A rawFrame is a valid frame; its body is valid until the scanner reads on.
type rawFrame struct {
	offset    int64
	size      int64 // with padding
	typ       seq.FrameType
	copied    bool
	padded    bool // the padding is zeros, as it should be
	lsn       LSN
	watermark int64
	body      []byte
}

func (f *rawFrame) end() int64 { return f.offset + f.size }

// reset begins another segment.
func (s *scanner) reset(r io.ReaderAt, f segmentFile) {
	s.r, s.segment, s.size, s.first = r, f.id, f.size, 0
	s.buf, s.base, s.sum = s.buf[:0], 0, segmentSum(f.id)
	if f.whole {
		s.first = f.first
	}
}

// bytes gives n bytes at an offset, or what is left of them.
func (s *scanner) bytes(offset int64, n int) ([]byte, error) {
	if n = int(max(0, min(int64(n), s.size-offset))); n == 0 {
		return nil, nil
	}
	if at := offset - s.base; at >= 0 && at+int64(n) <= int64(len(s.buf)) {
		return s.buf[at:][:n], nil
	}
	want := int(min(int64(max(n, readAhead)), s.size-offset))
	if cap(s.buf) < want {
		s.buf = make([]byte, want)
	}
	got, err := s.r.ReadAt(s.buf[:want], offset)
	s.buf, s.base = s.buf[:got], offset
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("segment %d at byte %d: %w", s.segment, offset, err)
	}
	return s.buf[:min(n, got)], nil
}

// frame reads the frame at an offset, if there is a valid one with an LSN of at
// least least.
func (s *scanner) frame(offset int64, least LSN) (f rawFrame, ok bool, err error) {
	head, err := s.bytes(offset, frameHeader)
	if err != nil || !s.plausible(head, offset, least) {
		return f, false, err
	}
	n := int(binary.LittleEndian.Uint32(head))
	size := frameSize(n)
	b, err := s.bytes(offset, int(size))
	if err != nil || int64(len(b)) < size {
		return f, false, err
	}
	le := binary.LittleEndian
	sum := frameHeader + n
	if checksum(s.sum, offset, b[:sum]) != le.Uint32(b[sum:]) {
		return f, false, nil
	}
	f = rawFrame{offset: offset, size: size, typ: seq.FrameType(b[4]), copied: b[5]&flagCopy != 0, padded: true,
		lsn: LSN(le.Uint64(b[8:])), watermark: int64(le.Uint64(b[16:])), body: b[frameHeader:sum]}
	for _, pad := range b[sum+frameTrailer:] {
		f.padded = f.padded && pad == 0
	}
	return f, true, nil
}

// plausible is what can be told of a frame by its header. It spares most of the
// checksums when the search goes through bytes that are no frames.
func (s *scanner) plausible(head []byte, offset int64, least LSN) bool {
	if len(head) < frameHeader {
		return false
	}
	le := binary.LittleEndian
	n, typ, flags := le.Uint32(head), seq.FrameType(head[4]), head[5]
	if typ < seq.FrameSession || typ > seq.FrameStop || n > maxBody || flags&^flagCopy != 0 || le.Uint16(head[6:]) != 0 {
		return false
	}
	lsn, mark := LSN(le.Uint64(head[8:])), le.Uint64(head[16:])
	most := s.first + LSN((offset-headerSize)/minFrame)
	return lsn >= least && (lsn <= most || s.first == 0) && mark >= headerSize && mark <= uint64(offset) && mark%8 == 0
}

// resume finds the first valid frame behind the damage at an offset (D8), whose
// LSN is at least least.
//
// Where the damaged frame's own length leads to the frame that must follow it,
// that one is taken, so that the payload of a damaged packet is not searched
// for frames: a sender could have put some there. Otherwise each place is tried,
// in time linear in the bytes unless they imitate frame headers, each of which
// costs a checksum over the length that it claims.
func (s *scanner) resume(offset int64, least LSN) (f rawFrame, ok bool, err error) {
	head, err := s.bytes(offset, 4)
	if err != nil {
		return f, false, err
	}
	if len(head) == 4 {
		if n := binary.LittleEndian.Uint32(head); n > 0 && n <= maxBody {
			f, ok, err = s.frame(offset+frameSize(int(n)), least+1)
			if err != nil || ok && f.lsn == least+1 {
				return f, ok, err
			}
		}
	}
	for at := offset + 8; at+minFrame <= s.size; {
		n, zero, err := s.chunk(at)
		if err != nil {
			return rawFrame{}, false, err
		}
		if zero {
			at += n // no frame begins with zeros
			continue
		}
		for end := at + n; at < end; at += 8 {
			f, ok, err := s.frame(at, least)
			if ok || err != nil {
				return f, ok, err
			}
		}
	}
	return rawFrame{}, false, nil
}

// zeros is what space holds that was taken and not written.
var zeros [1 << 20]byte

// chunk gives the length of the next bytes to look at, a multiple of 8, and
// whether all of them are zeros.
func (s *scanner) chunk(offset int64) (n int64, zero bool, err error) {
	b, err := s.bytes(offset, readAhead)
	if err == nil && len(b) == 0 {
		err = fmt.Errorf("segment %d has become shorter: %w", s.segment, io.ErrUnexpectedEOF)
	}
	return int64(len(b)+7) &^ 7, bytes.Equal(b, zeros[:len(b)]), err
}

// walk visits the valid frames from an offset on, damage between them or not,
// until visit is false.
func (s *scanner) walk(offset int64, least LSN, visit func(rawFrame) bool) error {
	for {
		f, ok, err := s.frame(offset, least)
		if err == nil && !ok {
			f, ok, err = s.resume(offset, least)
		}
		if err != nil || !ok || !visit(f) {
			return err
		}
		offset, least = f.end(), f.lsn+1
	}
}

// lastByte is the end of what is not zero, from an offset on; the offset if all
// is.
func (s *scanner) lastByte(offset int64) (int64, error) {
	end := offset
	for at := offset; at < s.size; {
		n, zero, err := s.chunk(at)
		if err != nil {
			return 0, err
		}
		if !zero {
			b, err := s.bytes(at, int(n))
			if err != nil {
				return 0, err
			}
			end = at + int64(len(bytes.TrimRight(b, "\x00")))
		}
		at += n
	}
	return end, nil
}
