package retry

import "time"

// BreakerState is closed, open or half-open.
type BreakerState uint8

// States of a breaker.
const (
	BreakerClosed   BreakerState = iota // requests pass and are counted
	BreakerOpen                         // none pass, until a time
	BreakerHalfOpen                     // one is out to see
)

// String gives closed, open or half-open.
func (s BreakerState) String() string { return [...]string{"closed", "open", "half-open"}[s] }

// Permission is a breaker's answer to a request to send.
type Permission uint8

// Permissions.
const (
	Allow  Permission = iota
	Probe             // send this one, and nothing else until its result is recorded
	Reject            // not before the time given
)

// Health is what an attempt says about its origin.
type Health uint8

// What a breaker counts.
const (
	HealthUnknown Health = iota // nothing: not sent, cancelled, blocked, a limit of the URL's own
	Healthy                     // it answered, even if with a 4xx
	Unhealthy
)

// Numbers of the breaker (R7.2).
const (
	breakerBuckets  = 10
	bucketWidth     = time.Second
	breakerResults  = 20 // in the window, at least
	breakerFailures = 80 // per cent of them
	openFirst       = 5 * time.Second
	openLongest     = time.Minute
)

// A Breaker keeps requests from an origin that fails (R7.2): it opens when at
// least 80 % of at least 20 results in 10 s are failures, then lets exactly one
// request through after 5 s, and after twice as long each time that fails, up
// to a minute (each ± 10 %). Its zero value is closed.
type Breaker struct {
	state  BreakerState
	counts [breakerBuckets]struct{ all, failed uint32 }
	newest int64         // the second that the newest bucket counts
	since  time.Duration // not closed since
	until  time.Duration // open until
	next   time.Duration // length of the next opening
}

// Ask says whether one request may be sent now. After Probe the caller sends
// exactly one and records its result, or calls Release. With Reject, until is
// when to ask again; Forever while a probe is out.
func (b *Breaker) Ask(now time.Duration) (p Permission, until time.Duration) {
	switch {
	case b.state == BreakerClosed:
		return Allow, 0
	case b.state == BreakerHalfOpen:
		return Reject, Forever
	case now < b.until:
		return Reject, b.until
	}
	b.state = BreakerHalfOpen
	return Probe, 0
}

// Peek is Ask without sending: a Probe is not taken.
func (b *Breaker) Peek(now time.Duration) (p Permission, until time.Duration) {
	c := *b
	return c.Ask(now)
}

// Record takes the result of a request, and reports whether it opened or
// closed the breaker. probe says that it is the one that Ask let through to
// see; u in [0,1) spreads the openings. While the breaker is not closed only
// the probe counts: the others were sent before, and say nothing about now.
func (b *Breaker) Record(now time.Duration, h Health, probe bool, u float64) (changed bool) {
	switch {
	case probe && h == Healthy:
		*b = Breaker{}
		return true
	case probe && h == Unhealthy:
		b.open(now, u)
		return true
	case probe:
		b.Release(now)
		return false
	case b.state != BreakerClosed || h == HealthUnknown:
		return false
	}
	b.count(now, h)
	if h == Healthy || !b.failing() {
		return false
	}
	b.since, b.next = now, openFirst
	b.open(now, u)
	return true
}

// Release gives a probe back that taught nothing: cancelled, blocked. The next
// to ask is the probe.
func (b *Breaker) Release(now time.Duration) {
	if b.state == BreakerHalfOpen {
		b.state, b.until = BreakerOpen, now
	}
}

// State is closed, open or half-open.
func (b *Breaker) State() BreakerState { return b.state }

// OpenSince is since when the breaker has not been closed; 0, false if it is.
func (b *Breaker) OpenSince() (time.Duration, bool) { return b.since, b.state != BreakerClosed }

func (b *Breaker) open(now time.Duration, u float64) {
	spread := float64(u * 0.2)
	b.state, b.until = BreakerOpen, now+time.Duration(float64(b.next)*(0.9+spread))
	b.next = min(2*b.next, openLongest)
}

// count puts a result into the bucket of its second.
func (b *Breaker) count(now time.Duration, h Health) {
	second := int64(now / bucketWidth)
	if second-b.newest >= breakerBuckets {
		clear(b.counts[:])
		b.newest = second
	}
	for b.newest < second {
		b.newest++
		b.counts[b.newest%breakerBuckets] = struct{ all, failed uint32 }{}
	}
	bucket := &b.counts[second%breakerBuckets]
	bucket.all++
	if h == Unhealthy {
		bucket.failed++
	}
}

func (b *Breaker) failing() bool {
	var all, failed uint64
	for _, c := range b.counts {
		all += uint64(c.all)
		failed += uint64(c.failed)
	}
	return all >= breakerResults && 100*failed >= breakerFailures*all
}
