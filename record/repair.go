package record

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"holdfast/internal/vfs"
	"holdfast/record/journal"
)

// repair makes log and journal agree (D9, D10).
func (l *Logger) repair(r *recovered, file vfs.DataFile) error {
	size, err := file.Size()
	if err != nil {
		return err
	}
	if r.damaged || len(r.orphans) > 0 && !l.c.Policy.JournalOff {
		if err := l.adoptLost(r, file); err != nil {
			return err
		}
		if err := l.countOrphans(r); err != nil {
			return err
		}
	}
	if size, err = l.restore(r, file, size); err != nil {
		return err
	}
	if uint64(size) > r.end {
		if err := l.adoptTail(r, file, uint64(size)); err != nil {
			return err
		}
	}
	if r.adopted > 0 {
		l.c.warn("%d lines of %s were not in the journal: taken over as they stand", r.adopted, l.path)
	}
	return l.vouch(r, file)
}

// vouch syncs a log that a crash has left, and says so in the journal.
func (l *Logger) vouch(r *recovered, file vfs.DataFile) error {
	if r.end == r.sure.end || !survivesPower(l.c.Journal.Level) {
		return nil
	}
	if err := l.syncLog(r, file); err != nil {
		return err
	}
	_, err := l.j.Append(wroteFrame(mark{0, r.end, r.crc}, nil, true))
	return err
}

func survivesPower(level journal.Level) bool {
	return level == journal.Group || level == journal.Always
}

// restore makes the log whole up to the last line that the journal knows, and
// gives its size. What a power cut has taken or spoiled behind the last sync of
// the log is written again; what was synced is never changed.
func (l *Logger) restore(r *recovered, file vfs.DataFile, size int64) (int64, error) {
	short := uint64(size) < r.end
	if !short && r.end == r.sure.end {
		return size, nil
	}
	if l.c.Policy.JournalOff {
		if !short {
			return size, nil
		}
		l.c.warn("%s has lost %d bytes at its end: without a journal they cannot be written again", l.path, r.end-uint64(size))
		crc, err := sumOf(io.NewSectionReader(file, 0, size))
		r.end, r.crc = uint64(size), crc
		return size, err
	}
	if !short {
		same, err := l.asWritten(r, file)
		if same || err != nil {
			return size, err
		}
	}
	good, err := l.agreement(r, file, uint64(size))
	if errors.Is(err, ErrLostPacket) && !short {
		return size, nil // verify tells
	}
	if err == nil && good < uint64(size) {
		err = l.cut(file, good, uint64(size))
	}
	if err == nil && good < r.end {
		err = l.complete(r, file, good)
	}
	return int64(r.end), err
}

// asWritten reports whether the log is what the journal says since the last
// time it was synced.
func (l *Logger) asWritten(r *recovered, file vfs.DataFile) (bool, error) {
	from, crc := r.sure.end, r.sure.crc
	h := crcWriter{crc}
	_, err := io.Copy(&h, io.NewSectionReader(file, int64(from), int64(r.end-from)))
	return h.crc == r.crc, err
}

type crcWriter struct{ crc uint32 }

func (c *crcWriter) Write(p []byte) (int, error) {
	c.crc = crc32.Update(c.crc, castagnoli, p)
	return len(p), nil
}

// agreement is how far the log is what the journal makes of it, in whole lines
// if it ends in a difference. What was synced counts as agreed.
func (l *Logger) agreement(r *recovered, file vfs.DataFile, size uint64) (uint64, error) {
	c := compareWriter{file: file, size: size, sure: min(r.sure.end, size)}
	err := l.rebuild(&c)
	if err == errDiffers {
		return c.line, nil
	}
	return min(c.at, size), err
}

func (l *Logger) rebuild(w io.Writer) error {
	reader, err := journal.NewReader(l.c.Disk, JournalDir(l.c.StateDir, l.c.Session), l.c.Session)
	if err != nil {
		return err
	}
	defer reader.Close()
	_, err = Rebuild(w, reader)
	return err
}

var errDiffers = errors.New("the log differs")

// A compareWriter compares what is written to it with a file, and ends at the
// first difference.
type compareWriter struct {
	file io.ReaderAt
	size uint64
	sure uint64 // bytes that are not looked at
	at   uint64
	line uint64 // beginning of the line at that place
	buf  []byte
}

func (c *compareWriter) Write(p []byte) (int, error) {
	if c.at >= c.size {
		return len(p), nil // all that there is agrees
	}
	n := min(uint64(len(p)), c.size-c.at)
	c.buf = append(c.buf[:0], p[:n]...)
	if _, err := c.file.ReadAt(c.buf, int64(c.at)); err != nil && err != io.EOF {
		return 0, err
	}
	for i, b := range c.buf {
		if c.at >= c.sure && b != p[i] {
			return 0, errDiffers
		}
		if c.at++; p[i] == '\n' {
			c.line = c.at
		}
	}
	return len(p), nil
}

// complete writes again what the log lacks behind size.
func (l *Logger) complete(r *recovered, file vfs.DataFile, size uint64) error {
	l.c.warn("%s lacks %d bytes that were written before: made again from the journal", l.path, r.end-size)
	w := skipWriter{w: file, skip: size, left: r.end - size}
	err := l.rebuild(&w)
	if err == nil && w.left > 0 {
		err = fmt.Errorf("%s: %d bytes cannot be made again from the journal", l.path, w.left)
	}
	if err == nil {
		err = file.SyncData()
	}
	return err
}

func sumOf(from io.Reader) (uint32, error) {
	h := crc32.New(castagnoli)
	_, err := io.Copy(h, from)
	return h.Sum32(), err
}

// A skipWriter passes over the first bytes, and over those behind a length.
type skipWriter struct {
	w          io.Writer
	skip, left uint64
}

func (s *skipWriter) Write(p []byte) (int, error) {
	n := len(p)
	over := min(s.skip, uint64(n))
	s.skip -= over
	p = p[over:]
	p = p[:min(s.left, uint64(len(p)))]
	s.left -= uint64(len(p))
	if len(p) == 0 {
		return n, nil
	}
	_, err := s.w.Write(p)
	return n, err
}
