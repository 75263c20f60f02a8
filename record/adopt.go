package record

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"slices"

	"holdfast/internal/vfs"
	"holdfast/record/seq"
)

// adoptLost takes from the log what damage to the journal has destroyed, if the
// log is as it was written up to the last line that the journal knows.
func (l *Logger) adoptLost(r *recovered, file vfs.DataFile) error {
	sum, err := sumOf(io.NewSectionReader(file, 0, int64(r.end)))
	if err != nil || sum != r.crc {
		return err
	}
	a := l.adoption(r)
	err = eachLine(io.NewSectionReader(file, 0, int64(r.end)), func(_ int64, text []byte, _ bool) error {
		line, err := ParseLine(text)
		switch {
		case err != nil:
			return nil // it was written so, whatever it is
		case r.orphans[line.Sequence]:
			return a.packet(line)
		case a.fits(line, text):
			return a.line(line, r.end, r.crc)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.finish()
}

// adoptTail looks at what stands behind the last line that the journal knows:
// lines that agree with it stay, those that it lost are adopted, and from the
// first that is neither on all is saved and cut.
func (l *Logger) adoptTail(r *recovered, file vfs.DataFile, size uint64) error {
	a := l.adoption(r)
	end, crc := r.end, r.crc
	bad := errors.New("not a line of ours")
	err := eachLine(io.NewSectionReader(file, int64(end), int64(size-end)), func(_ int64, text []byte, whole bool) error {
		line, err := ParseLine(text)
		if err != nil || !whole || !a.fits(line, text) {
			return bad
		}
		end += uint64(len(text)) + 1
		crc = crc32.Update(crc32.Update(crc, castagnoli, text), castagnoli, []byte{'\n'})
		return a.line(line, end, crc)
	})
	if err != nil && err != bad {
		return err
	}
	if err == bad {
		if err := l.cut(file, end, size); err != nil {
			return err
		}
	}
	r.end, r.crc = end, crc
	return a.finish()
}

// cut saves what is behind end beside the log and removes it from the log.
func (l *Logger) cut(file vfs.DataFile, end, size uint64) error {
	torn, err := l.c.Disk.OpenData(l.path+".torn", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(torn, io.NewSectionReader(file, int64(end), int64(size-end)))
	if err == nil {
		err = torn.Sync()
	}
	if closed := torn.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = file.Truncate(int64(end))
	}
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		l.c.warn("%s ended in %d bytes that are no complete line: moved to %s.torn", l.path, size-end, l.path)
	}
	return err
}

// An adoption takes lines of the log over into the journal.
type adoption struct {
	l      *Logger
	r      *recovered
	taken  map[uint64]bool // in this adoption
	lines  []seq.Line
	marks  []mark      // of lines: where the log stands after them
	frames []seq.Frame // of packets
	bytes  int
}

func (l *Logger) adoption(r *recovered) *adoption {
	return &adoption{l: l, r: r, taken: map[uint64]bool{}}
}

// unknown reports whether neither journal nor adoption has the sequence.
func (a *adoption) unknown(s uint64) bool {
	st := &a.r.state
	if s == seq.FirstOfStream || a.taken[s] || st.Begun && s < st.First {
		return false
	}
	i, _ := slices.BinarySearchFunc(st.Known, s, func(k seq.Interval, s uint64) int {
		if k.Last < s {
			return -1
		}
		return 1
	})
	return i == len(st.Known) || s < st.Known[i].First
}

// fits reports whether a line can stand where the journal knows of none.
func (a *adoption) fits(line LogLine, text []byte) bool {
	if a.unknown(line.Sequence) {
		return true
	}
	p, waits := a.r.kept.get(line.Sequence)
	if !waits || a.taken[line.Sequence] {
		return false
	}
	ours := AppendLine(nil, p, line.Status)
	return bytes.Equal(ours[:len(ours)-1], text)
}

// line takes over a line that fits, and with which the log stands at end.
func (a *adoption) line(line LogLine, end uint64, crc uint32) error {
	if _, waits := a.r.kept.get(line.Sequence); !waits && !a.l.c.Policy.JournalOff {
		if err := a.packet(line); err != nil {
			return err
		}
		a.r.adopted++
	}
	a.taken[line.Sequence] = true
	a.lines = append(a.lines, seq.Line{Seq: line.Sequence, Status: line.Status})
	if n := len(a.marks); n == 0 || a.marks[n-1].lines == maxRuns {
		a.marks = append(a.marks, mark{})
	}
	last := &a.marks[len(a.marks)-1]
	*last = mark{last.lines + 1, end, crc}
	return nil
}

// maxAdopted bounds the frames in memory.
const maxAdopted = 1 << 20

// packet journals the packet of a line.
func (a *adoption) packet(line LogLine) error {
	p := line.Packet()
	f := seq.Frame{Type: seq.FramePacket, Packet: seq.PacketFrame{Packet: p}}
	if line.Status == seq.Retransmit {
		f.Packet.Origin = seq.Answer
	}
	a.frames = append(a.frames, f)
	if a.bytes += len(p.Payload) + 100; a.bytes < maxAdopted {
		return nil
	}
	a.bytes = 0
	_, err := a.l.j.Append(a.frames...)
	a.frames = a.frames[:0]
	return err
}

// finish journals the lines, makes all durable, and brings the state up to it.
func (a *adoption) finish() error {
	var wrote []seq.Frame
	lines := a.lines
	for _, m := range a.marks {
		wrote = append(wrote, wroteFrame(m, seq.AppendRuns(nil, lines[:m.lines]), false))
		lines = lines[m.lines:]
	}
	all := append(a.frames, wrote...)
	if len(all) == 0 {
		return nil
	}
	after, err := a.l.j.Append(all...)
	if err == nil {
		err = a.l.j.Commit(after)
	}
	if err != nil {
		return err
	}
	c := a.l.c.Policy
	c.First = seq.FirstOfStream
	c.State = &a.r.state
	state, err := seq.Replay(c, func(yield func(seq.Frame) bool) {
		for _, f := range wrote {
			if !yield(f) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	a.r.state = state
	for _, l := range a.lines {
		a.r.kept.drop(l.Seq)
	}
	return nil
}
