package seq

import "slices"

// Rules for a source that answers with the next receive or never (L8, Q1-Q5).
const (
	missesInRow = 3  // unanswered requests for gaps before they become rare (Q3)
	skipPeriod  = 64 // one ripe gap of so many is asked for then
)

// A definitiveAsker asks such a source for one sequence at a time. What it
// holds is of this process; the counters Misses, Skipped, RipeBelow and
// Outstanding outlive it.
type definitiveAsker struct {
	pending []uint64 // requests that the source has, in the order in which it takes them
	cause   Cause    // of the last of them
	hurt    []uint64 // damaged copies came of these
	again   []uint64 // asked for in an earlier process, outcome unknown
	rounds  int      // probes to make
	probe   uint64   // next one while nothing is known
	summit  uint64   // last sequence asked for that nothing proved, and 1 more; 0 is none
}

// recoverDefinitive compares what the source says of itself with the journal.
// If it moved, the process was killed with one delivery in its hands: the kill
// window says where it belongs (Q5). If only a request is gone, its answer was
// in those hands, or there was none: it is given back, to be asked again.
func (m *Machine) recoverDefinitive() (again []uint64) {
	s := &m.c.Source
	if !s.Definitive {
		return nil
	}
	if asked := m.counts[Outstanding]; asked > 0 && !slices.Contains(s.Pending, asked-1) {
		m.counts[Outstanding] = 0
		m.counts[Misses]++ // the more likely case
		again = append(again, asked-1)
		if r := m.gaps.covering(asked - 1); r != nil && r.tries == 0 && !m.c.JournalOff { // a power cut took its frame
			q := Range{First: asked - 1, Count: 1, Cause: r.cause, Try: 1}
			m.journal(Frame{Type: FrameRequest, Request: q})
			m.request(q)
		}
	}
	if s.Position > m.cursor {
		d := m.countLimb()
		m.policy.Windows = addWindow(m.policy.Windows, Window{
			First: min(max(m.first+d+1, m.top)-d-1, max(m.first, m.counts[RipeBelow])),
			Last:  min(m.top+2*d+1+(s.Position-m.cursor-1), FirstOfStream-1),
		}, m.counts[RipeBelow])
		m.journal(m.Policy())
	}
	return again
}

// addWindow adds w to disjoint ascending windows, and drops those that have
// had their turn.
func addWindow(list []Window, w Window, below uint64) []Window {
	merged := make([]Window, 0, len(list)+1)
	for _, o := range list {
		switch {
		case o.Last < below:
		case o.Last < w.First || w.Last < o.First:
			merged = append(merged, o)
		default:
			w = Window{min(w.First, o.First), max(w.Last, o.Last)}
		}
	}
	at, _ := slices.BinarySearchFunc(merged, w.First, func(o Window, first uint64) int {
		if o.First < first {
			return -1
		}
		return 1
	})
	return slices.Insert(merged, at, w)
}

func (a *definitiveAsker) begin(m *Machine, again []uint64) {
	a.pending = slices.Clone(m.c.Source.Pending)
	a.again = again
	a.probe = m.first
	a.rounds = max(0, int(m.depth)-len(a.pending))
	for seq := m.first; !m.c.JournalOff; { // without a journal what came may be missing again
		r := m.gaps.from(seq)
		if r == nil {
			return
		}
		if r.cause == Loss && (r.tries == 0 || r.released) {
			seq = r.end
			continue
		}
		for seq = r.first; seq < r.end; seq++ { // no more than were asked for or came
			if r.cause == Corrupt {
				a.damaged(seq)
			} else if !slices.Contains(a.pending, seq) && !slices.Contains(a.again, seq) { // outcome unknown
				a.again = append(a.again, seq)
			}
		}
	}
}

// damaged notes a sequence of which a damaged copy came: the source has it.
func (a *definitiveAsker) damaged(seq uint64) {
	if !slices.Contains(a.pending, seq) && !slices.Contains(a.hurt, seq) {
		a.hurt = append(a.hurt, seq)
	}
}

// resolve tells from a delivery what became of the request that the source had
// to look at first.
func (a *definitiveAsker) resolve(m *Machine, d *Delivery) {
	if len(a.pending) == 0 {
		return
	}
	seq := a.pending[0]
	a.pending = slices.Delete(a.pending, 0, 1)
	a.outcome(m, seq, d.Origin == Answer && d.Sequence == seq)
}

func (a *definitiveAsker) outcome(m *Machine, seq uint64, answered bool) {
	if m.counts[Outstanding] != seq+1 {
		return // not ours
	}
	m.counts[Outstanding] = 0
	if answered && !m.known(seq) {
		a.damaged(seq)
	}
	if a.cause != Loss && a.cause != Sweep {
		return
	}
	if answered {
		m.counts[Misses] = 0
		return
	}
	m.counts[Misses]++
	m.releaseLost(seq)
}

// releaseLost gives up the order of a sequence that the source does not have.
func (m *Machine) releaseLost(seq uint64) {
	if r := m.gaps.covering(seq); r != nil && r.cause == Loss && !r.released {
		m.release(seq, seq+1)
	}
}

func (a *definitiveAsker) end(m *Machine) {
	for _, seq := range a.pending {
		a.outcome(m, seq, false)
	}
	a.pending = a.pending[:0]
}

// failed takes a request back that was not sent.
func (a *definitiveAsker) failed(m *Machine, r Range) {
	if i := slices.Index(a.pending, r.First); i >= 0 {
		a.pending = slices.Delete(a.pending, i, i+1)
		a.again = append(a.again, r.First)
		m.counts[Outstanding] = 0
	}
}

// choose makes the next request, if the source has none: first for what came
// damaged, then probes, then for what is missing (Q2).
func (a *definitiveAsker) choose(m *Machine) {
	if len(a.pending) > 0 || m.ended || !m.begun {
		return
	}
	if seq, ok := a.nextDamaged(m); ok {
		a.send(m, seq, Corrupt)
		a.rounds--
		return
	}
	if a.rounds > 0 {
		a.rounds--
		a.send(m, a.nextProbe(m), Probe)
		return
	}
	if m.c.Ask == AskNever {
		a.passRipe(m)
		return
	}
	if seq, ok := a.nextAgain(m); ok {
		a.send(m, seq, Sweep)
		return
	}
	if seq, ok := a.nextMissing(m); ok {
		a.send(m, seq, Loss)
	}
}

// nextMissing gives what is to be asked for because nothing of it came: the
// ripe and, when no more than 2D deliveries remain, all that is missing in kill
// windows. A request for what is lost costs one of the deliveries that remain.
// So with one left the highest goes first: the longer a sequence is missing,
// the less likely it is that a kill made it so.
func (a *definitiveAsker) nextMissing(m *Machine) (uint64, bool) {
	total := m.c.Source.Total
	left := total - m.cursor
	last := total > 0 && m.cursor <= total && left <= 2*m.countLimb()
	if !last || left > 1 {
		seq, ok := a.passRipe(m)
		if !ok && last {
			return a.lowestInWindow(m)
		}
		return seq, ok
	}
	if seq, ok := a.highestUnproven(m); ok {
		return seq, true
	}
	if seq, ok := a.highestInWindow(m); ok {
		return seq, true
	}
	if seq, ok := a.passRipe(m); ok {
		return seq, true
	}
	return m.top, m.c.Source.End == 0 && a.askTop(m)
}

// highestUnproven gives the highest sequence that the source was made with and
// that nothing proves, below those that were asked for before.
func (a *definitiveAsker) highestUnproven(m *Machine) (uint64, bool) {
	end := m.c.Source.End
	if a.summit > 0 {
		end = min(end, a.summit-1)
	}
	if end <= m.top || !inWindows(m.policy.Windows, end-1) {
		return 0, false
	}
	a.summit = end
	return end - 1, true
}

// askTop decides whether to ask for the sequence above all others, once. Where
// the end is not known that is the last guess: it goes wrong in the end.
func (a *definitiveAsker) askTop(m *Machine) bool {
	if m.top+1 == a.summit || !inWindows(m.policy.Windows, m.top) {
		return false
	}
	a.summit = m.top + 1
	return true
}

func (a *definitiveAsker) send(m *Machine, seq uint64, cause Cause) {
	try := uint8(1)
	if r := m.gaps.covering(seq); r != nil && r.tries < 255 {
		try = r.tries + 1
	}
	a.pending = append(a.pending, seq)
	a.cause = cause
	m.counts[Outstanding] = seq + 1
	m.ask(Range{First: seq, Count: 1, Cause: cause, Try: try})
}

func (a *definitiveAsker) nextDamaged(m *Machine) (uint64, bool) {
	for len(a.hurt) > 0 {
		seq := a.hurt[0]
		a.hurt = slices.Delete(a.hurt, 0, 1)
		if !m.known(seq) && m.c.Ask != AskNever {
			return seq, true
		}
	}
	return 0, false
}

// nextProbe gives what the source certainly has, or, if nothing is known, the
// next thing that it may have (L8).
func (a *definitiveAsker) nextProbe(m *Machine) uint64 {
	if seq, ok := m.highestKnown(); ok {
		return seq
	}
	a.probe++
	return a.probe - 1
}

func (m *Machine) highestKnown() (uint64, bool) {
	seq := m.top
	for n := len(m.gaps.chunks); n > 0 && seq > m.first; n-- {
		runs := m.gaps.chunks[n-1].runs
		for i := len(runs) - 1; i >= 0; i-- {
			if runs[i].end != seq {
				return seq - 1, true
			}
			seq = runs[i].first
		}
	}
	return seq - 1, seq > m.first
}

func (a *definitiveAsker) nextAgain(m *Machine) (uint64, bool) {
	for len(a.again) > 0 {
		seq := a.again[0]
		a.again = slices.Delete(a.again, 0, 1)
		if !m.known(seq) {
			return seq, true
		}
	}
	return 0, false
}

// passRipe gives each ripe sequence its turn until one is to be asked for; the
// others cannot come any more, and their order is given up (Q3, Q4).
func (a *definitiveAsker) passRipe(m *Machine) (uint64, bool) {
	d := m.countLimb()
	if m.gaps.runs == 0 || m.top-m.first <= d {
		return 0, false
	}
	limit := m.top - d
	for {
		at := max(m.counts[RipeBelow], m.first)
		r := m.gaps.from(at)
		if r == nil || max(r.first, at) >= limit {
			return 0, false
		}
		seq := max(r.first, at)
		if r.cause == Corrupt { // asked for until it comes
			m.counts[RipeBelow] = r.end
			continue
		}
		n := a.unwanted(m, seq, min(r.end, limit), r)
		if n == 0 {
			m.counts[RipeBelow] = seq + 1
			return seq, true
		}
		m.counts[RipeBelow] = seq + n
		m.release(seq, seq+n)
	}
}

// unwanted counts the ripe sequences from seq up to end, all in a run, that
// come before the next one to be asked for (Q3, Q5).
func (a *definitiveAsker) unwanted(m *Machine, seq, end uint64, r *run) uint64 {
	switch {
	case r.tries > 0 || m.c.Ask == AskNever:
		return end - seq
	case seq+1 == a.summit:
		return 1
	case m.c.Ask == AskAll:
		return 0
	}
	for _, w := range m.policy.Windows {
		if w.First <= seq && seq <= w.Last {
			return 0
		}
		if seq < w.First {
			end = min(end, w.First)
		}
	}
	if m.c.Ask == AskCorrupt {
		return end - seq
	}
	if m.counts[Misses] < missesInRow {
		return 0
	}
	n := min(end-seq, skipPeriod-1-min(m.counts[Skipped], skipPeriod-1))
	m.counts[Skipped] += n
	if n == 0 {
		m.counts[Skipped] = 0
	}
	return n
}

func inWindows(list []Window, seq uint64) bool {
	return slices.ContainsFunc(list, func(w Window) bool { return w.First <= seq && seq <= w.Last })
}

// lowestInWindow gives the lowest sequence of a kill window that is missing and
// was not asked for.
func (a *definitiveAsker) lowestInWindow(m *Machine) (uint64, bool) {
	for _, w := range m.policy.Windows {
		for seq := max(w.First, m.counts[RipeBelow]); ; {
			r := m.gaps.from(seq)
			if r == nil || r.first > w.Last {
				break
			}
			seq = max(seq, r.first)
			if a.open(r, seq) {
				return seq, true
			}
			seq = r.end
		}
	}
	return 0, false
}

// highestInWindow gives the highest such sequence. The end comes once, so it
// may look at all windows.
func (a *definitiveAsker) highestInWindow(m *Machine) (highest uint64, ok bool) {
	for _, w := range m.policy.Windows {
		for seq := max(w.First, m.counts[RipeBelow]); ; {
			r := m.gaps.from(seq)
			if r == nil || r.first > w.Last {
				break
			}
			last := min(r.end-1, w.Last)
			if last+1 == a.summit && last > max(seq, r.first) {
				last--
			}
			if a.open(r, last) {
				highest, ok = last, true
			}
			seq = r.end
		}
	}
	return highest, ok
}

// open reports whether a missing sequence was not asked for.
func (a *definitiveAsker) open(r *run, seq uint64) bool {
	return r.tries == 0 && r.cause == Loss && seq+1 != a.summit
}
