package seq

import "time"

// lines follows two lines, A and B, that carry the same stream: the first copy
// of a packet counts, whichever line brings it. What one has lost is not lost
// while the other is still to bring it, so by count a gap is lost when both have
// passed it, or the one that has not is silent (G14).
//
// A machine has it from the first delivery of line B on. All of it is of this
// process: the next one finds out anew which lines there are.
type lines struct {
	spoke  [2]bool
	top    [2]uint64            // one above the highest that each has shown, copies included
	heard  [2]time.Duration     // when it spoke last
	silent [2]bool              // for so long that it is ignored, until it speaks
	skew   time.Duration        // smoothed delay of the second copy
	first  [skewPackets]arrival // when the latest packets came first
}

type arrival struct {
	seq  uint64
	line byte
	at   time.Duration
}

const (
	skewPackets  = 4096 // by which one line may be behind the other for its delay to be measured
	leastSilence = 50 * time.Millisecond
)

// hear notes that a line has shown that all below top exist.
func (m *Machine) hear(line byte, top uint64) *lines {
	line &= 1
	if m.lines == nil {
		if line == 0 {
			return nil
		}
		m.lines = &lines{}
	}
	l := m.lines
	l.spoke[line], l.silent[line], l.heard[line] = true, false, m.now
	l.top[line] = max(l.top[line], min(top, m.top))
	return l
}

// hearPacket is hear of a packet that the line brought of its own accord.
func (m *Machine) hearPacket(d *Delivery) {
	if d.Origin != Original {
		return
	}
	l := m.hear(d.Line, d.Sequence+1)
	if l == nil || !d.Valid {
		return
	}
	first := &l.first[d.Sequence%skewPackets]
	switch {
	case first.seq != d.Sequence || first.at == 0:
		*first = arrival{d.Sequence, d.Line, m.now}
	case first.line == d.Line:
	case l.skew == 0:
		l.skew = m.now - first.at
	default:
		l.skew += (m.now - first.at - l.skew) / 8
	}
}

// passed is one above the highest sequence that all lines have shown which are
// not silent.
func (m *Machine) passed() uint64 {
	l := m.lines
	if l == nil || !l.spoke[0] || !l.spoke[1] {
		return m.top
	}
	p := m.top
	for i := range l.top {
		if !l.silent[i] {
			p = min(p, l.top[i])
		}
	}
	return p
}

// passedBy is how many sequences from end on the lines have passed.
func (m *Machine) passedBy(end uint64) uint64 { return max(m.passed(), end) - end }

// listen finds out whether a line has fallen silent while the other speaks.
func (m *Machine) listen() {
	l := m.lines
	if l == nil || !l.spoke[0] || !l.spoke[1] {
		return
	}
	for i := range l.silent {
		other := 1 - i
		if l.silent[i] || l.heard[other] != m.now || m.now-l.heard[i] <= max(2*m.timeLimb(), leastSilence) {
			continue
		}
		l.silent[i] = true
		m.ready.Alarm = append(m.ready.Alarm, Alarm{Kind: AlarmSilent, Sequence: l.top[i], Line: byte(i)})
	}
}

// skew is by how much the second copy of a packet comes later.
func (m *Machine) skew() time.Duration {
	if m.lines == nil {
		return 0
	}
	return m.lines.skew
}
