// Package seq is the sequencing machine of the recorder: it turns deliveries
// that come late, twice, damaged or never into an order of log lines, and
// decides when to wait, when to ask again and when to go on without.
//
// It promises that no sequence is written twice, that a packet taken once is
// written in the end, that lines are in order unless a bound forced otherwise
// and then say so, and that the same inputs give the same outputs. It asks for
// no sequence that it knows or that nothing proves to exist (a stalled source
// and the end of a killed one excepted). Its state is a value ([State]) that
// [Replay] makes again from the frames it handed out.
//
// It does nothing itself: it has no clock, file or socket, and does not keep
// the bytes of packets. Its caller performs each [Ready] in the order of its
// fields, keeps the payload of an accepted packet until its line is written,
// and calls again. It is not safe for concurrent use.
//
// Call [New], then [Machine.Start] once, then an input for whatever happens.
package seq

import (
	"fmt"
	"math"
	"time"
)

// Never is the Wake of a machine that waits for nothing but input.
const Never = time.Duration(math.MaxInt64)

// Ready is what the caller does after an input, field by field. Its slices are
// valid until the next input.
type Ready struct {
	Journal  []Frame       // append BEFORE Write
	Write    []Line        // append to the log, each once its packet is durable, BEFORE Request (which does not wait for durability)
	Request  []Range       // send
	Accepted bool          // the packet of this input is new: keep it until its line is written
	Alarm    []Alarm       // tell
	Wake     time.Duration // call Tick then, or at once if it is not ahead, after what has already arrived
	Done     bool          // the session is over: call Stop
}

// AlarmKind is what an alarm is about.
type AlarmKind uint8

const (
	AlarmConflict   AlarmKind = 1 // the session's first copy that differs from the known packet
	AlarmQuarantine AlarmKind = 2 // a packet too far ahead to be believed, the first since one was
	AlarmNoRequests AlarmKind = 3 // a gap was given up because the source cannot be asked
	AlarmSilent     AlarmKind = 4 // a line shows nothing while the other goes on; Sequence is what it would have shown next
)

// An Alarm is something that a person may want to know.
type Alarm struct {
	Kind     AlarmKind
	Sequence uint64
	Line     byte // of AlarmSilent
}

// StallError says that the source ends the process at every start before it
// delivers anything (L8).
type StallError struct {
	Starts   int // in a row
	Position uint64
}

func (e *StallError) Error() string {
	return fmt.Sprintf("the source ends the process before delivering anything (%d starts at position %d)", e.Starts, e.Position)
}

// A Machine is one session being recorded. [New] makes it.
type Machine struct {
	core
	now         time.Duration
	arrival     time.Duration // of the last delivery
	ready       Ready
	deltas      []Delta
	tallied     [counters]uint64 // what frames 7 have said
	cursors     uint64           // the cursor that they have said
	due         int              // inputs until the next frame 7
	must        bool             // a frame 7 is due now
	flushed     bool             // this input wrote a packet that had waited
	before      [counters]uint64 // at the start of the process
	ended       bool
	drained     time.Duration // when to stop waiting for what is missing at the end
	quiet       bool          // the quarantine was told
	unjournaled PacketFrame   // the packet of this input, without the journal
	warned      bool          // that nothing can be asked for

	lines *lines // nil while there is only line A
	steps definitiveAsker
	trips roundTripAsker
}

// tallyPeriod is the number of inputs after which counters are journaled when
// the source cannot end the process.
const tallyPeriod = 1024

// New gives the machine of a session: a new one, or the one that c.State
// describes.
func New(c Config) (*Machine, error) {
	c, err := c.validated()
	if err != nil {
		return nil, err
	}
	m := &Machine{core: newCore(c), due: tallyPeriod}
	if c.State != nil {
		if err := m.restore(c.State); err != nil {
			return nil, err
		}
	}
	m.tallied, m.cursors, m.before = m.counts, m.cursor, m.counts
	m.trips.init(c)
	return m, nil
}

// Start begins the process; it is the first input. wall is the time of day in
// nanoseconds since 1970 for the record, or 0. What waited when the last
// process ended is written, and what is missing is asked for again. The error
// is a [StallError]: the machine is of no use then.
func (m *Machine) Start(now time.Duration, wall int64) (Ready, error) {
	m.input(now)
	source := &m.c.Source
	stalls := m.stallsBefore(source.Position)
	if stalls > uint32(m.c.MaxStalls) {
		return Ready{}, &StallError{int(stalls), source.Position}
	}
	depth := m.depth
	if stalls > 0 {
		depth++
	}
	again := m.recoverDefinitive()
	s := StartFrame{Run: m.run + 1, Wall: wall, Cursor: source.Position, Depth: depth}
	m.journal(Frame{Type: FrameStart, Start: &s})
	m.start(s)
	m.cursors = m.cursor
	if m.counts[Packets] < m.counts[Written] { // without the journal a kill takes the last counts along
		m.counts[Packets], m.moved = m.counts[Written], true
	}
	if source.Definitive {
		m.steps.begin(m, again)
	} else {
		m.trips.begin(m)
	}
	m.must = true
	return m.finish(), nil
}

// Packet takes a delivery, also of a damaged packet. Deliveries that came in
// one datagram have the same now.
func (m *Machine) Packet(now time.Duration, d Delivery) Ready {
	m.input(now)
	m.arrival = m.now
	if d.Cursor != 0 {
		m.cursor = d.Cursor
	}
	if d.Origin == Answer {
		m.trips.receive(m)
	}
	switch seq := d.Sequence; {
	case !d.Valid:
		m.damaged(&d)
	case seq == FirstOfStream || m.begun && seq < m.first:
		m.counts[Rejected]++
	case m.begun && m.known(seq):
		m.duplicate(&d)
	case m.believable(seq, 1):
		m.must = m.must || !m.begun // where the session begins
		m.proven(seq)
		m.packet(&d)
	default:
		m.counts[Rejected]++
		m.counts[Quarantined]++
	}
	if d.Origin == Answer {
		m.trips.answered(m, &d)
	}
	m.steps.resolve(m, &d)
	return m.finish()
}

// Heartbeat says that the source will send nextExpected next: all below it
// exist. line is 0 for line A.
func (m *Machine) Heartbeat(now time.Duration, nextExpected uint64, line byte) Ready {
	m.input(now)
	m.exists(nextExpected)
	m.hear(line, nextExpected)
	return m.finish()
}

// End says that the source has sent all it has. nextExpected is the sequence
// after its last, or 0 if it does not say. Done follows, at once or when what
// is missing has come or been waited for long enough.
func (m *Machine) End(now time.Duration, nextExpected uint64) Ready {
	m.input(now)
	m.exists(nextExpected)
	if !m.ended {
		m.ended = true
		m.drained = m.now + m.c.Drain
		m.counts[EndBefore] = m.top + 1
		m.must = true
	}
	m.steps.end(m)
	return m.finish()
}

// Tick says that time has passed.
func (m *Machine) Tick(now time.Duration) Ready {
	m.input(now)
	return m.finish()
}

// RequestFailed says that a request of an earlier Ready could not be sent.
func (m *Machine) RequestFailed(now time.Duration, r Range) Ready {
	m.input(now)
	m.counts[SendErrors]++
	m.steps.failed(m, r)
	return m.finish()
}

// Stop ends the process. When the session is complete, everything is written;
// otherwise what waits for order goes on waiting in the journal, or, without
// one, is written too.
func (m *Machine) Stop(now time.Duration, reason StopReason) Ready {
	m.input(now)
	if reason == StopComplete {
		m.writeAll()
	}
	if m.c.JournalOff {
		m.flush(m.waiting())
	}
	m.noteWork()
	m.tally()
	m.journal(m.Policy())
	m.journal(Frame{Type: FrameStop, Stop: reason})
	m.stop(reason)
	m.ready.Wake, m.ready.Done = Never, true
	return m.ready
}

// Policy gives the frame of all that was learned: for the head of a segment.
func (m *Machine) Policy() Frame {
	m.trips.bucket.refill(m.now)
	m.policy.Tokens = m.trips.bucket.thousandths()
	m.policy.Misses = uint32(m.counts[Misses])
	m.policy.Skipped = uint32(m.counts[Skipped])
	p := m.policy
	p.Windows = append([]Window(nil), p.Windows...)
	return Frame{Type: FramePolicy, Policy: &p}
}

// Count adds to a counter of which the caller knows, such as Malformed. The
// next frame 7 says so.
func (m *Machine) Count(c Counter, n uint64) { m.counts[c] += n }

func (m *Machine) input(now time.Duration) {
	m.now = max(m.now, now)
	m.inputs++
	m.flushed = false
	r := &m.ready
	r.Journal, r.Write, r.Request, r.Alarm = r.Journal[:0], r.Write[:0], r.Request[:0], r.Alarm[:0]
	r.Accepted, r.Wake, r.Done = false, 0, false
	m.deltas = m.deltas[:0]
}

func (m *Machine) journal(f Frame) { m.ready.Journal = append(m.ready.Journal, f) }

func (m *Machine) alarm(kind AlarmKind, seq uint64) {
	m.ready.Alarm = append(m.ready.Alarm, Alarm{Kind: kind, Sequence: seq})
}

// packetFrame adds a packet's frame to what is to be journaled. It is filled in
// its place, over an earlier one if it can be, for a frame is large.
func (m *Machine) packetFrame() *PacketFrame {
	j, n := m.ready.Journal, len(m.ready.Journal)
	if n == cap(j) || j[:n+1][n].Type != FramePacket {
		j = append(j, Frame{Type: FramePacket})
	}
	m.ready.Journal = j[:n+1]
	return &m.ready.Journal[n].Packet
}

// packet takes a packet that is new.
func (m *Machine) packet(d *Delivery) {
	m.ready.Accepted = true
	f := &m.unjournaled
	if !m.c.JournalOff {
		f = m.packetFrame()
	}
	f.Packet, f.At, f.Origin, f.Line = d.Packet, d.At, d.Origin, d.Line
	a := m.accept(f)
	m.hearPacket(d)
	if a.asked && d.Origin == Original {
		m.counts[SpuriousRequests]++
	}
}

// duplicate takes a valid copy of a packet that was taken before.
func (m *Machine) duplicate(d *Delivery) {
	m.counts[Duplicates]++
	m.hearPacket(d)
	known := m.recent.get(d.Sequence)
	if known == nil {
		return
	}
	if known.print != fingerprint(&d.Packet) {
		if m.counts[Conflicts] == 0 {
			m.alarm(AlarmConflict, d.Sequence)
		}
		m.counts[Conflicts]++
	}
	if known.asked && d.Origin == Original { // it was late, not lost
		known.asked = false
		m.counts[SpuriousRequests]++
		m.learn(acceptance{asked: true, extent: m.top - 1 - d.Sequence})
	}
}

// damaged takes a packet that failed its checksum. Its sequence proves
// something only if the header has not suffered (G12).
func (m *Machine) damaged(d *Delivery) {
	m.counts[CorruptPackets]++
	seq := d.Sequence
	if !m.begun || seq < m.first || seq == FirstOfStream || m.known(seq) {
		return
	}
	if seq >= m.top && !(d.HeaderTrusted && m.believable(seq, 1)) {
		return
	}
	if r := m.gaps.covering(seq); r == nil || r.cause != Corrupt {
		g := GapFrame{First: seq, Last: seq, State: GapOpen, Cause: Corrupt}
		m.journal(Frame{Type: FrameGap, Gap: g})
		m.gap(g, m.now)
	}
	if m.c.Source.Definitive {
		m.steps.damaged(seq)
	} else {
		m.trips.damaged(m, seq)
	}
}

// believable reports whether a sequence may exist. One that is too far ahead
// is believed when another comes at least near and at most D above it (G11).
func (m *Machine) believable(seq uint64, near uint64) bool {
	if !m.begun || seq < m.top || seq-m.top < m.c.MaxJump {
		return true
	}
	q := m.policy.Quarantined
	if q > 0 && seq-(q-1) >= near && seq-(q-1) <= m.countLimb() {
		m.policy.Quarantined, m.quiet = 0, false
		return true
	}
	m.policy.Quarantined = seq + 1
	if !m.quiet {
		m.quiet = true
		m.alarm(AlarmQuarantine, seq)
	}
	return false
}

// exists takes the source's word that all below a sequence exist.
func (m *Machine) exists(below uint64) {
	if !m.begun || below <= m.top || !m.believable(below-1, 0) {
		return
	}
	g := GapFrame{First: m.top, Last: below - 1, State: GapOpen}
	m.journal(Frame{Type: FrameGap, Gap: g})
	m.gap(g, m.now)
}

// finish ends every input but Stop.
func (m *Machine) finish() Ready {
	m.listen()
	m.order()
	if m.c.Source.Definitive {
		m.steps.choose(m)
	} else {
		m.trips.ask(m)
	}
	m.order() // what was given up since
	m.endOfSession()
	m.noteWork()
	m.due--
	if m.must || m.due <= 0 || m.c.Source.MayExit {
		m.tally()
	}
	for _, r := range m.ready.Request {
		m.journal(Frame{Type: FrameRequest, Request: r})
	}
	m.ready.Wake = m.wake()
	return m.ready
}

// noteWork counts what this input did.
func (m *Machine) noteWork() {
	if m.flushed {
		m.counts[Flushes]++
	}
	if n := uint64(m.waiting()); n > m.counts[MaxHeld] {
		m.counts[MaxHeld] = n
	}
}

// tally journals what has changed of the counters that nothing else implies.
func (m *Machine) tally() {
	for c := range m.counts {
		if d := m.counts[c] - m.tallied[c]; d != 0 && (!implied[c] || m.c.JournalOff && (Counter(c) == Packets || Counter(c) == BeganAt)) {
			m.deltas = append(m.deltas, Delta{Counter(c), d})
		}
	}
	if len(m.deltas) > 0 || m.cursor != m.cursors {
		m.journal(Frame{Type: FrameTally, Tally: TallyFrame{m.cursor, uint32(m.waiting()), m.deltas}})
	}
	m.tallied, m.cursors = m.counts, m.cursor
	m.due, m.must = tallyPeriod, false
}

// ask sends a request. Its frame follows the tally of this input, so that a
// torn journal never has a request of which the tally does not know.
func (m *Machine) ask(r Range) {
	m.ready.Request = append(m.ready.Request, r)
	m.request(r)
}

// endOfSession sees whether the end has come, and gives up what is missing.
func (m *Machine) endOfSession() {
	if !m.ended {
		return
	}
	settled := m.gaps.runs == 0 || m.now >= m.drained || m.c.Source.Definitive ||
		m.blocking() == nil && m.trips.idle(m)
	if settled {
		m.writeAll()
		m.ready.Done = true
	}
}

func (m *Machine) wake() time.Duration {
	if m.ready.Done || m.c.Source.Definitive {
		return Never
	}
	w := m.trips.wake(m)
	if m.ended {
		w = min(w, m.drained)
	}
	if r := m.blocking(); r != nil {
		w = min(w, r.seen+m.c.MaxHold)
	}
	return w
}
