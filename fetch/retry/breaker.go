package retry

import "time"

// BreakerState is closed, open or half-open.
type BreakerState uint8

// States of a breaker.
const (
	BreakerClosed BreakerState = iota
	BreakerOpen
	BreakerHalfOpen
)

// Permission is a breaker's answer to a request to send.
type Permission uint8

// Permissions.
const (
	Allow  Permission = iota
	Probe             // send this one, and nothing else until its result is recorded
	Reject            // not before the time given
)

// A Breaker keeps requests from an origin that fails (R7.2). Its zero value is
// closed.
type Breaker struct{}

// Ask says whether one request may be sent now. After Probe the caller sends
// exactly one and records its result, or calls Release. With Reject, until is
// when to ask again; Forever while a probe is out.
func (b *Breaker) Ask(now time.Duration) (p Permission, until time.Duration) { return 0, 0 }

// Record takes the result of a request, and reports whether it opened or
// closed the breaker.
func (b *Breaker) Record(now time.Duration, h Health, u float64) (changed bool) { return false }

// Release gives a probe back that taught nothing: cancelled, blocked.
func (b *Breaker) Release(now time.Duration) {}

// State is closed, open or half-open.
func (b *Breaker) State() BreakerState { return 0 }

// OpenSince is since when the breaker has not been closed; 0, false if it is.
func (b *Breaker) OpenSince() (time.Duration, bool) { return 0, false }
