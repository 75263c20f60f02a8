package seq

// order writes what need not wait: with the journal all that is in order or
// behind it, without it what the buffer has no room for.
func (m *Machine) order() {
	if m.c.JournalOff {
		m.flushFull()
		return
	}
	m.writeBehind()
	m.writeRipe()
	if !m.c.Source.Definitive {
		m.releaseOld()
	}
	for m.full() {
		m.force()
	}
}

func (m *Machine) full() bool {
	if m.c.JournalOff {
		return m.waiting() >= m.c.BufferSize || m.buf.bytes >= m.c.BufferBytes
	}
	return m.held.n >= m.c.BufferSize || m.held.n > 0 && m.held.bytes >= m.c.BufferBytes
}

// writeBehind writes what came after its order was given up.
func (m *Machine) writeBehind() {
	for len(m.held.below) > 0 {
		m.write(m.held.below[0].seq)
	}
}

// writeRipe writes what continues the log.
func (m *Machine) writeRipe() {
	for m.held.n > 0 && m.held.has(m.next()) {
		m.write(m.next())
	}
}

// write gives a packet that waits its line.
func (m *Machine) write(seq uint64) {
	p, _ := m.take(seq)
	l := Line{seq, OK}
	switch {
	case p.answer:
		l.Status = Retransmit
	case m.below(seq):
		l.Status = Late
	}
	m.line(l, true)
	m.ready.Write = append(m.ready.Write, l)
	m.flushed = m.flushed || p.input != m.inputs
}

// force makes room (G7): it writes the lowest packets that stand together and
// gives up all order below them.
func (m *Machine) force() {
	end := m.next()
	for r := m.gaps.covering(end); r != nil; r = m.gaps.covering(end) {
		end = r.end
	}
	m.release(m.next(), end)
	m.writeRipe()
}

// release gives up the order of what is missing from first up to end (G6):
// packets behind it need not wait any longer.
func (m *Machine) release(first, end uint64) {
	r := m.gaps.from(first)
	g := GapFrame{First: first, Last: end - 1, State: GapReleased}
	if r != nil {
		g.Cause, g.Tries = r.cause, uint16(r.tries)
	}
	m.journal(Frame{Type: FrameGap, Gap: g})
	m.gap(g, m.now)
}

// blocking gives the gap that packets wait behind, nil if there is none.
func (m *Machine) blocking() *run {
	if m.c.JournalOff || m.gaps.runs == 0 {
		return nil
	}
	return m.gaps.covering(m.next())
}

// releaseOld gives up gaps that have held the log for too long (G6).
func (m *Machine) releaseOld() {
	for r := m.blocking(); r != nil && m.now-r.seen >= m.c.MaxHold; r = m.blocking() {
		m.release(r.first, r.end)
		m.writeRipe()
	}
}

// writeAll writes everything that waits, in order.
func (m *Machine) writeAll() {
	if m.c.JournalOff {
		m.flush(m.waiting())
		return
	}
	for r := m.blocking(); r != nil; r = m.blocking() {
		m.release(r.first, m.top)
		m.writeRipe()
	}
	m.writeRipe()
}

// flushFull makes room in the buffer of a logger without a journal (J2).
func (m *Machine) flushFull() {
	for m.full() {
		n := m.waiting()
		if m.c.Flush == FlushHalf {
			n = (n + 1) / 2
		}
		m.flush(n)
	}
}

// flush writes the n lowest packets of the buffer.
func (m *Machine) flush(n int) {
	for range n {
		m.write(m.buf.waiting()[0].seq)
	}
}
