package journal

import (
	"errors"
	"fmt"

	"holdfast/internal/vfs"
	"holdfast/record/seq"
)

const (
	flushBytes = 256 << 10 // written at once: bounds the memory of a long batch
	keepBytes  = 4 << 20   // of the buffer, between batches
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
// system, and so does a Stage once there are 256 KiB of them. Until then no Commit
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
	if err == nil && flush {
		err = j.flush()
	}
	if err != nil {
		return j.next - 1, j.failUnlessFull(err)
	}
	if flush {
		j.arm()
	}
	return j.next + j.pending - 1, nil
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
	keep := int64(reserve)
	if n := len(frames); n > 0 && frames[n-1].Type == seq.FrameStop {
		keep = 0
	}
	for i := range frames {
		n, _ := bodySize(&frames[i])
		size := frameSize(n)
		if len(j.enc.buf) >= flushBytes || !j.fits(size+keep) {
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
	return place{segment: j.seg.id, offset: j.seg.end + int64(len(j.enc.buf)), lsn: j.next + j.pending, watermark: j.synced}
}

// fits says whether the segment has so many bytes left.
func (j *Journal) fits(size int64) bool { return j.seg.end+int64(len(j.enc.buf))+size <= j.seg.size }

// makeRoom sees to it that the next frame fits into the segment, and what is
// kept for the last frames behind it.
func (j *Journal) makeRoom(size, keep int64) error {
	if err := j.flush(); err != nil || j.fits(size+keep) {
		return err
	}
	return j.roll(size)
}

// flush writes the buffer. Frames count only when that has succeeded.
func (j *Journal) flush() error {
	taken := j.pending
	b := j.enc.buf
	j.pending, j.enc.buf = 0, b[:0]
	if len(b) == 0 {
		return nil
	}
	if cap(b) > keepBytes {
		j.enc.buf = nil
	}
	if err := j.zeroAhead(int64(len(b))); err != nil {
		return full(err, j.seg.path, int64(len(b)))
	}
	if n, err := j.seg.file.WriteAt(b, j.seg.end); err != nil {
		return j.takeBack(b[:n], full(err, j.seg.path, int64(len(b))))
	}
	j.seg.end += int64(len(b))
	j.next += taken
	return nil
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

const (
	smallGroup = 256 << 10 // bytes of a sync up to which it is worth it to zero ahead
	smallWrite = 64 << 10  // the same of a write that nobody syncs
)

// zeroAhead writes zeros before frames come, once for many writes, and frames
// go over them. The first write to space that was only taken makes the sync of
// it write metadata too; and the system then finds memory for it page by page,
// where a larger piece at once costs half (large folios). For large writes twice
// the bytes would cost more.
func (j *Journal) zeroAhead(n int64) error {
	end := j.seg.end + n
	if end <= j.zeroed || j.zeroed >= j.seg.size {
		return nil
	}
	step := min(max(8*n, 256<<10), int64(len(zeros)))
	if !j.c.Level.survivesPower() {
		if n > smallWrite {
			return nil
		}
		step = min(max(16*n, 32<<10), 256<<10)
	} else if max(n, j.group) > smallGroup {
		return nil
	}
	at := max(j.zeroed, j.seg.end)
	step = min(step, j.seg.size-at)
	_, err := j.seg.file.WriteAt(zeros[:step], at)
	j.zeroed = at + step
	return err
}

// roll goes on in a new segment. The new one has its space BEFORE the old one
// gives up what is kept for the last frames; the old one is durable BEFORE the
// new one has its name (D2).
func (j *Journal) roll(need int64) error {
	j.waitForSync()
	if j.err != nil {
		return j.err
	}
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
	j.seg, j.synced, j.zeroed = next, headerSize, headerSize
	return nil
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
