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
// workers with their median. lags has the sorted sample of each worker. The
// error is that of the whole comparison: every resample draws all workers
// anew, so it knows that the median is not certain either.
func (p *Population) estimateSkews(lags [][]tick.Nanos) {
	var judged []int // workers with enough attempts
	for i, l := range lags {
		if len(l) >= fewAttempts {
			judged = append(judged, i)
		}
	}
	if len(judged) < 2 {
		return // one clock has nothing to differ from
	}
	quantiles := make([]tick.Nanos, len(judged))
	for k, i := range judged {
		quantiles[k] = lags[i][rankOfLowest(lags[i])-1]
	}
	skews := fromMedian(quantiles)
	squares := make([]float64, len(judged))
	for b := range resamples {
		for k, i := range judged {
			quantiles[k] = resample(lags[i], mix(uint64(i)<<32|uint64(b)))
		}
		for k, s := range fromMedian(quantiles) {
			d := float64(s - skews[k])
			squares[k] += float64(d * d)
		}
	}
	for k, i := range judged {
		w := &p.Workers[i]
		w.Skew, w.SkewError = skews[k], max(tick.Nanos(math.Sqrt(squares[k]/resamples)), spacing(lags[i]))
		w.HasSkew = abs(w.Skew) > max(millisecond, 3*w.SkewError)
		p.Skewed = p.Skewed || w.HasSkew
	}
}

// fromMedian is by how much each value exceeds the lower median of all.
func fromMedian(values []tick.Nanos) []tick.Nanos {
	sorted := slices.Sorted(slices.Values(values))
	median := sorted[(len(sorted)-1)/2]
	out := make([]tick.Nanos, len(values))
	for i, v := range values {
		out[i] = v - median
	}
	return out
}

// rankOfLowest is the nearest rank of the 1 % quantile.
func rankOfLowest(sorted []tick.Nanos) int64 { return nearestRank(int64(len(sorted)), 1) }

// resample is the 1 % quantile of as many values, drawn with replacement by a
// hash of seed, so always the same: the value at the r-th smallest of the
// indices drawn, so only those are looked at.
func resample(sorted []tick.Nanos, seed uint64) tick.Nanos {
	n := uint64(len(sorted))
	var drawn [lagSample]uint16
	x := seed
	for range n {
		x = mix(x)
		drawn[(x>>32)*n>>32]++
	}
	i, left := 0, rankOfLowest(sorted)
	for ; left > int64(drawn[i]); i++ {
		left -= int64(drawn[i])
	}
	return sorted[i]
}

// spacing is the mean distance of the values that follow the 1 % quantile. It
// keeps the error up where two neighbours are close by accident, which a
// bootstrap of an extreme value takes for precision.
func spacing(sorted []tick.Nanos) tick.Nanos {
	const neighbours = 5
	r := rankOfLowest(sorted)
	return (sorted[r-1+neighbours] - sorted[r-1]) / neighbours
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
