package seq

import "time"

// A bucket lets a number of requests through at once and others at a rate.
// What it holds is the time that requests have been saved up for.
type bucket struct {
	interval time.Duration // a request; 0 lets all through
	level    time.Duration // at most burst intervals
	at       time.Duration
}

func newBucket(rate int) bucket {
	if rate < 0 {
		return bucket{}
	}
	i := max(time.Second/time.Duration(rate), 1)
	return bucket{interval: i, level: burst * i}
}

func (b *bucket) refill(now time.Duration) {
	b.level = min(b.level+now-b.at, burst*b.interval)
	b.at = now
}

func (b *bucket) take(now time.Duration) bool {
	if b.interval == 0 {
		return true
	}
	b.refill(now)
	if b.level < b.interval {
		return false
	}
	b.level -= b.interval
	return true
}

// half reports whether half of the requests that may come at once are free.
func (b *bucket) half(now time.Duration) bool {
	if b.interval > 0 {
		b.refill(now)
	}
	return b.level >= burst/2*b.interval
}

// next is when take will give way.
func (b *bucket) next(now time.Duration) time.Duration {
	return max(now, b.at+b.interval-b.level)
}

func (b *bucket) thousandths() uint32 {
	if b.interval == 0 {
		return burst * 1000
	}
	return uint32(b.level * 1000 / b.interval)
}

func (b *bucket) set(thousandths uint32) {
	b.level = min(time.Duration(thousandths)*b.interval/1000, burst*b.interval)
}
