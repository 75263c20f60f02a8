package publish

import (
	"math/rand/v2"
	"time"
)

// phase is what a machine is at.
//
//	idle -> loading -> reading -> publishing -> (reading) -> leaving -> gone
//	  ^                  ^  ^         |
//	  |                  |  resting <-+ draining     any answer but "stored there"
//	  +------ the lease is lost, from any phase
type phase uint8

const (
	idle       phase = iota // another has the lease, or nobody answered yet
	loading                 // the snapshot is due
	reading                 // what the stream holds is due
	publishing              // lines may be given
	draining                // something went wrong: the answers under way are awaited
	resting                 // before reading back
	leaving                 // the lease is given back
	gone
)

// A flight is a publish without an answer that is relied upon.
type flight struct {
	seq      uint64
	from     Place // of its line
	answered bool
	acked    bool
	due      time.Duration
}

// A Machine decides for one publisher. [New] makes it.
type Machine struct {
	c     Config
	rng   *rand.Rand
	phase phase
	lease lease
	steal bool // no lease was had yet

	stored   Set    // sequences that the stream holds, up to the anchor
	anchor   anchor // its last message, as far as the machine is sure
	sure     bool   // this read has shown the anchor
	late     bool   // this read began when the log had ended
	fresh    bool   // such a read has shown that the stream ends at the anchor, and nothing was published since
	loaded   bool   // the snapshot was looked at
	unsaved  int    // messages since the last snapshot
	snapshot []byte
	said     said // what messages of the stream hold, to compare lines with

	taken   Place    // behind the last line that was given
	flights []flight // the first is publish ID head, and so on; a part of base
	base    []flight
	head    uint64
	top     uint64        // highest sequence among flights since they were none
	resume  Place         // where to go on after reading back
	due     time.Duration // when draining or resting ends
	tries   int           // readings back since something was stored

	final    Place // of the log
	ended    bool
	progress time.Duration // when something got on, or the log ended

	counts Counters
	out    Effects
	read   Read
	seek   Place
}

// Counters tell how far it is.
func (m *Machine) Counters() Counters {
	c := m.counts
	c.Lines, c.Active = m.confirmed().Lines, m.lease.held
	return c
}

// confirmed is the place before which all lines are in the stream.
func (m *Machine) confirmed() Place {
	switch {
	case m.phase != publishing && m.phase != draining:
		return m.resume
	case len(m.flights) > 0:
		return m.flights[0].from
	}
	return m.taken
}

// Step takes one input at a time that never goes back. Answers to what it no
// longer waits for are ignored.
func (m *Machine) Step(now time.Duration, in Input) Effects {
	m.out = Effects{Publish: m.out.Publish[:0]}
	if m.phase != gone {
		m.lapse(now) // first of all: a process that was stopped may hold nothing any more
		m.input(now, in)
		m.advance(now)
	}
	m.out.Done = m.phase == gone
	m.out.Room, m.out.Wake = m.room(), m.wake()
	return m.out
}

func (m *Machine) input(now time.Duration, in Input) {
	switch in.Kind {
	case Line:
		m.line(now, in)
	case LogEnd:
		if !m.ended {
			m.ended, m.progress = true, now
		}
		m.final = in.To
	case Acked, Refused:
		m.answered(now, in)
	case Granted, Denied, Unsure:
		m.leaseAnswered(now, in)
	case Loaded, Stored, ReadEnd, Unread:
		if in.ID == m.read.ID {
			m.readAnswered(now, in)
		}
	case Broken:
		for i := range m.flights {
			m.flights[i].answered = true
		}
		if len(m.flights) > 0 {
			m.fail(now)
		}
	case Stop:
		m.leave()
	}
}

// advance does what is due without an input.
func (m *Machine) advance(now time.Duration) {
	if m.phase == publishing && len(m.flights) > 0 && now >= m.oldest() {
		m.fail(now)
	}
	if m.phase == draining && (m.unanswered() == 0 || now >= m.due) {
		m.rest(now)
	}
	if m.phase == resting && now >= m.due {
		m.startReading()
	}
	if m.phase == publishing && m.unsaved >= m.c.SnapshotEvery && m.c.SnapshotEvery > 0 {
		m.save()
	}
	if m.phase == publishing && m.ended && m.taken.Bytes == m.final.Bytes && len(m.flights) == 0 {
		if m.fresh {
			m.leave()
		} else {
			m.pause() // the servers may have lost what they acknowledged
			m.startReading()
		}
	}
	if m.ended && now >= m.progress+m.c.GiveUp && m.phase < leaving {
		m.counts.Failed = true
		m.leave()
	}
	m.keepLease(now)
}

// line publishes a line, unless the stream has it.
func (m *Machine) line(now time.Duration, in Input) {
	if m.phase != publishing {
		return // it is given again after the next Seek
	}
	from := m.taken
	m.taken = in.To
	if m.stored.Has(in.Seq) {
		m.compare(in)
		return
	}
	if m.flies(in.Seq) {
		return
	}
	if len(m.flights) == 0 {
		m.top = 0
	}
	m.top = max(m.top, in.Seq)
	m.out.Publish = append(m.out.Publish, Message{
		ID: m.head + uint64(len(m.flights)), Seq: in.Seq, Expect: m.anchor.at + uint64(len(m.flights)), Epoch: m.counts.Epoch,
	})
	if len(m.flights) == cap(m.flights) { // at the end of base, or none yet
		m.flights = append(m.base[:0], m.flights...)
	}
	m.flights = append(m.flights, flight{seq: in.Seq, from: from, due: now + m.c.Patience})
}

// flies reports whether a sequence is being published: no log of a recorder has
// one twice, but then the stream must not either.
func (m *Machine) flies(seq uint64) bool {
	if len(m.flights) == 0 || seq > m.top {
		return false
	}
	for i := range m.flights {
		if m.flights[i].seq == seq {
			return true
		}
	}
	return false
}

// oldest is when patience with the first flight ends: the others are younger.
func (m *Machine) oldest() time.Duration { return m.flights[0].due }

func (m *Machine) unanswered() (n int) {
	for i := range m.flights {
		if !m.flights[i].answered {
			n++
		}
	}
	return n
}

// answered takes the answer to a publish. Only "stored, where it was to be" is
// good; all else means that the stream is not what it was believed to be, or
// that nobody knows.
func (m *Machine) answered(now time.Duration, in Input) {
	i := in.ID - m.head
	if in.ID < m.head || i >= uint64(len(m.flights)) || m.phase != publishing && m.phase != draining {
		return
	}
	f := &m.flights[i]
	f.answered = true
	f.acked = f.acked || in.Kind == Acked && in.At == m.anchor.at+i+1
	if !f.acked {
		m.fail(now)
	}
	n := 0
	for n < len(m.flights) && m.flights[n].acked {
		f := &m.flights[n]
		m.anchor = anchor{m.anchor.at + 1, f.seq, m.counts.Epoch}
		m.stored.Add(f.seq)
		m.fresh = false
		n++
	}
	if n == 0 {
		return
	}
	m.head += uint64(n)
	m.flights = m.flights[n:]
	m.counts.Published += uint64(n)
	m.unsaved += n
	m.tries, m.progress = 0, now
}

// fail stops the pipeline: what is under way is awaited, but no longer relied on.
func (m *Machine) fail(now time.Duration) {
	if m.phase == publishing {
		m.phase = draining
		m.due = now + m.c.Patience
	}
}

// pause forgets what is under way, and remembers where to go on.
func (m *Machine) pause() {
	if m.phase == publishing || m.phase == draining {
		m.resume = m.confirmed()
		m.head += uint64(len(m.flights))
		m.flights = nil
	}
}

// rest waits before reading back: not at all at first, then longer and longer.
// Half of it is chance, so that two publishers do not keep step.
func (m *Machine) rest(now time.Duration) {
	m.pause()
	m.phase, m.due = resting, now
	if m.tries > 0 {
		d := min(m.c.Backoff<<min(m.tries-1, 20), m.c.MaxBackoff)
		m.due += d/2 + time.Duration(m.rng.Int64N(int64(d/2)+1))
	}
	m.tries++
	m.counts.Resyncs++
}

// startReading reads back from the last message that the machine is sure of; at
// first what another publisher knew of the stream.
func (m *Machine) startReading() {
	if m.phase = reading; !m.loaded {
		m.phase = loading
	}
	m.sure, m.late = m.anchor.at == 0, m.ended
	m.read = Read{ID: m.read.ID + 1, Snapshot: !m.loaded, After: m.anchor.at}
	m.out.Read = &m.read
}

func (m *Machine) readAnswered(now time.Duration, in Input) {
	switch {
	case m.phase != reading && m.phase != loading:
	case in.Kind == Unread:
		m.rest(now)
	case in.Kind == Loaded && m.phase == loading:
		m.adopt(in.Data)
		m.startReading()
	case in.Kind == Stored:
		m.found(now, in)
	case in.Kind == ReadEnd:
		m.readTo(now, in.At)
	}
}

// found takes a message of the stream.
func (m *Machine) found(now time.Duration, in Input) {
	m.said.note(in)
	if in.At <= m.anchor.at {
		m.sure = m.sure || in.At == m.anchor.at &&
			(m.anchor.epoch == 0 || m.anchor.epoch == in.Epoch && m.anchor.seq == in.Seq)
		return
	}
	if !m.sure && m.anchor.epoch != 0 {
		return // the stream is another behind the anchor too
	}
	if !m.stored.Add(in.Seq) {
		m.counts.Repeated++
	}
	m.anchor, m.sure = anchor{in.At, in.Seq, in.Epoch}, true
	m.unsaved++
	m.progress = now
}

// readTo ends a read: the stream ends at last.
func (m *Machine) readTo(now time.Duration, last uint64) {
	if last < m.anchor.at || !m.sure && m.anchor.epoch != 0 {
		// It has lost what it had acknowledged (N7), or the snapshot was one of a
		// stream that has. Nothing is known of it, and the log is gone through anew.
		m.counts.Rollbacks++
		m.stored, m.anchor, m.resume, m.unsaved, m.said = Set{}, anchor{}, Place{}, 0, nil
		m.startReading()
		return
	}
	if last > m.anchor.at {
		m.anchor = anchor{at: last}
	}
	m.phase, m.fresh = publishing, m.late
	m.taken, m.seek = m.resume, m.resume
	m.out.Seek = &m.seek
}

// adopt takes a snapshot over, if it is one.
func (m *Machine) adopt(data []byte) {
	m.loaded = true
	if a, s, err := readSnapshot(data); err == nil {
		m.anchor, m.stored = a, s
	}
}

// save makes a snapshot.
func (m *Machine) save() {
	m.unsaved = 0
	var ok bool
	if m.snapshot, ok = appendSnapshot(m.snapshot[:0], m.anchor, &m.stored); ok {
		m.out.Snapshot = m.snapshot
	}
}

// room is how many lines may be given.
func (m *Machine) room() int {
	if m.phase != publishing || m.ended && m.taken.Bytes == m.final.Bytes {
		return 0
	}
	return max(0, m.c.Window-len(m.flights))
}

// wake is when advance or lapse has something to do.
func (m *Machine) wake() time.Duration {
	if m.phase == gone {
		return Never
	}
	wake := m.lease.wake(m)
	switch {
	case m.phase == publishing && len(m.flights) > 0:
		wake = min(wake, m.oldest())
	case m.phase == draining, m.phase == resting:
		wake = min(wake, m.due)
	}
	if m.ended && m.phase < leaving {
		wake = min(wake, m.progress+m.c.GiveUp)
	}
	return wake
}
