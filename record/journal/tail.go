package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"holdfast/internal/vfs"
)

// The file TAIL holds frames that were appended and are not yet written to
// their segment:
//
//	 0 magic "HFTAIL\r\n"
//	 8 first 8 bytes of the SHA-256 of the session's name
//	16 u64 number of the segment
//	24 u64 offset in it at which the first frame belongs
//	32 32 zeros
//	64 frames, as they are in the segment; behind them anything
//
// The writer has the file in its memory (mmap) and encodes frames there. So a
// frame is with the system as soon as it is encoded, without a system call of
// its own, and one write brings many to their segment. When the process ends,
// the file stays: who opens the journal next writes the frames where they
// belong, and who only reads it reads them there. The checksum of a frame covers
// its segment and offset, so what an earlier use of the file has left is no
// frame, nor is one that was cut off, and one that is in the segment already is
// the same there. That is also why the header needs no checksum.
//
// The file is never synced and has no part in what survives a power cut: a sync
// of the journal writes its frames to the segment first.
const (
	tailName   = "TAIL"
	tailMagic  = "HFTAIL\r\n"
	tailHeader = 64
	tailMost   = tailHeader + piece + page // bytes of the file; less for short segments
)

// A tail is the file TAIL as a writer has it. Without memory, frames are encoded
// in that of the process, and written before an Append returns.
type tail struct{ mapped }

// openTail opens the file TAIL to be written, after what it held is in its
// segment.
func openTail(fsys vfs.Disk, dir string, c Config) tail {
	size, session := min(tailMost, tailHeader+c.SegmentBytes), sessionID(c.Session)
	t := tail{openMapped(fsys, filepath.Join(dir, tailName), int(size))}
	err := t.try(func() error {
		copy(t.mem, tailMagic)
		copy(t.mem[min(8, len(t.mem)):], session[:])
		return nil
	})
	if err != nil || t.mem == nil {
		t.close()
	}
	return t
}

// room is where the frames behind an offset of a segment are encoded.
func (t *tail) room(segment uint64, offset int64) []byte {
	binary.LittleEndian.PutUint64(t.mem[16:], segment)
	binary.LittleEndian.PutUint64(t.mem[24:], uint64(offset))
	return t.mem[tailHeader:tailHeader]
}

// holds says whether frames were encoded there: those longer than the file were
// not.
func (t *tail) holds(frames []byte) bool {
	return t.mem != nil && cap(frames) > 0 && &frames[:1][0] == &t.mem[tailHeader]
}

// left is what a writer has left in the file TAIL.
type left struct {
	segment uint64
	offset  int64
	frames  []byte // valid ones, without a gap
}

// readTail reads the file TAIL. An empty session is that of any journal.
func readTail(fsys vfs.Disk, dir, session string) (l left, err error) {
	f, err := fsys.OpenData(filepath.Join(dir, tailName), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return l, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return l, err
	}
	b := make([]byte, min(size, tailMost))
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return l, err
	}
	id := sessionID(session)
	if b = b[:n]; n < tailHeader || string(b[:8]) != tailMagic || session != "" && string(b[8:16]) != string(id[:]) {
		return l, nil
	}
	l.segment, l.offset = binary.LittleEndian.Uint64(b[16:]), int64(binary.LittleEndian.Uint64(b[24:]))
	l.frames = b[tailHeader:]
	l.frames = l.frames[:l.valid()]
	return l, nil
}

// valid is the length of the frames that belong at the offset.
func (l left) valid() (n int) {
	le, sum := binary.LittleEndian, segmentSum(l.segment)
	for b := l.frames; len(b) >= minFrame; b = l.frames[n:] {
		body := int(min(le.Uint32(b), maxBody+1))
		size := int(frameSize(body))
		if body > maxBody || size > len(b) || checksum(sum, l.offset+int64(n), b[:frameHeader+body]) != le.Uint32(b[frameHeader+body:]) {
			break
		}
		n += size
	}
	return n
}

// belongs says whether the frames are the end of a segment.
func (l left) belongs(f segmentFile) bool {
	return len(l.frames) > 0 && f.whole && !f.alias && f.id == l.segment && l.offset >= headerSize && l.offset <= f.size
}

func (l left) end() int64 { return l.offset + int64(len(l.frames)) }

// over is the segment in which the frames are already written.
type over struct {
	segment io.ReaderAt
	left    left
}

func (o over) ReadAt(p []byte, offset int64) (int, error) {
	n, err := o.segment.ReadAt(p, offset)
	from, to := max(offset, o.left.offset), min(offset+int64(len(p)), o.left.end())
	if from < to && (err == nil || errors.Is(err, io.EOF)) {
		copy(p[from-offset:], o.left.frames[from-o.left.offset:to-o.left.offset])
		n = max(n, int(to-offset))
	}
	if n == len(p) && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// finish writes to the last segment what a process that has ended did not get
// to. It may be killed and repeated.
func (l left) finish(fsys vfs.Disk, last segmentFile) error {
	f, err := fsys.OpenData(last.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt(l.frames, l.offset); err != nil {
		return full(fmt.Errorf("%s: %w", tailName, err), last.path, int64(len(l.frames)))
	}
	return nil
}
