package record

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"holdfast/internal/vfs"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

// recovered is what the journal, and then the log, say of a session.
type recovered struct {
	state seq.State
	first uint64 // lowest sequence, by the journal if it says so
	kept  *kept  // packets that have no line yet
	end   uint64 // of the log, by the last WROTE
	crc   uint32
	sure  mark // the last that says that the log was synced

	orphans     map[uint64]bool // lines whose packets the journal has lost
	damaged     bool            // it has lost something
	fresh       bool            // there was no journal
	adopted     uint64
	corruptions uint64
	torn        uint64
}

// openJournal opens the journal and replays it.
func (l *Logger) openJournal() (*recovered, error) {
	r := &recovered{kept: newKept(), orphans: map[uint64]bool{}, first: l.c.Policy.First}
	dir := JournalDir(l.c.StateDir, l.c.Session)
	has, err := hasJournal(l.c.Disk, dir)
	if err != nil {
		return nil, err
	}
	if r.fresh = !has; r.fresh { // before anything is made
		if err := l.checkLog(); err != nil {
			return nil, err
		}
	}
	policy := l.c.Policy
	policy.First = seq.FirstOfStream // until frame 1 says more
	var opened error
	var rec journal.Recovery
	c := l.c.Journal
	c.Session, c.Now = l.c.Session, l.c.wall
	c.OnSync = l.watch.synced
	r.state, err = seq.Replay(policy, func(yield func(seq.Frame) bool) {
		c.Replay = func(e journal.Entry) error {
			r.note(e.Frame, l.c.Policy.JournalOff)
			if !yield(*e.Frame) {
				return errors.New("a frame that no recorder writes")
			}
			return nil
		}
		l.j, rec, opened = journal.Open(l.c.Disk, dir, c)
		if opened != nil || rec.Last > 0 {
			return
		}
		f := seq.Frame{Type: seq.FrameSession, Session: &seq.SessionFrame{
			First: l.c.Policy.First, Source: uint8(l.c.Source), Name: l.c.Session, Log: l.path}}
		_, opened = l.j.Append(f)
		yield(f)
	})
	if err != nil {
		err = &InputError{Path: dir, Err: err}
	} else {
		err = opened
	}
	if err != nil {
		if l.j != nil {
			l.j.Close()
		}
		return nil, err
	}
	l.report(r, rec)
	return r, nil
}

// report tells what was wrong with the journal.
func (l *Logger) report(r *recovered, rec journal.Recovery) {
	if t := rec.Torn; t != nil {
		r.torn = 1
		if t.Length > 0 {
			l.c.warn("the journal ends in %d bytes that were never completed: cut at byte %d of segment %d, and kept beside it", t.Length, t.Offset, t.Segment)
		}
	}
	for _, d := range rec.Damages {
		r.damaged = r.damaged || d.Lost() > 0
		if !d.Known {
			r.corruptions++
			l.c.warn("journal: %v: what it held is taken from the log or asked for again", d)
		}
	}
	for s := range r.kept.packets { // copies of what was written long ago
		if _, waits := slices.BinarySearchFunc(r.state.Held, s, func(h seq.Held, s uint64) int {
			switch {
			case h.Sequence < s:
				return -1
			case h.Sequence > s:
				return 1
			}
			return 0
		}); !waits {
			r.kept.drop(s)
		}
	}
}

// note follows the packets and lines of the journal.
func (r *recovered) note(f *seq.Frame, journalOff bool) {
	switch f.Type {
	case seq.FrameSession:
		r.first = f.Session.First
	case seq.FramePacket:
		if r.orphans[f.Packet.Sequence] {
			delete(r.orphans, f.Packet.Sequence)
			return
		}
		if _, known := r.kept.get(f.Packet.Sequence); !known {
			r.kept.put(f.Packet.Packet)
		}
	case seq.FrameWrote:
		r.end, r.crc = f.Wrote.End, f.Wrote.CRC
		if f.Wrote.Synced {
			r.sure = mark{0, r.end, r.crc}
		}
		eachOf(f.Wrote.Runs, func(line seq.Line) {
			if _, there := r.kept.get(line.Seq); !there && !journalOff {
				r.orphans[line.Seq] = true
			}
			r.kept.drop(line.Seq)
		})
	}
}

// eachOf calls f for each line of runs.
func eachOf(runs []seq.LineRun, f func(seq.Line)) {
	for _, run := range runs {
		for i := range uint64(run.Count) {
			f(seq.Line{Seq: run.First + i, Status: run.Status})
		}
	}
}

func hasJournal(disk vfs.Disk, dir string) (bool, error) {
	names, err := disk.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, ".seg") }), err
}

// checkLog reads a log without a journal: all of it must be lines (D10).
func (l *Logger) checkLog() error {
	f, err := l.c.Disk.OpenFile(l.path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return eachLine(f, func(n int64, text []byte, whole bool) error {
		_, err := ParseLine(text)
		if err == nil && !whole {
			err = errors.New("the line is cut off")
		}
		if err != nil {
			return &InputError{Path: l.path, Line: n, Err: fmt.Errorf("%w: there is no journal to mend it from: remove the line or name another log", err)}
		}
		return nil
	})
}

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
	if r.state.Clean || r.end == r.sure.end || !survivesPower(l.c.Journal.Level) {
		return nil
	}
	if err := file.Sync(); err != nil {
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
	if !short && (r.state.Clean || r.end == r.sure.end) {
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
