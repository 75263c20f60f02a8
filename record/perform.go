package record

import (
	"errors"
	"fmt"
	"io/fs"

	"holdfast/internal/vfs"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

// perform does what the machine wants, in its order, as far as it does not wait
// for company in a batch: see settle. d is the delivery that was its input.
func (l *Logger) perform(r seq.Ready, d *seq.Delivery) error {
	l.ready = r
	if err := l.stage(r.Journal); err != nil {
		return err
	}
	if err := l.write(r, d); err != nil {
		return err
	}
	l.tellAlarms(r.Alarm)
	if len(r.Request) > 0 {
		if err := l.askAll(r.Request); err != nil {
			return err
		}
	}
	l.watch.look(l)
	return nil
}

// stage hands frames to the journal, and before the first of a batch what was
// written since the last time.
func (l *Logger) stage(frames []seq.Frame) (err error) {
	after := l.batch.after
	if l.inputs++; !l.staged {
		l.staged = true
		if l.frames, l.runs = l.lines.told(l.frames[:0], l.runs, false); len(l.frames) > 0 {
			if after, err = l.j.Stage(l.frames...); err == nil {
				l.telling = after
			}
		}
	}
	if err == nil && len(frames) > 0 {
		after, err = l.j.Stage(frames...)
	}
	if err != nil {
		l.unstage(after)
	}
	l.batch.after = max(l.batch.after, after)
	return err
}

// unstage forgets what is lost of a batch because the disk is full. taken is the
// last frame that the journal has.
func (l *Logger) unstage(taken journal.LSN) {
	if taken < l.batch.after {
		l.batch.reset() // lines whose packets it does not have
	}
	if l.telling > 0 && l.telling <= taken {
		l.lines.believed()
	}
	l.telling = 0
}

// write adds lines to the batch. A packet that is written by the input that
// brought it is never copied.
func (l *Logger) write(r seq.Ready, d *seq.Delivery) error {
	fresh := r.Accepted
	for _, line := range r.Write {
		if l.batch.full() {
			if err := l.settle(); err != nil {
				return err
			}
		}
		if fresh && line.Seq == d.Sequence {
			fresh = false
			l.batch.add(line, d.Packet)
			continue
		}
		p, ok := l.kept.get(line.Seq)
		if !ok {
			panic(fmt.Sprintf("record: line of sequence %d, which is not kept", line.Seq))
		}
		l.batch.add(line, p)
		l.kept.drop(line.Seq)
	}
	if fresh {
		l.kept.put(d.Packet)
	}
	return nil
}

// collects gives the source's word on what it has at hand, where inputs may
// share their writes: not if the source may end the process, nor if each packet
// is to be durable before the next, nor without a journal, where the log alone
// knows what came.
func (l *Logger) collects() func() bool {
	b, ok := l.src.(Buffered)
	if !ok || l.frugal || l.c.Policy.JournalOff || l.c.Journal.Level == journal.Always {
		return func() bool { return false }
	}
	return b.Ready
}

// batchInputs is how many inputs share a write to the journal and one to the
// log: enough that the two calls cost less than the rest.
const batchInputs = 2048

// room reports whether the batch can take another input.
func (l *Logger) room() bool { return l.inputs < batchInputs && !l.batch.full() }

// settle ends a batch: the journal BEFORE the lines. It is called before a
// request is sent and before the source is asked for what it has not got at
// hand: nothing that came from it is then in the memory of this process only.
func (l *Logger) settle() error {
	if !l.staged {
		return nil
	}
	l.staged, l.inputs = false, 0
	taken, err := l.j.Append()
	if err == nil && l.c.Journal.Level == journal.Always {
		err = l.j.Commit(l.batch.after)
	}
	if err != nil {
		l.unstage(taken)
		return err
	}
	if l.telling > 0 {
		l.lines.believed()
		l.telling = 0
	}
	if l.c.Policy.JournalOff {
		l.batch.after = 0 // there is nothing that a line has to wait for
	}
	if err := l.lines.add(&l.batch); err != nil {
		return err
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

// askAll sends requests once their frames are in the journal.
func (l *Logger) askAll(requests []seq.Range) error {
	if err := l.settle(); err != nil {
		return err
	}
	l.asks = append(l.asks[:0], requests...) // the next input takes them away
	for _, ask := range l.asks {
		if err := l.ask(ask); err != nil {
			return err
		}
	}
	return nil
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
		case seq.AlarmSilent:
			l.c.warn("line %c is silent from sequence %d on: what it does not bring is taken from the other", 'A'+a.Line, a.Sequence)
		}
	}
}

// stop ends the process in good order: what waits for order stays in the
// journal, or is written if there is none.
func (l *Logger) stop(reason seq.StopReason, cause error) (Stats, error) {
	defer l.abandon()
	r, err := l.last(reason)
	if vfs.IsFull(err) {
		return Stats{}, l.stopFull(err)
	}
	if err != nil {
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

// last ends the machine and writes what it still wants written.
func (l *Logger) last(reason seq.StopReason) (r seq.Ready, err error) {
	if err := l.settle(); err != nil {
		return r, err
	}
	r = l.m.Stop(l.at, reason)
	l.staged = true
	if err := l.write(r, nil); err != nil {
		return r, err
	}
	if err := l.settle(); err != nil {
		return r, err
	}
	return r, l.lines.flush()
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
