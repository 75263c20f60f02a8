package record

import (
	"errors"
	"fmt"
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

	frames      int
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
	session := seq.Frame{Type: seq.FrameSession, Session: &seq.SessionFrame{
		First: l.c.Policy.First, Source: uint8(l.c.Source), Name: l.c.Session, Log: l.path}}
	var opened error
	var rec journal.Recovery
	c := l.c.Journal
	c.Session, c.Now = l.c.Session, l.c.wall
	c.OnSync = l.watch.synced
	r.state, err = seq.Replay(policy, func(yield func(seq.Frame) bool) {
		headless := false
		c.Replay = func(e journal.Entry) error {
			if e.LSN > 1 && r.frames == 0 { // frame 1 is lost: the session begins where it would begin now
				headless = true
				yield(session)
			}
			r.frames++
			r.note(e.Frame, l.c.Policy.JournalOff)
			if !yield(*e.Frame) {
				return errors.New("a frame that no recorder writes")
			}
			return nil
		}
		l.j, rec, opened = journal.Open(l.c.Disk, dir, c)
		if opened != nil || r.frames > 0 && !headless {
			return
		}
		_, opened = l.j.Append(session)
		yield(session)
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
	for s := range r.kept.sequences() { // copies of what was written long ago
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
