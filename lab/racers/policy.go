package racers

import (
	"slices"
	"time"

	"holdfast/replay/whatif"
)

// Safeguard is a measure that is on during a run. The zero value is none.
type Safeguard = whatif.Safeguard

// policy is a safeguard at work. Its functions, nil when nothing is asked, are
// consulted in the order of virtual time.
type policy struct {
	source func(*event) bool                        // may the record enter the queue?
	claim  func(now time.Duration, c claim) bool    // may the attempt begin?
	sink   func(now time.Duration, a *attempt) bool // may the row enter the output?
	owner  func(*event) int                         // the only worker that may have the event

	lease     time.Duration // after which the queue hands an event out again; 0 for never
	heartbeat bool          // who still runs renews its lease
	atomic    bool          // row, acknowledgement and offset are one transaction
	upsert    bool          // a further row of an event replaces the first
}

// mark is what the safeguards that go by event remember of one.
type mark struct {
	known bool
	when  time.Duration
	token int64
}

// fresh says whether a window of that length has forgotten the event: at an
// age of exactly the window it has (R71).
func (m *mark) fresh(now, window time.Duration) bool {
	return !m.known || now-m.when >= window
}

func (m *mark) set(now time.Duration) { m.known, m.when = true, now }

// newPolicy puts s to work.
func newPolicy(s Safeguard, p *Params) policy {
	l := policy{lease: p.Lease.Duration()}
	switch s.Slug {
	case "":
	case whatif.UniqueEventID:
		l.sink = func(_ time.Duration, a *attempt) bool { return a.event.rows == 0 }
	case whatif.UniqueKey:
		l.sink = uniqueValues(func(v *values) { v.price = 0 })
	case whatif.UniqueKeyPrice:
		l.sink = uniqueValues(func(*values) {})
	case whatif.WindowFixed:
		l.sink = window(s.Window, false)
	case whatif.WindowSliding:
		l.sink = window(s.Window, true)
	case whatif.LRU:
		l.sink = newLRU(s.Keys).admit
	case whatif.MarkBeforeDeliver:
		l.claim = markClaims(s.Window)
	case whatif.Lease:
		l.lease = s.Window
		l.claim = func(now time.Duration, c claim) bool { return !c.contested(now, 1, s.Window) }
	case whatif.HeartbeatLease:
		l.heartbeat = true
		l.claim = func(now time.Duration, c claim) bool { return !c.contested(now, 1, forever) }
	case whatif.InFlightSet:
		l.claim = func(now time.Duration, c claim) bool { return !c.contested(now, 0, forever) }
	case whatif.FencingToken:
		l.sink = fence
	case whatif.UpsertEventID:
		l.upsert = true
	case whatif.PartitionSymbol:
		l.owner = func(e *event) int { return owner(p, "by-symbol", uint64(e.symbol)) }
	case whatif.PartitionEvent:
		l.owner = func(e *event) int { return owner(p, "by-event", e.key) }
	case whatif.TransactionalSink:
		l.atomic = true
	case whatif.ToleranceDedupe:
		l.sink = newNearby(s.Window, s.Price).admit
	case whatif.SourceDedupe:
		l.source = newEcho(p.Timing.SecondID.Max.Duration()).admit
	default:
		panic("racers: unknown safeguard " + s.Slug)
	}
	return l
}

const forever = time.Duration(1<<63 - 1)

func owner(p *Params, stream string, key uint64) int {
	return int(Below(Draw(p.Seed, stream, key), uint64(len(p.Workers))))
}

// contested says that another attempt at the event runs, and has done so for
// at least atLeast and less than lessThan. With atLeast above 0 it misses a
// claim of the same instant, as whoever looks first and claims then does.
func (c claim) contested(now, atLeast, lessThan time.Duration) bool {
	return slices.ContainsFunc(c.event.running, func(a *attempt) bool {
		age := now - a.start
		return age >= atLeast && age < lessThan
	})
}

// markClaims lets an event be claimed once in a window, whatever becomes of it.
func markClaims(window time.Duration) func(time.Duration, claim) bool {
	return func(now time.Duration, c claim) bool {
		m := &c.event.mark
		if !m.fresh(now, window) {
			return false
		}
		m.set(now)
		return true
	}
}

// window refuses events that it accepted (fixed) or saw (sliding) lately.
func window(length time.Duration, sliding bool) func(time.Duration, *attempt) bool {
	return func(now time.Duration, a *attempt) bool {
		m := &a.event.mark
		fresh := m.fresh(now, length)
		if fresh || sliding {
			m.set(now)
		}
		return fresh
	}
}

// fence refuses a claim older than the newest that it saw.
func fence(_ time.Duration, a *attempt) bool {
	m := &a.event.mark
	if m.known && a.token < m.token {
		return false
	}
	m.known, m.token = true, a.token
	return true
}
