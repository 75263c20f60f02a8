package replay

import (
	"fmt"
	"math"
	"slices"

	"holdfast/replay/tick"
)

// A clock is judged by the fastest hundredth of its attempts: how long after
// their events they start is mostly queueing, but the least of it is the
// difference of the clocks (R25).
const (
	fewAttempts = 20 // to judge a clock
	resamples   = 64 // of the bootstrap
)

// estimateSkews compares the 1 % quantiles of (start - event time) of all
// workers with their median. lags has the sorted sample of each worker.
func (p *Population) estimateSkews(lags [][]tick.Nanos) {
	var quantiles []tick.Nanos
	for _, l := range lags {
		if len(l) >= fewAttempts {
			quantiles = append(quantiles, lowest(l))
		}
	}
	if len(quantiles) < 2 {
		return // one clock has nothing to differ from
	}
	slices.Sort(quantiles)
	median := quantiles[(len(quantiles)-1)/2]
	for i, l := range lags {
		if len(l) < fewAttempts {
			continue
		}
		w := &p.Workers[i]
		w.Skew, w.SkewError = lowest(l)-median, bootstrapError(l, uint64(i))
		w.HasSkew = max(w.Skew, -w.Skew) > max(millisecond, 3*w.SkewError)
		p.Skewed = p.Skewed || w.HasSkew
	}
}

// lowest is the nearest-rank 1 % quantile of sorted values.
func lowest(sorted []tick.Nanos) tick.Nanos { return sorted[nearestRank(int64(len(sorted)), 1)-1] }

// bootstrapError is the standard error of the 1 % quantile over resamples with
// replacement, drawn by a hash of seed, so always the same. The quantile of a
// resample is the value at the r-th smallest of the indices drawn, so only
// those are looked at.
func bootstrapError(sorted []tick.Nanos, seed uint64) tick.Nanos {
	n := uint64(len(sorted))
	r := nearestRank(int64(n), 1)
	base := lowest(sorted)
	var sum, squares float64 // of the difference from base, so that they are small
	drawn := make([]int32, n)
	x := mix(seed)
	for range resamples {
		clear(drawn)
		for range n {
			x = mix(x)
			drawn[(x>>32)*n>>32]++
		}
		i, left := 0, r
		for ; left > int64(drawn[i]); i++ {
			left -= int64(drawn[i])
		}
		d := float64(sorted[i] - base)
		sum += d
		squares += float64(d * d)
	}
	mean := sum / resamples
	return tick.Nanos(math.Sqrt(max(squares/resamples-float64(mean*mean), 0)))
}

// offsets counts by how many quarters of an hour attempts are off from their
// events, to tell a worker log in another time zone (R25).
type offsets struct {
	n      int64
	counts [2*farthest + 1]int64
}

const (
	quarter  = 15 * 60 * 1000 * millisecond
	farthest = 14 * 4 // zones reach from -12 h to +14 h
)

func (o *offsets) add(lag tick.Nanos) {
	o.n++
	q := lag / quarter
	switch rest := lag % quarter; {
	case rest >= quarter/2:
		q++
	case rest < -quarter/2:
		q--
	}
	if q >= -farthest && q <= farthest {
		o.counts[q+farthest]++
	}
}

// hint names the zone that would bring 99 % of the attempts to their events.
func (o *offsets) hint() (string, bool) {
	for i, n := range o.counts {
		q := i - farthest
		if q == 0 || o.n < fewAttempts || n < nearestRank(o.n, 99) {
			continue
		}
		sign, way := '+', "after"
		if q < 0 {
			sign, way, q = '-', "before", -q
		}
		return fmt.Sprintf("%d of %d attempts start %02d:%02d h %s their events: if the worker log has local times, use --assume-tz %c%02d:%02d",
			n, o.n, q/4, q%4*15, way, sign, q/4, q%4*15), true
	}
	return "", false
}
