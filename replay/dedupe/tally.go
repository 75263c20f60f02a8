package dedupe

import (
	"holdfast/internal/extsort"
	"holdfast/replay/tick"
)

// The ways to choose the row of a group that stays (R61).
const (
	keepFirst   = "first"
	keepLast    = "last"
	keepLowest  = "lowest"
	keepHighest = "highest"
	keepMedian  = "median"
	keepMean    = "mean"
)

var keeps = []string{keepFirst, keepLast, keepLowest, keepHighest, keepMedian, keepMean}

// member is a row of a group.
type member struct {
	row   int64
	price tick.Price
}

// tally takes the rows of one group in file order and ends with the one that
// stays.
type tally struct {
	keep string

	rows      int64
	low, high tick.Price
	kept      member

	median *medianOf // median only
	mean   meanOf    // mean only
}

func (t *tally) reset() {
	*t = tally{keep: t.keep, median: t.median}
	t.close()
}

func (t *tally) close() {
	if t.median != nil {
		t.median.reset()
	}
}

func (t *tally) add(m member) error {
	if t.rows == 0 {
		t.low, t.high, t.kept = m.price, m.price, m
	}
	t.rows++
	t.low, t.high = min(t.low, m.price), max(t.high, m.price)
	switch t.keep {
	case keepLast:
		t.kept = m
	case keepLowest:
		if m.price <= t.kept.price {
			t.kept = m
		}
	case keepHighest:
		if m.price >= t.kept.price {
			t.kept = m
		}
	case keepMedian:
		return t.median.add(m)
	case keepMean:
		t.kept = m
		t.mean.add(m.price)
	}
	return nil
}

// decide returns the row that stays, with the price that it stays with.
func (t *tally) decide() (member, error) {
	switch {
	case t.rows == 0:
	case t.keep == keepMedian:
		return t.median.member()
	case t.keep == keepMean:
		return member{t.kept.row, t.mean.price()}, nil
	}
	return t.kept, nil
}

// suspected reports whether the prices differ by more than 1 % of the lowest,
// as those of different events do (R64).
func (t *tally) suspected() bool {
	lowest := uint64(t.low)
	if t.low < 0 {
		lowest = -lowest
	}
	return uint64(t.high)-uint64(t.low) > lowest/100
}

// newTally makes the tally of a run.
func (r *run) newTally() *tally {
	t := &tally{keep: r.Keep}
	if r.Keep == keepMedian {
		const memberSize = 16
		t.median = &medianOf{
			limit:     int(r.Memory / 8 / memberSize),
			newSorter: func() *extsort.Sorter { return r.sorter(r.Memory / 8) },
		}
	}
	return t
}
