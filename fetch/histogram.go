package fetch

import (
	"math/bits"
	"time"
)

// A histogram counts durations in buckets of at most 1/64 of their value, from
// a microsecond to two days: an eighth of the memory of the general ones, and
// adding is two shifts.
type histogram struct {
	counts  []uint32 // grows to the longest duration seen
	total   int64
	sum     time.Duration
	longest time.Duration
}

const histogramBits = 6

func bucketOf(d time.Duration) int {
	v := uint64(max(d.Microseconds(), 0))
	if v < 1<<histogramBits {
		return int(v)
	}
	shift := min(bits.Len64(v), 37) - histogramBits - 1
	return shift<<histogramBits + int(min(v>>shift, 1<<(histogramBits+1)-1))
}

// highest is the longest duration that falls into a bucket.
func highest(bucket int) time.Duration {
	if bucket < 1<<(histogramBits+1) {
		return time.Duration(bucket) * time.Microsecond
	}
	shift := bucket>>histogramBits - 1
	v := uint64(bucket) - uint64(shift)<<histogramBits
	return time.Duration((v+1)<<shift-1) * time.Microsecond
}

func (h *histogram) add(d time.Duration) {
	b := bucketOf(d)
	if b >= len(h.counts) {
		h.counts = append(h.counts, make([]uint32, b+1-len(h.counts))...)
	}
	h.counts[b]++
	h.total++
	h.sum += d
	h.longest = max(h.longest, d)
}

// quantile is the duration that a part q of all do not exceed, 0 without any.
func (h *histogram) quantile(q float64) time.Duration {
	rank := max(int64(q*float64(h.total)+0.999999), 1)
	var seen int64
	for b, n := range h.counts {
		if seen += int64(n); seen >= rank && n > 0 {
			return min(highest(b), h.longest)
		}
	}
	return h.longest
}

// atMost is how many durations do not exceed d, as closely as buckets tell.
func (h *histogram) atMost(d time.Duration) (n int64) {
	for _, c := range h.counts[:min(bucketOf(d)+1, len(h.counts))] {
		n += int64(c)
	}
	return n
}
