package replay

import (
	"sort"

	"holdfast/replay/tick"
)

// leaseSample is how many overlapping gaps a lease is read off. Up to here all
// of them count; beyond, a sample of this size.
const leaseSample = 8192

// estimateLease finds the time L such that the most gaps lie within 5 % of it:
// the median of the densest gaps (of several equally dense ones, the shortest).
// It is known if those are at least 5 and at least half of all (D3), and at
// least a tenth of the attempts that ran longer than L: a lease hands out every
// claim that outlasts it, so gaps that a few of the usual durations leave by
// accident are none.
func estimateLease(gaps *sample, closed *sketch, configured tick.Nanos) Lease {
	all := gaps.sorted()
	if len(all) == 0 {
		return Lease{}
	}
	from, to := 0, 0
	for i, j := 0, 0; i < len(all); i++ {
		for j < len(all) && all[j]-all[i] <= all[i]/19*2 { // 1.05/0.95 = 1 + 2/19
			j++
		}
		if j-i > to-from {
			from, to = i, j
		}
	}
	l := all[from+(to-from-1)/2]
	low := sort.Search(len(all), func(i int) bool { return all[i] >= l || within5(all[i], l) })
	high := low + sort.Search(len(all)-low, func(i int) bool { return !within5(all[low+i], l) })
	close := int64(high - low)
	scale := func(n int64) int64 { return n * gaps.n / int64(len(all)) }
	e := Lease{L: l, Gaps: gaps.n, Near: scale(close), Longer: closed.above(l + l/20)}
	e.Known = e.Near >= 5 && close*2 >= int64(len(all)) && e.Near*10 >= e.Longer
	e.Configured = e.Known && configured > 0 && within5(l, configured)
	return e
}

// within5 reports that v lies within 5 % of l, bounds inclusive.
func within5(v, l tick.Nanos) bool { return max(v-l, l-v) <= l/20 }

// leaseOf is the lease that gaps are compared with: what the log shows, or else
// what the user configured; 0 if neither is known.
func (p *Population) leaseOf() tick.Nanos {
	if p.Lease.Known {
		return p.Lease.L
	}
	return p.Options.Lease
}

// nearLease reports a gap within 5 % of the lease.
func (p *Population) nearLease(gap tick.Nanos) bool {
	l := p.leaseOf()
	return l > 0 && gap > p.ClaimWindow && within5(gap, l)
}

// hedged reports that the lease is within 10 % of the 95th percentile of
// durations: as if a second attempt were made on purpose when the first is
// slow (D8).
func (p *Population) hedged() bool {
	l, d := p.leaseOf(), p.Durations.P95
	return l > 0 && d > 0 && max(l-d, d-l) <= d/10
}
