package replay

import (
	"slices"

	"holdfast/replay/tick"
)

// relation is how two attempts of an event lie to each other (R22).
type relation struct {
	certain  bool // they overlap by more than the clocks may be wrong
	possible bool // the earlier one has no end and may still have run
	suspect  bool // they overlap only with, or only without, the correction of clocks

	// What follows is under the corrected clocks, which are the raw ones where
	// no skew was found.
	swapped  bool       // the later one in the log started first
	overlap  bool       // for the cause: they overlap
	gap      tick.Nanos // between the starts; never negative
	shared   tick.Nanos // length of the overlap, if both have an end
	hasEnd   bool
	sinceEnd tick.Nanos // start of the later one minus end of the earlier one, if that has one
}

// relate compares a with b, which is not before it in the order of R20.
func (p *Population) relate(a, b *Attempt) relation {
	sa, sb := p.skew(a.Worker), p.skew(b.Worker)
	eps := sa - sb
	if eps < 0 {
		eps = -eps
	}
	r := relation{certain: p.overlaps(a, b, eps), possible: a.Open && b.spans()}
	r.possible = r.possible && !r.certain
	x, y := *a, *b
	if eps != 0 {
		x.shift(-sa)
		y.shift(-sb)
		if y.Start < x.Start {
			x, y, r.swapped = y, x, true
		}
	}
	r.overlap = p.overlaps(&x, &y, 0)
	r.suspect = eps != 0 && r.overlap != p.overlaps(a, b, 0)
	r.gap = y.Start - x.Start
	if !x.Open {
		r.sinceEnd = y.Start - x.End
	}
	if r.hasEnd = r.overlap && !x.Open && !y.Open; r.hasEnd {
		r.shared = min(x.End, y.End) - y.Start
	}
	return r
}

func (a *Attempt) shift(d tick.Nanos) { a.Start, a.End = a.Start+d, a.End+d }

// overlaps reports whether a and b, in order, overlap by more than eps: each
// starts before the other ends. Half-open, unless Options.Closed. An attempt
// without end certainly still runs only for the claim window after its start.
func (p *Population) overlaps(a, b *Attempt, eps tick.Nanos) bool {
	if !a.spans() || !b.spans() {
		return false
	}
	if a.Open && b.Start-a.Start > p.ClaimWindow {
		return false
	}
	return (a.Open || p.before(b.Start, a.End-eps)) && (b.Open || p.before(a.Start, b.End-eps))
}

func (p *Population) before(start, end tick.Nanos) bool {
	return start < end || p.Closed && start == end
}

// skew is how far a worker's clock is ahead, as far as it was found out.
func (p *Population) skew(worker string) tick.Nanos {
	if !p.Skewed {
		return 0
	}
	if w := p.Worker(worker); w != nil && w.HasSkew {
		return w.Skew
	}
	return 0
}

// Bounds of what is kept of one event's overlaps: an event with more attempts
// is possible only in a log that is broken or hostile.
const (
	pairwise   = 512 // attempts up to which every pair is looked at
	listedMost = 64  // attempts or rows that a list names
)

// overlapGraph finds the groups of overlapping attempts of an event (R23) and
// writes them into the timeline entries. Up to 512 attempts each pair is
// compared. Beyond, a sweep counts the same pairs in n·log n, but takes clocks
// as they are and lists no partners.
func (f *Findings) overlapGraph(c *EventCase, p *Population) {
	f.MaxConcurrency = min(len(c.Attempts), 1)
	if len(c.Attempts) < 2 {
		return
	}
	if len(c.Attempts) <= pairwise {
		f.comparePairs(c, p)
	} else {
		f.sweep(c, p)
	}
}

func (f *Findings) comparePairs(c *EventCase, p *Population) {
	as := c.Attempts
	group := make([]int, len(as)) // union-find; the root of a group is its first attempt
	for j := range as {
		group[j] = j
		running := 1
		for i := range j {
			r := p.relate(&as[i], &as[j])
			if r.suspect {
				f.note(i, ClockSuspectFlag)
				f.note(j, ClockSuspectFlag)
			}
			if r.possible {
				f.note(j, PossibleOverlap)
			}
			if !r.certain {
				continue
			}
			running++
			f.OverlapPairs++
			f.Timeline[i].overlapsWith(j + 1)
			f.Timeline[j].overlapsWith(i + 1)
			f.Timeline[j].Kind = OverlappingRetry
			join(group, i, j)
		}
		f.MaxConcurrency = max(f.MaxConcurrency, running)
	}
	f.numberGroups(func(i int) int { return root(group, i) })
}

// numberGroups numbers the groups of two or more from 1, in order.
func (f *Findings) numberGroups(root func(int) int) {
	for i := range f.Timeline {
		e := &f.Timeline[i]
		switch r := root(i); {
		case len(e.OverlapsWith) == 0 && e.OverlapsMore == 0:
		case r == i:
			f.OverlapGroups++
			e.OverlapGroup = f.OverlapGroups
		default:
			e.OverlapGroup = f.Timeline[r].OverlapGroup
		}
	}
}

func (e *TimelineEntry) overlapsWith(number int) {
	if len(e.OverlapsWith) < listedMost {
		e.OverlapsWith = append(e.OverlapsWith, number)
	} else {
		e.OverlapsMore++
	}
}

func root(group []int, i int) int {
	for group[i] != i {
		group[i] = group[group[i]]
		i = group[i]
	}
	return i
}

func join(group []int, i, j int) {
	a, b := root(group, i), root(group, j)
	group[max(a, b)] = min(a, b)
}

// sweep walks the attempts by start with the ends of those that still run: the
// number of them is the number of overlaps that an attempt adds.
func (f *Findings) sweep(c *EventCase, p *Population) {
	ends := heap[tick.Nanos]{less: func(a, b tick.Nanos) bool { return a < b }}
	first := make([]int, len(c.Attempts)) // first attempt of the group
	current := -1
	for j := range c.Attempts {
		a := &c.Attempts[j]
		first[j] = j
		if !a.spans() {
			continue
		}
		for len(ends.items) > 0 && !p.before(a.Start, ends.items[0]) {
			ends.pop()
		}
		running := len(ends.items)
		f.OverlapPairs += running
		f.MaxConcurrency = max(f.MaxConcurrency, running+1)
		if running == 0 {
			current = j
		} else {
			f.Timeline[current].OverlapsMore++
			f.Timeline[j].OverlapsMore += running
			f.Timeline[j].Kind = OverlappingRetry
		}
		first[j] = current
		ends.push(p.runsUntil(a))
	}
	f.numberGroups(func(i int) int { return first[i] })
}

// runsUntil is until when an attempt certainly runs.
func (p *Population) runsUntil(a *Attempt) tick.Nanos {
	if !a.Open {
		return a.End
	}
	if p.Closed {
		return a.Start + p.ClaimWindow
	}
	return a.Start + p.ClaimWindow + 1 // within the window is inclusive (R22)
}

// note adds a remark to an entry of the timeline, once.
func (f *Findings) note(i int, slug string) {
	if e := &f.Timeline[i]; !slices.Contains(e.Notes, slug) {
		e.Notes = append(e.Notes, slug)
	}
}
