package record

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"slices"

	"holdfast/internal/vfs"
	"holdfast/record/journal"
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
	if err == nil {
		err = a.finish()
	}
	if err != nil || a.written == 0 {
		return err
	}
	return l.recount(r, file)
}

// recount sets right how much of the log is out of order, for what was adopted
// from its middle was counted as if it stood at the end. It needs 8 bytes a
// line for a moment.
func (l *Logger) recount(r *recovered, file vfs.DataFile) error {
	var log []uint64
	err := eachLine(io.NewSectionReader(file, 0, int64(r.end)), func(_ int64, text []byte, _ bool) error {
		if line, err := ParseLine(text); err == nil {
			log = append(log, line.Sequence)
		}
		return nil
	})
	if err != nil {
		return err
	}
	sorted := slices.Clone(log)
	slices.Sort(sorted)
	pairs := newPairCounter(len(log))
	for _, s := range log {
		rank, _ := slices.BinarySearch(sorted, s)
		pairs.add(rank)
	}
	return l.correct(r,
		seq.Delta{Counter: seq.Inversions, By: uint64(pairs.lower) - r.state.Counts[seq.Inversions]},
		seq.Delta{Counter: seq.InvertedPairs, By: uint64(pairs.pairs) - r.state.Counts[seq.InvertedPairs]})
}

// countOrphans counts the packets of lines that the journal knows without
// having their packets.
func (l *Logger) countOrphans(r *recovered) error {
	c := &r.state.Counts
	if lost := c[seq.Written] + uint64(len(r.state.Held)) - c[seq.Packets]; int64(lost) > 0 {
		return l.correct(r, seq.Delta{Counter: seq.Packets, By: lost})
	}
	return nil
}

// correct journals changes of counters that nothing else says.
func (l *Logger) correct(r *recovered, deltas ...seq.Delta) error {
	f := seq.Frame{Type: seq.FrameTally, Tally: seq.TallyFrame{Cursor: r.state.Cursor, Held: uint32(len(r.state.Held)), Deltas: deltas}}
	if _, err := l.j.Append(f); err != nil {
		return err
	}
	return l.amend(r, f)
}

// amend brings the state up to frames.
func (l *Logger) amend(r *recovered, frames ...seq.Frame) error {
	c := l.c.Policy
	c.First = seq.FirstOfStream
	c.State = &r.state
	state, err := seq.Replay(c, slices.Values(frames))
	if err == nil {
		r.state = state
	}
	return err
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

	after   journal.LSN // of the last frame
	written int         // lines in frames
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
	return a.flush()
}

// flush journals the packets and then the lines so far, and brings the state up
// to them.
func (a *adoption) flush() error {
	frames, lines := a.frames, a.lines
	for _, m := range a.marks {
		frames = append(frames, wroteFrame(m, seq.AppendRuns(nil, lines[:m.lines]), false))
		lines = lines[m.lines:]
	}
	if len(frames) == 0 {
		return nil
	}
	after, err := a.l.j.Append(frames...)
	if err == nil {
		err = a.l.amend(a.r, frames...)
	}
	for _, l := range a.lines {
		a.r.kept.drop(l.Seq)
	}
	a.after, a.written = after, a.written+len(a.lines)
	a.frames, a.bytes, a.lines, a.marks = frames[:0], 0, a.lines[:0], a.marks[:0]
	return err
}

// finish makes all durable that was taken over.
func (a *adoption) finish() error {
	err := a.flush()
	if err == nil && a.after > 0 {
		err = a.l.j.Commit(a.after)
	}
	return err
}
