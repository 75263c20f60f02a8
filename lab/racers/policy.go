package racers

import (
	"slices"
	"time"
)

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

// policy puts s to work.
func (s Safeguard) policy(p *Params) policy {
	l := policy{lease: p.Lease.Duration()}
	switch s.Slug {
	case "":
	case "unique-event-id":
		l.sink = func(_ time.Duration, a *attempt) bool { return a.event.rows == 0 }
	case "unique-symbol-timestamp":
		l.sink = uniqueValues(func(v *values) { v.price = 0 })
	case "unique-symbol-timestamp-price":
		l.sink = uniqueValues(func(*values) {})
	case "window-fixed":
		l.sink = s.window(false)
	case "window-sliding":
		l.sink = s.window(true)
	case "lru":
		l.sink = newLRU(s.Keys).admit
	case "mark-before-deliver":
		l.claim = s.markClaims
	case "lease":
		l.lease = s.Window
		l.claim = func(now time.Duration, c claim) bool { return !c.contested(now, 1, s.Window) }
	case "heartbeat-lease":
		l.heartbeat = true
		l.claim = func(now time.Duration, c claim) bool { return !c.contested(now, 1, forever) }
	case "in-flight-set":
		l.claim = func(now time.Duration, c claim) bool { return !c.contested(now, 0, forever) }
	case "fencing-token":
		l.sink = fence
	case "upsert-event-id":
		l.upsert = true
	case "partition-symbol":
		l.owner = func(e *event) int { return owner(p, "by-symbol", uint64(e.symbol)) }
	case "partition-event":
		l.owner = func(e *event) int { return owner(p, "by-event", e.key) }
	case "transactional-sink":
		l.atomic = true
	case "tolerance-dedupe":
		l.sink = newNearby(s.Window, s.Price).admit
	case "source-dedupe":
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
func (s Safeguard) markClaims(now time.Duration, c claim) bool {
	m := &c.event.mark
	if !m.fresh(now, s.Window) {
		return false
	}
	m.set(now)
	return true
}

// window refuses events that it accepted (fixed) or saw (sliding) lately.
func (s Safeguard) window(sliding bool) func(time.Duration, *attempt) bool {
	return func(now time.Duration, a *attempt) bool {
		m := &a.event.mark
		fresh := m.fresh(now, s.Window)
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
