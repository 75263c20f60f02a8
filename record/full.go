package record

import (
	"errors"

	"holdfast/record/journal"
	"holdfast/record/seq"
)

// stopFull ends a process whose disk has no room (D4), as far as there is room
// for that, and says how much would do. The last input was not journaled, so
// the machine, which has seen it, is not asked: the next process begins where
// the journal is.
func (l *Logger) stopFull(cause error) error {
	defer l.abandon()
	if full := (*journal.FullError)(nil); !errors.As(cause, &full) { // it is the log that has no room
		if need := l.lines.unwritten(); need > 0 {
			cause = &journal.FullError{Path: l.path, Need: need, Err: cause}
		}
	}
	l.lines.flush() // what was taken before it; not synced: where that fails the system forgets what it has
	stop := seq.Frame{Type: seq.FrameStop, Stop: seq.StopDiskFull}
	l.frames, l.runs = l.lines.told(l.frames[:0], l.runs, false)
	after, err := l.j.Append(append(l.frames, stop)...)
	if err != nil { // the next start finds the lines without being told
		after, err = l.j.Append(stop)
	}
	if err == nil {
		err = l.j.Commit(after)
	}
	if err == nil {
		l.j.Close()
	}
	return cause
}

// unwritten is how many bytes of lines are not in the log, those of a batch
// that failed included.
func (w *lineWriter) unwritten() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := int64(len(w.pending.text))
	if w.err != nil {
		n += int64(len(w.spare.text))
	}
	return n
}
