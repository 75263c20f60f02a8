package match

import (
	"errors"
	"iter"
	"slices"

	"holdfast/replay/tick"
)

// survey is a stream of events (or of rows as if they were events), a sample of
// the rows to compare with them, and what is needed to choose a null model.
type survey struct {
	dots   iter.Seq[dot]
	sample []dot // in (symbol, time) order
	self   bool  // both sides are the same stream: count a pair once, earlier first

	span       span
	rows       int64   // rows of which sample is a sample
	density    float64 // dots near a sample record, per nanosecond, summed over the sample
	median     tick.Price
	fixedPrice tick.Price // >= 0: the price tolerance is this

	single, multi int64 // events attempted once, and more often
	clustered     bool  // events attempted more often stand together
	multis        []dot // a sample of these, in (symbol, time) order
}

// Bounds of the search for a tolerance.
const (
	maxReach   = tick.Nanos(600e9) // ten minutes
	pairBudget = 1 << 24           // pairs that a survey looks at

	// Shifts of the time-shift null: five at least (R33b), and more where the
	// sample is small, so that what chance gives is known better than to the
	// fifth of a pair. All slid samples together hold so many dots.
	leastShifts = 5
	mostShifts  = 60
	slidDots    = 400_000
)

// Minimal numbers of events for the null model of attempts (R33a).
const (
	minMulti  = 20
	minSingle = 200
)

// calibrate chooses the null model of R33 and picks a band with it. The kind is
// attempts or time-shift.
func (s *survey) calibrate() (b Band, c Calibration, kind string, err error) {
	if int64(len(s.sample)) < minRows {
		return Band{}, Calibration{}, "", ErrTooFew
	}
	attempts := s.multi >= minMulti && s.single >= minSingle
	if attempts && !s.clustered {
		b, c, err = Calibrate(s.byAttempts())
		return b, c, nullAttempts, err
	}
	b, c, err = Calibrate(s.byShift())
	if attempts && errors.Is(err, ErrAutocorrelated) {
		b, c, err = Calibrate(s.byNeighbours())
		return b, c, nullAttempts, err
	}
	return b, c, nullShift, err
}

// reach is how far apart pairs are looked at: as far as the budget allows.
func (s *survey) reach() tick.Nanos {
	r := maxReach
	if s.density > 0 {
		r = min(r, tick.Nanos(min(pairBudget/2/s.density, 1e15)))
	}
	return max(r, 1)
}

// startPrice is where the search for the price begins, and limitPrice where it
// ends.
func (s *survey) startPrice() tick.Price {
	if s.fixedPrice >= 0 {
		return s.fixedPrice
	}
	return max(s.median/100, 1)
}

func (s *survey) limitPrice() tick.Price {
	if s.fixedPrice >= 0 {
		return s.fixedPrice
	}
	return 4 * s.startPrice()
}

func (s *survey) counts(reach tick.Nanos) ResidualCounts {
	return ResidualCounts{
		Found: NewPlane(reach, s.limitPrice()), Control: NewPlane(reach, s.limitPrice()),
		Rows: int64(len(s.sample)), StartPrice: s.startPrice(), FixedPrice: s.fixedPrice >= 0,
	}
}

// byAttempts compares events of several attempts with events of one: both stand
// at the same place in time and price, but only the first have copies (R33a).
func (s *survey) byAttempts() ResidualCounts {
	reach := s.reach()
	c := s.counts(reach)
	c.Scale = float64(s.multi) / float64(s.single)
	j := joiner{sample: s.sample}
	limit := s.limitPrice()
	for d := range s.dots {
		if d.class == untried {
			continue
		}
		plane := c.Control
		if d.class == multi {
			plane = c.Found
		}
		j.pairs(d, reach, reach, func(i int) {
			if dp := minus(j.sample[i].price, d.price); size(dp) <= limit {
				plane.Add(j.sample[i].time-d.time, dp)
			}
		})
	}
	return c
}

// byNeighbours is for a burst of repeated events in a market that walks, where
// neither events of one attempt nor a slid file show what chance gives. A
// leftover row stands next to its own event, so it has as many chance pairs with
// other events of several attempts as that event has itself.
func (s *survey) byNeighbours() ResidualCounts {
	reach := s.reach()
	c := s.counts(reach)
	c.Scale = float64(len(s.sample)) / float64(len(s.multis))
	rows, events := joiner{sample: s.sample}, joiner{sample: s.multis}
	limit := s.limitPrice()
	for d := range s.dots {
		if d.class != multi {
			continue
		}
		rows.pairs(d, reach, reach, func(i int) {
			if dp := minus(rows.sample[i].price, d.price); size(dp) <= limit {
				c.Found.Add(rows.sample[i].time-d.time, dp)
			}
		})
		events.pairs(d, reach, reach, func(i int) {
			e := events.sample[i]
			if dp := minus(e.price, d.price); size(dp) <= limit && (e.time != d.time || dp != 0) {
				c.Control.Add(e.time-d.time, dp)
			}
		})
	}
	return c
}

// byShift compares the file with itself slid along time (R33b).
func (s *survey) byShift() ResidualCounts {
	n := s.shifts()
	reach := min(s.reach()/tick.Nanos(n+1), s.span.length()/maxShare)
	reach = max(reach, 1)
	c := s.counts(reach)
	c.Scale = 1 / float64(n)
	slid := s.slides(25*reach, (s.span.length()-50*reach)/tick.Nanos(n-1), n)
	s.count(reach, slid, func(k int, dt tick.Nanos, dp tick.Price) {
		if k == 0 {
			c.Found.Add(dt, dp)
		} else {
			c.Control.Add(dt, dp)
		}
	})
	c.Near = s.near
	return c
}

// shifts is how often the sample is slid.
func (s *survey) shifts() int {
	return min(max(slidDots/max(len(s.sample), 1), leastShifts), mostShifts)
}

// maxShare bounds the reach of the time-shift null to a part of the span, so
// that all shifts are a hundred of the largest bands it may find (a quarter of
// the reach) from the pairs themselves, and well apart.
const maxShare = 64

// slides is the sample as it is, then slid n times.
func (s *survey) slides(first, step tick.Nanos, n int) []joiner {
	js := []joiner{{sample: s.sample}}
	for k := range n {
		js = append(js, slide(s.sample, s.span, max(0, first+tick.Nanos(k)*step)))
	}
	return js
}

// count joins the stream with each sample; f is told which.
func (s *survey) count(reach tick.Nanos, js []joiner, f func(k int, dt tick.Nanos, dp tick.Price)) {
	limit := s.limitPrice()
	early := reach
	if s.self {
		early = 0
	}
	for d := range s.dots {
		for k := range js {
			sample := js[k].sample
			js[k].pairs(d, early, reach, func(i int) {
				r := sample[i]
				if k == 0 && s.self && r.time == d.time && r.self <= d.self {
					return // the record itself, or a pair the wrong way round
				}
				if dp := minus(r.price, d.price); size(dp) <= limit {
					f(k, r.time-d.time, dp)
				}
			})
		}
	}
}

// near counts pairs at shifts of two to four bands, and what three shifts far away
// give on average.
func (s *survey) near(b Band) (int64, float64) {
	width := b.Early + b.Late + 1
	n := s.shifts()
	js := s.slides(2*width, width, 3)
	far := s.slides(100*width, (s.span.length()-200*width)/tick.Nanos(n-1), n)
	js = append(js, far[1:]...)
	var near, control int64
	s.count(max(b.Early, b.Late), js, func(k int, dt tick.Nanos, dp tick.Price) {
		switch {
		case k == 0 || !b.Holds(dt, dp):
		case k <= 3:
			near++
		default:
			control++
		}
	})
	return near, float64(float64(control) * 3 / float64(n))
}

// medianPrice is the lower median of |price|.
func medianPrice(prices []tick.Price) tick.Price {
	if len(prices) == 0 {
		return 0
	}
	sorted := slices.Clone(prices)
	for i, p := range sorted {
		sorted[i] = size(p)
	}
	slices.Sort(sorted)
	return sorted[(len(sorted)-1)/2]
}

// byClass reports whether events of one attempt and of several can be compared.
func (s *survey) byClass() bool { return s.multi > 0 && s.single > 0 }

// accidental is how many of a given band's pairs chance would give, if there is
// a null model that says so: with a worker log, pairs between the sampled rows
// and events of one attempt (R33a), else slid ones.
func (s *survey) accidental(b Band) (float64, bool) {
	var n int64
	if s.byClass() {
		j := joiner{sample: s.sample}
		for d := range s.dots {
			if d.class != single {
				continue
			}
			j.pairs(d, b.Early, b.Late, func(i int) {
				if b.Holds(j.sample[i].time-d.time, minus(j.sample[i].price, d.price)) {
					n++
				}
			})
		}
		return float64(n) * float64(float64(s.multi)/float64(s.single)), true
	}
	width := plus(plus(b.Early, b.Late), 1)
	if s.span.length()/400 < width || s.fixedPrice < 0 && s.limitPrice() < b.Price {
		return 0, false
	}
	_, far := s.near(b)
	return float64(far / 3), true
}
