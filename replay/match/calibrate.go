package match

import (
	"holdfast/replay/tick"
)

// Plane counts row-event pairs by residual: the cell of |dt| on either side of
// the event, and the cell of |dp|.
type Plane struct {
	times, prices int      // cells in each direction
	early, late   []uint32 // [time cell * prices + price cell]; dt = 0 counts as late
}

// NewPlane is an empty plane for residuals of at most the given sizes. Its
// memory is that of the grid, at most 21 MB, however many pairs are counted.
func NewPlane(reach tick.Nanos, price tick.Price) *Plane {
	p := &Plane{times: gridCell(int64(reach)) + 1, prices: gridCell(int64(price)) + 1}
	p.early = make([]uint32, p.times*p.prices)
	p.late = make([]uint32, p.times*p.prices)
	return p
}

// Add counts a pair; one that is beyond the plane is left out.
func (p *Plane) Add(dt tick.Nanos, dp tick.Price) {
	side := p.late
	if dt < 0 {
		side, dt = p.early, -dt
	}
	i, j := gridCell(int64(dt)), gridCell(int64(size(dp)))
	if i < p.times && j < p.prices {
		side[i*p.prices+j]++
	}
}

// byTime sums each time cell of a side over the prices up to cell j.
func (p *Plane) byTime(side []uint32, j int) []int64 {
	sums := make([]int64, p.times)
	for i := range sums {
		for _, n := range side[i*p.prices : i*p.prices+j+1] {
			sums[i] += int64(n)
		}
	}
	return sums
}

// byPrice sums each price cell over the times from early cell e to late cell l.
func (p *Plane) byPrice(e, l int) []int64 {
	sums := make([]int64, p.prices)
	add := func(side []uint32, last int) {
		for i := range last + 1 {
			for j, n := range side[i*p.prices : (i+1)*p.prices] {
				sums[j] += int64(n)
			}
		}
	}
	add(p.early, e)
	add(p.late, l)
	return sums
}

// ResidualCounts is what a tolerance is read off: the pairs among which copies
// are looked for, and pairs at the same distances that chance alone made (R33).
type ResidualCounts struct {
	Found   *Plane
	Control *Plane
	Scale   float64 // pairs that chance puts into Found for each pair of Control
	Rows    int64   // rows that were compared

	StartPrice tick.Price // where the search for the price begins: 1 % of the median
	FixedPrice bool       // the price tolerance is StartPrice and not searched

	// Near, if set, counts the pairs within a band when one side is slid by two
	// to four bands, and what far shifts put there. If the two differ, the
	// control is no null model.
	Near func(Band) (near int64, far float64)
}

// Calibration says how a band came about.
type Calibration struct {
	Found      int64   // pairs within the band
	Accidental float64 // how many of these chance would give
	Rounds     int     // of time and price in turn
}

// minRows is the fewest rows that a tolerance is read off (R33c).
const minRows = 20

// Levels of significance: a step of the search (R32); the presence of any copies
// at all on a side, which is asked at every distance and so must be surer; the
// last copy, just beyond the others.
const (
	stepLevel  = 1e-3
	startLevel = 1e-6
	tailLevel  = 2e-2
)

// rounds bounds the alternation of time and price.
const rounds = 4

// Calibrate picks the band of R32. It returns ErrTooFew for fewer than 20 rows,
// ErrNoExcess if copies do not stand out (or if chance explains half of the
// pairs found), and ErrAutocorrelated if the control turns out to be no null
// model.
func Calibrate(c ResidualCounts) (Band, Calibration, error) {
	if c.Rows < minRows {
		return Band{}, Calibration{}, ErrTooFew
	}
	var cal Calibration
	at := cells{price: min(gridCell(int64(c.StartPrice)), c.Found.prices-1)}
	for cal.Rounds < rounds {
		cal.Rounds++
		next, ok := c.round(at)
		if !ok {
			return Band{}, cal, ErrNoExcess
		}
		if next == at {
			break
		}
		at = next
	}
	b := at.band()
	cal.Found, cal.Accidental = c.within(at)
	if c.Near != nil {
		if at.late >= c.Found.times-1 || at.early >= c.Found.times-1 || c.autocorrelated(b) {
			return Band{}, cal, ErrAutocorrelated
		}
	}
	if float64(cal.Accidental*2) >= float64(cal.Found) {
		return Band{}, cal, ErrNoExcess
	}
	return b, cal, nil
}

// cells is a band on the grid.
type cells struct{ early, late, price int }

func (x cells) band() Band {
	return Band{
		Early: tick.Nanos(gridValue(x.early)),
		Late:  tick.Nanos(gridValue(x.late)),
		Price: tick.Price(gridValue(x.price)),
	}
}

// round picks the two sides of time at the given price, then the price at
// these times.
func (c *ResidualCounts) round(at cells) (cells, bool) {
	late, okLate := c.pick(c.Found.byTime(c.Found.late, at.price), c.Control.byTime(c.Control.late, at.price), false)
	early, okEarly := c.pick(c.Found.byTime(c.Found.early, at.price), c.Control.byTime(c.Control.early, at.price), false)
	if !okLate && !okEarly {
		return at, false
	}
	at.early, at.late = early, late
	if c.FixedPrice {
		return at, true
	}
	var ok bool
	at.price, ok = c.pick(c.Found.byPrice(early, late), c.Control.byPrice(early, late), true)
	return at, ok
}

// pick is the search of R32 along one direction. It begins at the smallest cell
// up to which pairs stand out, and moves on to the nearest cell, at most four
// times as far, that gains more than chance would give. Two things are added,
// for files with few copies. Where few pairs have been met yet, a stretch of that
// length may be empty by bad luck, so it also looks sixteen times as far, for a
// gain that is beyond doubt. And the last copy often stands alone, so the next
// tenth is taken in for a gain that chance would give once in fifty files; in
// price, where the next cells of a walking market are never empty, only if the
// control has nothing there.
func (c *ResidualCounts) pick(found, control []int64, cautious bool) (cell int, ok bool) {
	f, k := cumulate(found), cumulate(control)
	at := c.first(f, k, -1, len(f)-1, startLevel)
	for next := at; next >= 0; {
		at = next
		next = c.next(f, k, at, cautious)
	}
	if at < 0 || !c.excess(f[at], k[at]) {
		return 0, false
	}
	return at, true
}

// next is the cell to move on to; -1 if there is none. Zero has no multiples:
// what lies beyond it may lie anywhere.
func (c *ResidualCounts) next(f, k []int64, at int, cautious bool) int {
	last := len(f) - 1
	v := gridValue(at)
	if v == 0 || v > 1<<58 {
		return c.first(f, k, at, last, startLevel)
	}
	upTo := func(v int64) int { return min(gridCell(v), last) }
	next := c.first(f, k, at, upTo(4*v), stepLevel)
	if next < 0 {
		next = c.first(f, k, at, upTo(16*v), startLevel)
	}
	if next < 0 {
		next = c.first(f, k, at, upTo(v+v/10), tailLevel)
		if next >= 0 && cautious && k[next] > k[at] {
			next = -1
		}
	}
	return next
}

// first is the nearest cell in (from, to] whose gain over cell from chance does
// not explain at the level; -1 if there is none.
func (c *ResidualCounts) first(found, control []int64, from, to int, level float64) int {
	var f, k int64
	if from >= 0 {
		f, k = found[from], control[from]
	}
	for i := from + 1; i <= to; i++ {
		if c.unexplained(found[i]-f, control[i]-k, level) {
			return i
		}
	}
	return -1
}

// unexplained reports whether chance, which put so many pairs into the control,
// puts so many into found with a probability below the level. Where a row has
// many chance pairs it has them together (all the events of a minute in which
// the price stood still), so the variance grows with the pairs per row; counting
// in clumps of that size keeps the Poisson tail honest.
func (c *ResidualCounts) unexplained(found, control int64, level float64) bool {
	lambda := c.lambda(control)
	clump := 1 + float64(lambda/float64(c.Rows))
	return unlikely(int64(float64(found)/clump), float64(lambda/clump), level)
}

// lambda is the number of pairs that chance gives where the control has n.
func (c *ResidualCounts) lambda(n int64) float64 { return float64(float64(n+1) * c.Scale) }

// excess reports whether found stands out by three standard deviations.
func (c *ResidualCounts) excess(found, control int64) bool {
	lambda := c.lambda(control)
	d := float64(found) - lambda
	variance := float64(lambda * (1 + float64(lambda/float64(c.Rows))))
	return d > 0 && float64(d*d) >= float64(9*variance)
}

// within counts the pairs of a band, and those that chance would give.
func (c *ResidualCounts) within(at cells) (int64, float64) {
	f := cumulate(c.Found.byPrice(at.early, at.late))
	k := cumulate(c.Control.byPrice(at.early, at.late))
	return f[at.price], float64(float64(k[at.price]) * c.Scale)
}

func (c *ResidualCounts) autocorrelated(b Band) bool {
	near, far := c.Near(b)
	d := float64(near) - far
	return float64(d*d) > float64(9*max(float64(near)+far, 1)) // both are counts
}

func cumulate(n []int64) []int64 {
	sum := int64(0)
	for i, x := range n {
		sum += x
		n[i] = sum
	}
	return n
}
