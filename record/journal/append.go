package journal

import (
	"errors"
	"fmt"

	"holdfast/internal/vfs"
	"holdfast/record/seq"
)

const (
	piece     = 128 << 10 // bytes of a long batch that are written at once, see pieceEnd
	page      = 4 << 10   // what the system keeps of a file at least
	keepBytes = 4 << 20   // of the buffer, between batches
)

// Append adds frames and gives the LSN of the last. On return they are with the
// system: the end of the process does not take them any more. They are written
// at once and read back one by one: a crash may keep the first of them only.
//
// After a [FullError] the LSN is that of the last frame that was taken; the
// others may be appended again. A frame that cannot be written (too long, of no
// type) is refused with all that came with it. Any other error is for ever.
func (j *Journal) Append(frames ...seq.Frame) (LSN, error) { return j.take(frames, true) }

// Stage is Append for a caller who has more frames at hand. On return the frames
// are copied into the journal's memory, where the end of the process does take
// them. The next Append, of none at the least, or Close brings them to the
// system, and so does a Stage once there are 128 KiB of them. Until then no Commit
// may name them, and a FullError loses those that it does not count.
func (j *Journal) Stage(frames ...seq.Frame) (LSN, error) { return j.take(frames, false) }

func (j *Journal) take(frames []seq.Frame, flush bool) (LSN, error) {
	if err := writable(frames); err != nil {
		return 0, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return 0, j.err
	}
	err := j.stage(frames)
	if err == nil && flush && !j.tail.holds(j.enc.buf) {
		err = j.flush()
	}
	if err != nil {
		err = j.failUnlessFull(err)
	} else if flush {
		j.arm()
	}
	return j.next + j.pending - 1, err
}

func writable(frames []seq.Frame) error {
	for i := range frames {
		if _, err := bodySize(&frames[i]); err != nil {
			return err
		}
	}
	return nil
}

// stage encodes frames behind those that wait for flush. They are writable.
func (j *Journal) stage(frames []seq.Frame) error {
	return j.tail.try(func() error { return j.encode(frames) })
}

func (j *Journal) encode(frames []seq.Frame) error {
	keep := int64(reserve)
	if n := len(frames); n > 0 && frames[n-1].Type == seq.FrameStop {
		keep = 0
	}
	for i := range frames {
		n, _ := bodySize(&frames[i])
		size := frameSize(n)
		if !j.fits(size, keep) {
			if err := j.makeRoom(size, keep); err != nil {
				return err
			}
		}
		p := j.place()
		j.enc.frame(&p, &frames[i], n)
		j.pending++
	}
	return nil
}

// place is that of the next frame.
func (j *Journal) place() place {
	return place{segment: j.seg.id, offset: j.end(), lsn: j.next + j.pending, watermark: j.synced}
}

// end is where the next frame comes to lie in the segment.
func (j *Journal) end() int64 { return j.seg.end + int64(len(j.enc.buf)) }

// fits says whether a frame of so many bytes can go behind the others: into the
// piece that is written at once, and into the segment, of which so much is kept.
func (j *Journal) fits(size, keep int64) bool {
	end := j.end() + size
	return end+keep <= j.seg.size && (end <= j.pieceEnd || len(j.enc.buf) == 0)
}

// makeRoom sees to it that the next frame fits.
func (j *Journal) makeRoom(size, keep int64) error {
	if err := j.flush(); err != nil || j.fits(size, keep) {
		return err
	}
	j.waitForSync() // others may append meanwhile
	if j.err != nil {
		return j.err
	}
	if err := j.flush(); err != nil || j.fits(size, keep) {
		return err
	}
	return j.roll(size)
}

// flush writes the buffer. Frames that are not in TAIL count only when that has
// succeeded; those that are stay there until it does.
func (j *Journal) flush() error {
	size := int64(len(j.enc.buf))
	if size == 0 {
		return nil
	}
	return j.tail.try(func() error {
		b := j.filled(j.enc.buf)
		n := 0
		err := j.zeroAhead(size)
		if err == nil {
			n, err = j.seg.file.WriteAt(b, j.seg.end)
		}
		if err = full(err, j.seg.path, size); err == nil {
			j.seg.end += size
			j.next += j.pending
		} else if j.tail.holds(j.enc.buf) {
			return err // they are safe, and written when it is tried again
		} else if n > 0 {
			err = j.takeBack(b[:n], err)
		}
		j.pending = 0
		j.empty(b)
		return err
	})
}

// empty makes the buffer empty, and says where in the segment its next frame
// comes to lie.
func (j *Journal) empty(b []byte) {
	j.enc.buf = b[:0]
	switch {
	case j.tail.mem != nil:
		j.enc.buf = j.tail.room(j.seg.id, j.seg.end)
	case cap(b) > keepBytes:
		j.enc.buf = nil
	}
	j.beginPiece()
}

// beginPiece says how far the next write goes at most: to a multiple of 128 KiB
// of the file. The system keeps each such piece in one large page, and its work
// on it is a fifth less than on one that lies across.
func (j *Journal) beginPiece() { j.pieceEnd = (j.seg.end + page + piece) &^ (piece - 1) }

// filled is b with zeros up to the end of its piece, if that is near.
func (j *Journal) filled(b []byte) []byte {
	missing := j.pieceEnd - j.seg.end - int64(len(b))
	if missing <= 0 || missing >= page || j.pieceEnd > j.seg.size {
		return b
	}
	return append(b, zeros[:missing]...)
}

// takeBack removes what a write has done before the disk was full: whole frames
// may be there, and would be read behind what is written next.
func (j *Journal) takeBack(b []byte, cause error) error {
	clear(b)
	if _, err := j.seg.file.WriteAt(b, j.seg.end); err != nil {
		return fmt.Errorf("%v; then %w", cause, err)
	}
	return cause
}

// smallGroup is how many bytes of a sync make it worth it to zero ahead.
const smallGroup = 256 << 10

// zeroAhead writes zeros before frames come, once for many syncs, and frames go
// over them: the first write to space that was only taken makes the sync of it
// write metadata too. For large groups twice the bytes would cost more.
func (j *Journal) zeroAhead(n int64) error {
	end := j.seg.end + n
	n = max(n, j.group)
	if end <= j.zeroed || j.zeroed >= j.seg.size || !j.c.Level.survivesPower() || n > smallGroup {
		return nil
	}
	at := max(j.zeroed, j.seg.end)
	j.zeroed = min(at+min(max(8*n, 256<<10), int64(len(zeros))), j.seg.size)
	step := zeroStep(n)
	for at < j.zeroed {
		to := min(at&^(step-1)+step, j.zeroed)
		if _, err := j.seg.file.WriteAt(zeros[:to-at], at); err != nil {
			return err
		}
		at = to
	}
	return nil
}

// zeroStep is how many zeros are written at once: the system makes large pages
// of large writes, and a sync of few bytes in a large page costs a tenth more
// than in a small one.
func zeroStep(n int64) int64 {
	if n <= 16<<10 {
		return 16 << 10
	}
	return 256 << 10
}

// roll goes on in a new segment. The new one has its space BEFORE the old one
// gives up what is kept for the last frames; the old one is durable BEFORE the
// new one has its name (D2).
func (j *Journal) roll(need int64) error {
	h := header{id: j.seg.id + 1, first: j.next, created: j.c.Now(), session: sessionID(j.c.Session)}
	next, err := j.create(h, need)
	if err != nil {
		return err
	}
	sync := j.c.Level != None
	err = j.seal(sync)
	if err == nil && sync {
		err = next.file.Sync()
	}
	if err == nil {
		err = j.publish(&next, sync)
	}
	if err != nil {
		next.file.Close()
		return err // never a FullError: the old segment has ended
	}
	j.write(next)
	return nil
}

// write goes on in a segment that is empty.
func (j *Journal) write(s segment) {
	j.seg, j.synced, j.zeroed = s, headerSize, headerSize
	j.empty(j.enc.buf)
}

// seal ends the segment: nothing is written to it any more.
func (j *Journal) seal(sync bool) error {
	s := &j.seg
	if s.size > s.end {
		if err := s.file.Truncate(s.end); err != nil {
			return err
		}
	}
	if sync {
		if err := j.syncSegment(false); err != nil {
			return err
		}
	}
	return s.file.Close()
}

// full makes a [FullError] of an error that means that.
func full(err error, path string, need int64) error {
	if vfs.IsFull(err) {
		return &FullError{path, need, err}
	}
	return err
}

// failUnlessFull poisons the journal, unless there is only no room.
func (j *Journal) failUnlessFull(err error) error {
	var f *FullError
	if errors.As(err, &f) {
		return fmt.Errorf("journal: %w", err)
	}
	return j.fail(err)
}
