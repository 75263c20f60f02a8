package retry

import "time"

// JitterMode is how chance enters a wait with nominal value b.
type JitterMode uint8

// Jitter modes. Full, equal and decorrelated are those of Marc Brooker,
// "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
const (
	JitterNone         JitterMode = iota // b
	JitterAdditive                       // b + U(0, b/10), then capped: the requirement's
	JitterFull                           // U(0, b)
	JitterEqual                          // b/2 + U(0, b/2)
	JitterDecorrelated                   // min(cap, U(initial, 3·previous))
)

// CalculateBackoff is the requirement's calculate_backoff with its constants:
// attempt counts from 0, u in [0,1) is the draw.
func CalculateBackoff(attempt int, u float64) time.Duration {
	p := Spec()
	_, wait := p.Backoff(attempt, u, 0)
	return wait
}

// Backoff gives the wait with exponent a: nominal, and with jitter drawn by u
// in [0,1). previous is the wait before (0 if there was none), which only
// decorrelated jitter uses. The wait is never negative nor above MaxBackoff.
func (p *Policy) Backoff(a int, u float64, previous time.Duration) (nominal, wait time.Duration) {
	nominal = p.nominal(a)
	b := float64(nominal)
	switch p.Jitter {
	case JitterAdditive:
		b += float64(u * (b / 10)) // the conversions forbid fused multiply-add, which not every machine has
	case JitterFull:
		b *= u
	case JitterEqual:
		b = b/2 + float64(u*(b/2))
	case JitterDecorrelated:
		low := float64(min(p.InitialBackoff, p.MaxBackoff))
		high := max(3*float64(max(previous, p.InitialBackoff)), low)
		nominal = time.Duration(min(high, float64(p.MaxBackoff)))
		b = low + float64(u*(high-low))
	}
	return nominal, time.Duration(max(0, min(b, float64(p.MaxBackoff))))
}

// nominal is min(initial·multiplier^a, max). It multiplies step by step and
// stops at the maximum, so that no exponent overflows and, unlike with a power
// function, every machine rounds alike.
func (p *Policy) nominal(a int) time.Duration {
	b, most := float64(p.InitialBackoff), float64(p.MaxBackoff)
	for i := 0; i < a && b > 0 && b < most && p.Multiplier > 1; i++ {
		b *= p.Multiplier
	}
	return time.Duration(min(b, most))
}

// Uniform is the draw in [0,1) for retry k (from 1) of the URL with this
// fingerprint in the run with this seed: a pure function, so that waits depend
// neither on scheduling nor on what other URLs do.
func Uniform(seed, fingerprint uint64, k int) float64 {
	x := mix(mix(mix(seed)^fingerprint) ^ uint64(k))
	return float64(x>>11) / (1 << 53)
}

// mix is one step of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
