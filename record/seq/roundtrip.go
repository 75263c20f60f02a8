package seq

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Bounds and first value of the retransmission timer (G5).
const (
	minRTO, maxRTO = 2 * time.Millisecond, 2 * time.Second
	firstRTO       = 100 * time.Millisecond
	maxBackoff     = 5 // 2^5 times the first is above the longest
)

// rto is how long to wait for an answer, without jitter, on a try.
func (k *core) rto(try uint8) time.Duration {
	d := firstRTO
	if k.policy.SRTT > 0 {
		d = k.policy.SRTT + max(time.Millisecond, 4*k.policy.RTTVar)
	}
	d = min(max(d, minRTO), maxRTO)
	return min(d<<min(k.policy.Backoff+max(try, 1)-1, 16), maxRTO)
}

// sample takes a measured round trip (RFC 6298, 2.2 and 2.3).
func (k *core) sample(rtt time.Duration) {
	p := &k.policy
	p.Backoff = 0
	if p.SRTT == 0 {
		p.SRTT, p.RTTVar = max(rtt, 1), rtt/2
		return
	}
	p.RTTVar += ((p.SRTT - rtt).Abs() - p.RTTVar) / 4
	p.SRTT = max(p.SRTT+(rtt-p.SRTT)/8, 1)
}

// outlast sees that the timer lasts for a time within which an answer to one of
// several tries came. Which one is not known, so it is no sample (Karn); but a
// timer that stays below the way there and back would never give one.
func (k *core) outlast(d time.Duration) {
	for k.policy.Backoff < maxBackoff && k.rto(1) < min(d, maxRTO) {
		k.policy.Backoff++
	}
}

// An inquiry is a request that was sent, or is to be: for what is missing from
// first up to end.
type inquiry struct {
	first, end uint64
	cause      Cause
	try        uint8
	fresh      bool          // nothing of it was asked for before: its answer measures the way (Karn)
	sent       time.Duration //
	began      time.Duration // when it was first sent
	deadline   time.Duration //
	answered   bool          // in part
	hurt       bool          // by a damaged packet
}

// A roundTripAsker asks a source that is a way away. All it holds is of this
// process: the next one begins with a sweep of what is missing (G9).
type roundTripAsker struct {
	bucket   bucket
	rng      *rand.Rand
	out      []inquiry     // sent; at most maxOutstanding with those of todo
	earliest time.Duration // no deadline in out is before it
	todo     []inquiry     // due, and waiting for the bucket
	sweep    inquiry       // what was missing at the start and is not asked for yet
	hurt     []uint64      // damaged copies came of these, and they are not asked for yet
	backed   time.Duration // of the last backoff
	answers  time.Duration // of the last answer
	partial  bool          // something in out is answered in part
	same     bool          // this input may be one of several answers that came together
	again    time.Duration // of the next requests for what was given up; 0 is none
	from     uint64        // where they go on
}

func (t *roundTripAsker) init(c Config) {
	t.bucket = newBucket(c.RequestRate)
	t.rng = rand.New(rand.NewPCG(c.PolicySeed, 0))
	t.earliest = Never
	if c.State != nil {
		t.bucket.set(c.State.Policy.Tokens)
	}
}

// begin plans to ask for all that is missing (G9).
func (t *roundTripAsker) begin(m *Machine) {
	t.bucket.at = m.now
	t.sweep = inquiry{first: m.first, end: m.top, cause: Sweep}
	m.counts[RipeBelow] = m.top
	if !m.mayAsk(Loss) { // a new process is no reason to give up order: D and T decide (G10)
		m.counts[RipeBelow] = m.first
	}
	m.gaps.mark(m.first, m.top, func(r *run) { r.seen = m.now })
}

// askSweep asks for what was missing at the start, in as few requests as it
// takes. It has time: what is lost now comes first.
func (t *roundTripAsker) askSweep(m *Machine) {
	q := t.sweep
	for q.first < q.end && t.room() {
		r := m.gaps.from(q.first)
		if r == nil || r.first >= q.end {
			q.first = q.end
			break
		}
		part := q
		if !m.mayAsk(Loss) { // then only some runs
			part.end = min(r.end, q.end)
			if !m.mayAsk(r.cause) {
				q.first = part.end
				continue
			}
		}
		q.first = t.send(m, part)
		if q.first < part.end {
			break
		}
	}
	t.sweep.first = q.first
}

// damaged notes that a damaged copy of something missing came.
func (t *roundTripAsker) damaged(m *Machine, seq uint64) {
	if r := m.gaps.covering(seq); r.tries == 0 && m.mayAsk(Corrupt) && !slices.Contains(t.hurt, seq) {
		t.hurt = append(t.hurt, seq)
	}
}

// receive is called before an answer is looked at. Those that come together
// are one answer: what it leaves out is asked for when all of it is known.
func (t *roundTripAsker) receive(m *Machine) {
	if t.partial && m.now > t.answers {
		t.settle(m)
	}
	t.same = true
}

// answered takes note of an answer after it was looked at.
func (t *roundTripAsker) answered(m *Machine, d *Delivery) {
	seq := d.Sequence
	i := slices.IndexFunc(t.out, func(q inquiry) bool { return q.first <= seq && seq < q.end })
	if i < 0 || !d.Valid && m.known(seq) {
		return
	}
	q := &t.out[i]
	switch {
	case !d.Valid || q.answered || q.hurt:
	case q.fresh:
		m.sample(m.now - q.sent)
	case q.try > 1:
		m.outlast(m.now - q.began)
	}
	if r := m.gaps.from(q.first); r == nil || r.first >= q.end {
		t.out[i] = t.out[len(t.out)-1]
		t.out = t.out[:len(t.out)-1]
		return
	}
	q.answered, q.hurt = true, q.hurt || !d.Valid
	t.partial, t.answers = true, m.now
}

// settle asks for the rest of what was answered in part: that is progress, and
// no try. A damaged answer is one (G5).
func (t *roundTripAsker) settle(m *Machine) {
	t.partial = false
	t.remove(func(q *inquiry) bool {
		if !q.answered {
			return false
		}
		rest := inquiry{first: q.first, end: q.end, cause: q.cause, try: q.try}
		if q.hurt {
			t.retry(m, *q)
		} else if m.missing(q.first, q.end) {
			t.todo = append(t.todo, rest)
		}
		return true
	})
}

// retry asks for what is left of an inquiry once more, or gives it up (G6).
func (t *roundTripAsker) retry(m *Machine, q inquiry) {
	switch {
	case !m.missing(q.first, q.end):
	case int(q.try) < m.c.Tries:
		t.todo = append(t.todo, inquiry{first: q.first, end: q.end, cause: q.cause, try: q.try + 1, began: q.began})
	default:
		m.giveUp(q.first, q.end)
	}
}

func (m *Machine) missing(first, end uint64) bool {
	r := m.gaps.from(first)
	return r != nil && r.first < end
}

// giveUp gives up the order of what is missing between first and end.
func (m *Machine) giveUp(first, end uint64) {
	for first < end {
		r := m.gaps.from(first)
		if r == nil || r.first >= end {
			return
		}
		from, to := max(r.first, first), min(r.end, end)
		if !r.released {
			m.release(from, to)
		}
		first = to
	}
}

// remove takes what take wants out of the sent inquiries.
func (t *roundTripAsker) remove(take func(*inquiry) bool) {
	kept := t.out[:0]
	t.earliest = Never
	for i := range t.out {
		if q := t.out[i]; !take(&q) {
			t.earliest = min(t.earliest, q.deadline)
			kept = append(kept, q)
		}
	}
	t.out = kept
}

// ask makes the requests that are due (G4).
func (t *roundTripAsker) ask(m *Machine) {
	if t.partial && !t.same {
		t.settle(m)
	}
	t.same = false
	if m.now >= t.earliest {
		t.expire(m)
	}
	if m.gaps.runs == 0 {
		t.todo, t.hurt, t.sweep, t.again = t.todo[:0], t.hurt[:0], inquiry{}, 0
		return
	}
	done := 0
	for ; done < len(t.todo); done++ {
		q := &t.todo[done]
		if q.first = t.send(m, *q); q.first < q.end {
			break
		}
	}
	t.todo = slices.Delete(t.todo, 0, done)
	t.askDamaged(m)
	t.askRipe(m)
	t.askSweep(m)
	t.askAgain(m)
}

// expire looks for answers that are overdue.
func (t *roundTripAsker) expire(m *Machine) {
	t.remove(func(q *inquiry) bool {
		if q.deadline > m.now {
			return false
		}
		if q.sent >= t.backed && m.missing(q.first, q.end) { // once a way and back, as a whole (RFC 6298, 5.5)
			t.backed = m.now
			m.policy.Backoff = min(m.policy.Backoff+1, maxBackoff)
		}
		t.retry(m, *q)
		return true
	})
}

// send requests what is missing of an inquiry, as far as the limits let it,
// and gives where it got to.
func (t *roundTripAsker) send(m *Machine, q inquiry) uint64 {
	for at := q.first; at < q.end; {
		r := m.gaps.from(at)
		if r == nil || r.first >= q.end {
			return q.end
		}
		at = max(at, r.first)
		end := min(r.end, q.end)
		for end < q.end && end-at < maxRange {
			next := m.gaps.covering(end)
			if next == nil {
				break
			}
			end = min(next.end, q.end)
		}
		end = min(end, at+maxRange)
		if len(t.out) >= maxOutstanding || !t.bucket.take(m.now) {
			return at
		}
		one := q
		one.first, one.end, one.sent = at, end, m.now
		if one.began == 0 {
			one.began = m.now
		}
		if q.try == 0 { // a sweep goes on where the last process was
			one.try = max(r.tries, 1)
		}
		one.deadline = m.now + t.jitter(m.rto(one.try))
		t.earliest = min(t.earliest, one.deadline)
		t.out = append(t.out, one)
		m.ask(Range{First: at, Count: uint32(end - at), Cause: q.cause, Try: one.try})
		at = end
	}
	return q.end
}

func (t *roundTripAsker) jitter(d time.Duration) time.Duration {
	tenth := int64(d / 10)
	return min(d+time.Duration(t.rng.Int64N(2*tenth+1)-tenth), maxRTO)
}

// room reports whether new inquiries may be made.
func (t *roundTripAsker) room() bool { return len(t.todo) == 0 && len(t.out) < maxOutstanding }

// askDamaged asks for what came damaged, once enough packets or time passed
// for another copy to have come (G3).
func (t *roundTripAsker) askDamaged(m *Machine) {
	if len(t.hurt) == 0 {
		return
	}
	grace := m.corruptLimb()
	kept := t.hurt[:0]
	for _, seq := range t.hurt {
		r := m.gaps.covering(seq)
		if r == nil || r.tries > 0 {
			continue
		}
		ripe := m.passedBy(seq+1) >= grace || m.now >= m.overdue(r)
		if !ripe || !t.room() || t.send(m, inquiry{first: seq, end: seq + 1, cause: Corrupt, try: 1, fresh: true}) == seq {
			kept = append(kept, seq)
		}
	}
	t.hurt = kept
}

// ripe reports whether a run is taken for lost (G2).
func (m *Machine) ripe(r *run) bool {
	return m.passedBy(r.end) >= m.countLimb() || m.now >= m.overdue(r)
}

// overdue is when a run is taken for lost by time. A known window speaks in
// packets: while they come, they decide, and time only when they cease.
func (m *Machine) overdue(r *run) time.Duration {
	if m.c.Window > 0 {
		return max(r.seen, m.arrival) + max(m.timeLimb(), firstT) + m.skew()
	}
	return r.seen + m.timeLimb() + m.skew()
}

// askRipe asks for what is lost, the oldest first, runs that touch together;
// what is not to be asked for is given up.
func (t *roundTripAsker) askRipe(m *Machine) {
	for {
		r := m.gaps.from(m.counts[RipeBelow])
		if r == nil || !m.ripe(r) {
			return
		}
		first, end := max(r.first, m.counts[RipeBelow]), r.end
		switch {
		case !m.mayAsk(r.cause):
			if !m.warned && !m.c.Source.Requests {
				m.warned = true
				m.alarm(AlarmNoRequests, first)
			}
			m.giveUp(first, end)
		case r.tries == 0 && r.cause == Loss:
			for next := m.gaps.covering(end); next != nil && next.tries == 0 && next.cause == Loss && m.ripe(next); next = m.gaps.covering(end) {
				end = next.end
			}
			if !t.room() {
				return
			}
			if end = t.send(m, inquiry{first: first, end: end, cause: Loss, try: 1, fresh: true}); end == first {
				return
			}
		}
		m.counts[RipeBelow] = end
	}
}

// askAgain asks now and then for what was given up after all its tries, if
// that leaves enough of the bucket for the others (G6).
func (t *roundTripAsker) askAgain(m *Machine) {
	if t.again == 0 {
		t.again = m.now + backgroundRTOs*m.rto(1)
	}
	if m.now < t.again || !t.room() || !m.mayAsk(Corrupt) {
		return
	}
	p := m.gaps.find(t.from)
	for r := m.gaps.at(p); r != nil; r = m.gaps.at(p) {
		if !r.released || int(r.tries) < m.c.Tries || !m.mayAsk(r.cause) {
			p = m.gaps.after(p)
			continue
		}
		if !t.bucket.half(m.now) || !t.room() {
			t.from = r.first
			return
		}
		t.from = t.send(m, inquiry{first: r.first, end: r.end, cause: Background, try: uint8(m.c.Tries)})
		p = m.gaps.find(t.from)
	}
	t.from, t.again = 0, m.now+backgroundRTOs*m.rto(1)
}

// idle reports whether nothing is asked for, nor will be.
func (t *roundTripAsker) idle(m *Machine) bool {
	return len(t.out) == 0 && len(t.todo) == 0 && len(t.hurt) == 0 && t.sweep.first >= t.sweep.end && m.gaps.from(m.counts[RipeBelow]) == nil
}

// wake is when the asker has something to do that no input brings.
func (t *roundTripAsker) wake(m *Machine) time.Duration {
	if t.partial {
		return m.now
	}
	w := t.earliest
	if m.gaps.runs == 0 {
		return w
	}
	if len(t.todo) > 0 || t.sweep.first < t.sweep.end {
		w = min(w, t.free(m))
	}
	if r := m.gaps.from(m.counts[RipeBelow]); r != nil {
		w = min(w, t.turn(m, m.overdue(r)))
	}
	if len(t.hurt) > 0 {
		if r := m.gaps.covering(t.hurt[0]); r != nil {
			w = min(w, t.turn(m, m.overdue(r)))
		}
	}
	switch {
	case !m.mayAsk(Corrupt):
		return w
	case t.again > m.now:
		return min(w, t.again)
	}
	return min(w, m.now+burst/2*t.bucket.interval+time.Millisecond)
}

// turn is when something that is ripe at a time can be asked for.
func (t *roundTripAsker) turn(m *Machine, ripe time.Duration) time.Duration {
	if ripe > m.now {
		return ripe
	}
	return t.free(m)
}

// free is when a limit that holds a request back gives way.
func (t *roundTripAsker) free(m *Machine) time.Duration {
	if len(t.out) >= maxOutstanding {
		return t.earliest
	}
	return max(t.bucket.next(m.now), m.now+1)
}
