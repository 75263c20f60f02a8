package record

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	frames  []seq.Frame
	runs    []seq.LineRun
	asks    []seq.Range
	frugal  bool // the source may end the process
	alarms  map[seq.AlarmKind]bool
	watch   watch
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
	if l.lock, err = vfs.LockWithin(l.c.Disk, l.path, 500*time.Millisecond); err != nil {
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
	if r.state.Completed {
		return nil
	}
	return l.makeMachine(r)
}

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

// Run records until the session is over. When ctx ends it stops in good order
// with [ErrInterrupted]. When a source fails that may end the process, its error
// comes back at once and nothing else is done: the caller ends the process. A
// Logger runs once.
func (l *Logger) Run(ctx context.Context) (Stats, error) {
	if l.m == nil {
		s, err := l.completed()
		l.abandon()
		return s, err
	}
	l.started = time.Now()
	err := l.record(ctx)
	switch {
	case err == nil:
		return l.stop(seq.StopComplete, nil)
	case l.frugal && errors.As(err, new(*sourceError)):
		return Stats{}, errors.Unwrap(err)
	case ctx.Err() != nil:
		return l.stop(seq.StopInterrupted, ErrInterrupted)
	}
	var stall *seq.StallError
	var source *sourceError
	switch {
	case errors.As(err, &stall):
		l.abandon()
		return Stats{}, err
	case errors.As(err, &source):
		return l.stop(seq.StopError, source.error)
	case vfs.IsFull(err):
		l.stop(seq.StopDiskFull, nil)
	default:
		l.abandon()
	}
	return Stats{}, err
}

// A sourceError is one that the source returned.
type sourceError struct{ error }

func (e *sourceError) Unwrap() error { return e.error }

func (l *Logger) record(ctx context.Context) error {
	ready, err := l.m.Start(0, l.c.wall())
	if err != nil {
		return err
	}
	if err := l.perform(ready, nil); err != nil {
		return err
	}
	if err := l.lines.flush(); err != nil { // what an earlier process left does not wait for company
		return err
	}
	next := l.receive
	if t, ok := l.src.(Teller); ok {
		next = t.Next
	}
	for !l.ready.Done {
		e, err := l.next(ctx, next)
		switch {
		case err == io.EOF:
			return l.drain(ctx)
		case err != nil:
			return err
		}
		if err := l.input(e); err != nil {
			return err
		}
	}
	return nil
}

// next waits for the next event; timers that are due fire meanwhile.
func (l *Logger) next(ctx context.Context, next func(context.Context) (Event, error)) (Event, error) {
	for {
		e, err := l.await(ctx, next)
		switch {
		case err == nil, err == io.EOF:
			return e, err
		case ctx.Err() != nil:
			return e, ctx.Err()
		case !l.c.RealClock || !errors.Is(err, context.DeadlineExceeded):
			return e, &sourceError{err}
		}
		if err := l.tick(l.now()); err != nil {
			return e, err
		}
		if l.ready.Done {
			return e, io.EOF
		}
	}
}

// await calls the source, for no longer than until the machine wants to wake.
func (l *Logger) await(ctx context.Context, next func(context.Context) (Event, error)) (Event, error) {
	if !l.c.RealClock || l.ready.Wake == seq.Never {
		return next(ctx)
	}
	until, cancel := context.WithDeadline(ctx, l.started.Add(l.ready.Wake))
	defer cancel()
	return next(until)
}

func (l *Logger) receive(ctx context.Context) (Event, error) {
	d, err := l.src.Receive(ctx)
	return Event{Delivery: d, At: d.At, Cursor: d.Cursor}, err
}

func (l *Logger) now() time.Duration { return time.Since(l.started) }

// input gives one event to the machine, and before it the timers that were due.
func (l *Logger) input(e Event) error {
	now := e.At
	if l.c.RealClock {
		now = l.now()
		e.Delivery.At = now
	}
	for l.ready.Wake <= now {
		was := l.ready.Wake
		if err := l.tick(was); err != nil {
			return err
		}
		if l.ready.Wake <= was {
			break
		}
	}
	l.at = max(l.at, now)
	switch e.Kind {
	case Arrived:
		return l.perform(l.m.Packet(now, e.Delivery), &e.Delivery)
	case Heartbeat:
		return l.perform(l.m.Heartbeat(now, e.Next, e.Line), nil)
	case EndOfSession:
		return l.perform(l.m.End(now, e.Next), nil)
	case Rejected:
		l.m.Count(seq.Rejected, 1)
	}
	return l.tick(now)
}

func (l *Logger) tick(now time.Duration) error {
	l.at = max(l.at, now)
	return l.perform(l.m.Tick(now), nil)
}

// drain waits for what is missing when the source has no more.
func (l *Logger) drain(ctx context.Context) error {
	now := l.at
	if l.c.RealClock {
		now = l.now()
		l.at = now
	}
	if err := l.perform(l.m.End(now, 0), nil); err != nil {
		return err
	}
	for !l.ready.Done {
		now = max(now, l.ready.Wake)
		if l.c.RealClock {
			t := time.NewTimer(time.Until(l.started.Add(now)))
			select {
			case <-ctx.Done():
				t.Stop()
				return ctx.Err()
			case <-t.C:
			}
		}
		if err := l.tick(now); err != nil {
			return err
		}
	}
	return nil
}

// perform does what the machine wants, in its order. d is the delivery that
// was its input.
func (l *Logger) perform(r seq.Ready, d *seq.Delivery) error {
	l.ready = r
	after, err := l.append(r.Journal)
	if err != nil {
		return err
	}
	if err := l.write(r, d, after); err != nil {
		return err
	}
	l.tellAlarms(r.Alarm)
	l.asks = append(l.asks[:0], r.Request...) // the next input takes them away
	for _, ask := range l.asks {
		if err := l.ask(ask); err != nil {
			return err
		}
	}
	l.watch.look(l)
	return nil
}

// append journals frames, and before them what was written since the last time.
func (l *Logger) append(frames []seq.Frame) (journal.LSN, error) {
	l.frames, l.runs = l.lines.told(l.frames[:0], l.runs, false)
	l.frames = append(l.frames, frames...)
	if len(l.frames) == 0 {
		return 0, nil
	}
	after, err := l.j.Append(l.frames...)
	if err == nil && l.c.Journal.Level == journal.Always {
		err = l.j.Commit(after)
	}
	return after, err
}

// write hands lines to the log. A packet that is written by the input that
// brought it is never copied.
func (l *Logger) write(r seq.Ready, d *seq.Delivery, after journal.LSN) error {
	fresh := r.Accepted
	if l.c.Policy.JournalOff {
		after = 0 // there is nothing that a line has to wait for
	}
	for _, line := range r.Write {
		if fresh && line.Seq == d.Sequence {
			fresh = false
			if err := l.lines.add(line, d.Packet, after); err != nil {
				return err
			}
			continue
		}
		p, ok := l.kept.get(line.Seq)
		if !ok {
			panic(fmt.Sprintf("record: line of sequence %d, which is not kept", line.Seq))
		}
		if err := l.lines.add(line, p, after); err != nil {
			return err
		}
		l.kept.drop(line.Seq)
	}
	if fresh {
		l.kept.put(d.Packet)
	}
	if l.lines.live || l.grouped() {
		return nil
	}
	return l.lines.flush()
}

// groupLines is how many lines of a source that may end the process share a
// sync at level group. Time would do too, but then the statistics of a process
// would depend on the disk; its packets are safe in the journal anyway.
const groupLines = 64

func (l *Logger) grouped() bool {
	return l.c.Journal.Level == journal.Group && !l.c.Policy.JournalOff && l.lines.waiting() < groupLines
}

func (l *Logger) ask(r seq.Range) error {
	var err error
	if a, ok := l.src.(Asker); ok {
		err = a.Ask(r, l.at)
	} else {
		err = l.src.RequestRetransmit(r.First, int(r.Count))
	}
	if err == nil {
		return nil
	}
	if l.frugal { // its state is on the same disk as ours: there is nothing to try again
		return &sourceError{err}
	}
	asks := l.asks
	l.asks = nil // they are being gone through
	err = l.perform(l.m.RequestFailed(l.at, r), nil)
	l.asks = asks
	return err
}

func (l *Logger) tellAlarms(alarms []seq.Alarm) {
	for _, a := range alarms {
		if l.alarms[a.Kind] {
			continue
		}
		l.alarms[a.Kind] = true
		switch a.Kind {
		case seq.AlarmConflict:
			l.c.warn("sequence %d came again with other contents: the first copy stays; further ones are only counted (conflicts)", a.Sequence)
		case seq.AlarmQuarantine:
			l.c.warn("sequence %d is too far ahead to be believed (--max-jump); such packets are counted (quarantined)", a.Sequence)
		case seq.AlarmNoRequests:
			l.c.warn("sequence %d is missing and the source cannot be asked: gaps are accepted", a.Sequence)
		}
	}
}

// stop ends the process in good order: what waits for order stays in the
// journal, or is written if there is none.
func (l *Logger) stop(reason seq.StopReason, cause error) (Stats, error) {
	defer l.abandon()
	r := l.m.Stop(l.at, reason)
	if err := l.write(r, nil, 0); err != nil {
		return Stats{}, err
	}
	if err := l.lines.sync(); err != nil {
		return Stats{}, err
	}
	l.frames, l.runs = l.lines.told(l.frames[:0], l.runs, true)
	after, err := l.j.Append(append(l.frames, r.Journal...)...)
	if err == nil {
		err = l.j.Commit(after)
	}
	if err == nil {
		err = l.j.Close()
	}
	if err != nil {
		return Stats{}, err
	}
	s := l.stats(reason == seq.StopComplete)
	if err := writeStats(l.c.Disk, StatsPath(l.path), s); err != nil {
		return s, err
	}
	return s, cause
}

func (l *Logger) stats(complete bool) Stats {
	s := Stats{Session: l.c.Session, Log: l.path, Complete: complete}
	s.Stats, s.Total = l.m.Stats()
	s.Restarts = s.Total.Extra["starts"] - 1
	return s
}

// completed tells again what a session came to that was complete before.
func (l *Logger) completed() (Stats, error) {
	total, err := l.state.Stats(l.c.Policy)
	if err != nil {
		return Stats{}, err
	}
	s := Stats{Stats: nothing(total), Total: total, Session: l.c.Session, Log: l.path, Complete: true}
	s.Restarts = total.Extra["starts"] - 1
	if _, err := l.c.Disk.Stat(StatsPath(l.path)); errors.Is(err, fs.ErrNotExist) {
		err = writeStats(l.c.Disk, StatsPath(l.path), s)
		return s, err
	}
	return s, nil
}
