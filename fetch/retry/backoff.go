package retry

import "time"

// JitterMode is how chance enters a wait with nominal value b.
type JitterMode uint8

// Jitter modes.
const (
	JitterNone         JitterMode = iota // b
	JitterAdditive                       // b + U(0, b/10), then capped: the requirement's
	JitterFull                           // U(0, b)
	JitterEqual                          // b/2 + U(0, b/2)
	JitterDecorrelated                   // min(cap, U(initial, 3·previous))
)

// String gives the name that --jitter uses.
func (j JitterMode) String() string { return "" }

// ParseJitter is the inverse of [JitterMode.String].
func ParseJitter(name string) (JitterMode, bool) { return 0, false }

// CalculateBackoff is the requirement's calculate_backoff with its default
// constants: attempt counts from 0, u in [0,1) is the draw.
func CalculateBackoff(attempt int, u float64) time.Duration { return 0 }

// Backoff gives the wait with exponent a: nominal, and with jitter drawn by u
// in [0,1). previous is the wait before, for decorrelated jitter.
func (p *Policy) Backoff(a int, u float64, previous time.Duration) (nominal, wait time.Duration) {
	return 0, 0
}

// Uniform is the draw in [0,1) for retry k (from 1) of the URL with this
// fingerprint in the run with this seed: a pure function, so that waits depend
// neither on scheduling nor on what other URLs do.
func Uniform(seed, fingerprint uint64, k int) float64 { return 0 }
