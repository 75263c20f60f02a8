package record

import (
	"errors"
	"fmt"
	"io/fs"

	"holdfast/record/journal"
	"holdfast/record/seq"
)

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
		return Stats{}, l.distrust(err)
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
