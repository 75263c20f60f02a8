package record

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"holdfast/internal/vfs"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

// A Logger records one session. [NewLogger] makes it.
type Logger struct {
	c     Config
	src   Source
	caps  seq.Caps
	path  string
	lock  io.Closer // of the log
	j     *journal.Journal
	lines *lineWriter
	m     *seq.Machine // nil if the session was complete before
	state seq.State    // as recovered
	kept  *kept

	started time.Time
	at      time.Duration // of the last input
	ready   seq.Ready
	batch   batch       // lines whose packets are staged in the journal, or in it
	staged  bool        // something is to be settled
	inputs  int         // of this batch
	telling journal.LSN // of the frame in it that tells what was written, or 0
	frames  []seq.Frame
	runs    []seq.LineRun
	asks    []seq.Range
	frugal  bool // the source may end the process
	alarms  map[seq.AlarmKind]bool
	watch   watch

	take     func(context.Context) (Event, error) // the source's Receive, or Next
	buffered func() bool                          // whether it may be called while frames are staged
	event    Event                                // that it gave
}

// NewLogger opens a session: its journal, its source and its log, in this
// order, and repairs what a crash has left. Errors are [ErrLocked], an
// [InputError] with nothing touched, a [seq.StallError], and those of the disk
// and the source.
func NewLogger(src Source, log string, c Config) (*Logger, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	l := &Logger{c: c, src: src, path: log, alarms: map[seq.AlarmKind]bool{}}
	if err := l.checkFolder(); err != nil {
		return nil, err
	}
	r, err := l.openJournal()
	if err != nil {
		return nil, describe(err)
	}
	if err := l.open(r); err != nil {
		l.abandon()
		return nil, describe(err)
	}
	return l, nil
}

// checkFolder sees to it that nothing is received before it is clear that the
// log has a place.
func (l *Logger) checkFolder() error {
	dir := filepath.Dir(l.path)
	info, err := l.c.Disk.Stat(dir)
	if err == nil && !info.IsDir() {
		err = errors.New("not a folder")
	}
	if err != nil {
		return fmt.Errorf("the folder of the log: %w", err)
	}
	return nil
}

// open opens source and log and makes the machine.
func (l *Logger) open(r *recovered) error {
	if o, ok := l.src.(Opener); ok && !r.state.Completed {
		if err := o.Open(r.state.Cursor, !r.fresh); err != nil {
			return err
		}
	}
	if s, ok := l.src.(Capable); ok && !r.state.Completed {
		l.caps = s.Caps()
	}
	var err error
	l.lock, err = vfs.LockWithin(l.c.Disk, l.path, 500*time.Millisecond)
	switch {
	case errors.Is(err, vfs.ErrLocked):
		return fmt.Errorf("%s: %w", l.path, ErrLocked)
	case err != nil:
		return fmt.Errorf("%s: %w", l.path, err)
	}
	file, err := openLog(l.c.Disk, l.path)
	if err != nil {
		return err
	}
	if err := l.repair(r, file); err != nil {
		file.Close()
		return err
	}
	l.state, l.kept = r.state, r.kept
	l.frugal = l.caps.MayExit
	live := l.c.Journal.Level == journal.Group && !l.frugal && !l.c.Policy.JournalOff && !r.state.Completed
	l.lines = newLineWriter(file, l.j, r.end, r.crc, live)
	l.lines.publish(l.c.Publisher, r.state.Counts[seq.Written])
	if r.state.Completed {
		return nil
	}
	return l.makeMachine(r)
}

// Completed reports whether the session was over before it was opened, and where
// its source stood then. Run tells its totals and takes nothing from the source.
func (l *Logger) Completed() (cursor uint64, over bool) { return l.state.Cursor, l.m == nil }

func (l *Logger) makeMachine(r *recovered) error {
	p := l.c.Policy
	p.First, p.Source, p.State = r.first, l.caps, &r.state
	m, err := seq.New(p)
	if err != nil {
		return err
	}
	m.Count(seq.AdoptedLines, r.adopted)
	m.Count(seq.JournalCorruptions, r.corruptions)
	m.Count(seq.TornTails, r.torn)
	l.m = m
	return nil
}

// abandon gives up what is open after an error. Nothing is written.
func (l *Logger) abandon() {
	if l.lines != nil {
		l.lines.close()
	}
	if l.lock != nil {
		l.lock.Close()
	}
	if l.j != nil {
		l.j.Close()
	}
	if c, ok := l.src.(io.Closer); ok {
		c.Close()
	}
}

// describe gives errors the types that this package promises.
func describe(err error) error {
	switch {
	case errors.Is(err, vfs.ErrLocked) && !errors.Is(err, ErrLocked):
		var known *journal.LockedError
		if errors.As(err, &known) {
			return fmt.Errorf("%s: %w (pid %s)", known.Dir, ErrLocked, known.PID)
		}
		return fmt.Errorf("%w: %v", ErrLocked, err)
	case errors.Is(err, journal.ErrForeign), errors.Is(err, journal.ErrVersion):
		var named *InputError
		if !errors.As(err, &named) {
			return &InputError{Path: "journal", Err: err}
		}
	}
	return err
}
