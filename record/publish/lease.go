package publish

import "time"

// A lease is what a machine knows of the right to publish. Its time counts from
// the moment at which the question was sent that was answered with yes: the
// engine has counted from a later one. So the holder stops well before anyone
// else can get it, by its own clock alone.
type lease struct {
	held  bool
	rev   uint64
	since time.Duration // the question that was answered with yes was sent then

	asked Op            // an answer is due
	sent  time.Duration // when it was asked
	due   time.Duration // when to ask next
}

// lapse gives up a lease that was not renewed in time.
func (m *Machine) lapse(now time.Duration) {
	if m.lease.held && now >= m.lease.since+m.c.TTL*stopParts/renewPart {
		m.lose(now)
	}
}

// lose goes back to waiting for the lease. What is known of the stream stays:
// reading back begins there.
func (m *Machine) lose(now time.Duration) {
	m.lease.held = false
	m.lease.due = now + m.between(m.c.TTL/renewPart)
	if m.phase != leaving {
		m.pause()
		m.phase = idle
	}
}

// between is d with some jitter, so that those who wait do not all ask at once.
func (m *Machine) between(d time.Duration) time.Duration {
	return d - time.Duration(m.rng.Int64N(int64(d/4)+1))
}

// keepLease asks for the lease when it is time.
func (m *Machine) keepLease(now time.Duration) {
	l := &m.lease
	switch {
	case l.asked != NoOp:
	case m.phase == leaving:
		if !l.held {
			m.phase = gone
			return
		}
		m.ask(now, Release)
	case m.phase != gone && now >= l.due:
		if l.held {
			m.ask(now, Renew)
		} else {
			m.ask(now, Acquire)
		}
	}
}

func (m *Machine) ask(now time.Duration, op Op) {
	m.lease.asked, m.lease.sent = op, now
	m.out.Lease = Lease{Op: op, Rev: m.lease.rev, Steal: op == Acquire && m.steal}
}

func (m *Machine) leaseAnswered(now time.Duration, in Input) {
	l := &m.lease
	op := l.asked
	l.asked = NoOp
	switch {
	case op == NoOp:
	case op == Release:
		m.phase = gone
	case in.Kind == Granted:
		l.rev = in.Rev
		if op == Acquire {
			m.counts.Epoch, m.steal = in.Rev, false
		}
		if now >= l.sent+m.c.TTL*stopParts/renewPart {
			l.due = now // the answer took so long that it is worth nothing
			return
		}
		l.held, l.since, l.due = true, l.sent, l.sent+m.c.TTL/renewPart
		if m.phase == idle {
			m.startReading() // what the stream holds decides what is published
		}
	case in.Kind == Denied:
		m.progress = max(m.progress, now) // somebody is there, and at work
		if l.held {
			m.lose(now)
		}
		l.due = now + m.between(m.c.TTL/renewPart)
	default:
		l.due = now + m.between(m.c.TTL/(4*renewPart))
	}
}

// leave ends the machine once the lease is given back.
func (m *Machine) leave() {
	if m.phase < leaving {
		m.pause()
		m.phase = leaving
	}
}

func (l *lease) wake(m *Machine) time.Duration {
	wake := Never
	if l.asked == NoOp {
		wake = l.due
	}
	if l.held {
		wake = min(wake, l.since+m.c.TTL*stopParts/renewPart)
	}
	return wake
}
