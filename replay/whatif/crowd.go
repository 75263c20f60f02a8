package whatif

import (
	"cmp"
	"math/bits"
	"slices"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// crowd counts commits over time, in bounded memory: by stretches that double
// in length whenever there are too many of them.
type crowd struct {
	shift  uint // a stretch is 1<<shift ns
	counts map[tick.Nanos]int64
	sums   []stretch // by start, with the commits before it
}

type stretch struct {
	start  tick.Nanos
	n, sum int64
}

const mostStretches = 1 << 16

func newCrowd() *crowd { return &crowd{counts: map[tick.Nanos]int64{}} }

func (c *crowd) add(at tick.Nanos) {
	c.counts[at>>c.shift]++
	for len(c.counts) > mostStretches {
		c.shift++
		next := make(map[tick.Nanos]int64, len(c.counts)/2)
		for k, n := range c.counts {
			next[k>>1] += n
		}
		c.counts = next
	}
}

// finish makes the crowd ready to be asked.
func (c *crowd) finish() {
	for k, n := range c.counts {
		c.sums = append(c.sums, stretch{start: k << c.shift, n: n})
	}
	slices.SortFunc(c.sums, func(a, b stretch) int { return cmp.Compare(a.start, b.start) })
	var sum int64
	for i := range c.sums {
		c.sums[i].sum = sum
		sum += c.sums[i].n
	}
	c.counts = nil
}

// before is the least and the greatest number of commits before at.
func (c *crowd) before(at tick.Nanos) (lo, hi int64) {
	i, _ := slices.BinarySearchFunc(c.sums, at, func(s stretch, at tick.Nanos) int { return cmp.Compare(s.start, at) })
	if i == 0 {
		return 0, 0
	}
	s := c.sums[i-1] // the last that starts before at
	if s.start+1<<c.shift <= at {
		return s.sum + s.n, s.sum + s.n
	}
	return s.sum, s.sum + s.n
}

// between is the least and the greatest number of other commits from one to another.
func (c *crowd) between(from, to tick.Nanos) (lo, hi int64) {
	loTo, hiTo := c.before(to)
	loFrom, hiFrom := c.before(from)
	return max(0, loTo-hiFrom-1), max(0, hiTo-loFrom-1)
}

// Scout collects, in a first pass over the cases, what [Study] needs to know of
// all of them.
type Scout struct {
	crowd  *crowd
	lives  survival
	widest tick.Nanos // between commits of one event
	rows   *timetable
}

// NewScout begins a first pass.
func NewScout() *Scout {
	return &Scout{crowd: newCrowd(), rows: newTimetable(), lives: survival{bins: map[int]*lives{}}}
}

// Add takes one event.
func (s *Scout) Add(c *replay.EventCase) {
	s.rows.add(c)
	first, last := far, -far
	for i := range c.Attempts {
		a := &c.Attempts[i]
		s.lives.add(a)
		if at, known := committed(a); known {
			s.crowd.add(at)
			first, last = min(first, at), max(last, at)
		} else {
			s.crowd.add(a.Start)
		}
	}
	if len(c.Rows) > 1 {
		s.widest = max(s.widest, last-first)
	}
}

// Facts are what the scout saw.
func (s *Scout) Facts() *Facts {
	s.crowd.finish()
	s.rows.finish()
	l, ok := s.lives.quantile(0.999)
	f := &Facts{crowd: s.crowd, rows: s.rows, LeaseKnown: ok}
	if ok {
		f.Lease = longer(l)
	}
	if s.widest > 0 {
		f.Window = longer(s.widest)
	}
	return f
}

// longer is the least span above d with two significant digits.
func longer(d tick.Nanos) tick.Nanos {
	digit := tick.Nanos(1)
	for d/digit >= 100 {
		digit *= 10
	}
	return (d/digit + 1) * digit
}

// Facts are those of the whole population that safeguards depend on.
type Facts struct {
	crowd *crowd
	rows  *timetable

	// Lease is the shortest of two significant digits that outlasts 99.9 % of
	// attempts, by the estimator of Kaplan and Meier (1958), which counts one
	// that was given up as having taken longer. LeaseKnown is false if too many
	// were. At its very end a lease has expired.
	Lease      tick.Nanos
	LeaseKnown bool

	// Window is the shortest of two significant digits that is longer than the
	// time between any two commits of one event that say when they were; 0 if
	// there are no two. It is the knee of the curve: a longer window holds more
	// keys and prevents no more of these.
	Window tick.Nanos
}

// survival estimates how long attempts take when some were cut short. Lengths
// are kept to within 1 %, so memory is bounded.
type survival struct{ bins map[int]*lives }

// lives are the attempts of about one length: the longest of them, how many
// ended there, and how many were only known to take longer.
type lives struct {
	longest      tick.Nanos
	ended, alive int64
}

func (s *survival) add(a *replay.Attempt) {
	if a.Open || a.BadInterval() {
		return // nothing is known but that it took some time
	}
	d := a.End - a.Start
	bin := lengthBin(d)
	l := s.bins[bin]
	if l == nil {
		l = &lives{}
		s.bins[bin] = l
	}
	l.longest = max(l.longest, d)
	if a.Status == replay.StatusSuccess {
		l.ended++
	} else {
		l.alive++
	}
}

// lengthBin numbers spans by size and their seven leading bits.
func lengthBin(d tick.Nanos) int {
	size := bits.Len64(uint64(d))
	return size<<7 | int(uint64(d)>>max(size-7, 0))
}

// quantile is the length that a share of attempts does not exceed; ok is false
// if the estimated curve never gets there.
func (s *survival) quantile(share float64) (tick.Nanos, bool) {
	var bins []int
	var risk int64
	for b, l := range s.bins {
		bins = append(bins, b)
		risk += l.ended + l.alive
	}
	slices.Sort(bins)
	left := 1.0
	for _, b := range bins {
		l := s.bins[b]
		if l.ended > 0 {
			left = float64(left * float64(float64(risk-l.ended)/float64(risk)))
		}
		if left <= 1-share {
			return l.longest, true
		}
		risk -= l.ended + l.alive
	}
	return 0, false
}
