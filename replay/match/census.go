package match

import (
	"fmt"
	"iter"
	"slices"

	"holdfast/replay/tick"
)

// tract is a symbol's part of a file.
type tract struct {
	span         span
	rows, events float64
}

// density is how many events meet the rows per nanosecond of reach on one side.
func (t *tract) density() float64 {
	return float64(t.rows * float64(t.events/float64(float64(t.span.length())+1)))
}

// priceSample is how many prices the median is taken of.
const priceSample = 4096

// selfSample is how much larger the sample is where a stream is compared with
// itself: most of it has no copies, which a sample of leftover rows has.
const selfSample = 4

// surveySelf prepares the comparison of a stream with itself, of which every
// pair counts once. Dots come in (symbol, time) order; of two at the same time the
// one with the smaller self is the earlier.
func surveySelf(dots iter.Seq[dot], limit int) (survey, error) {
	s := survey{dots: dots, self: true, fixedPrice: -1}
	rows := newSampler[dot](selfSample * limit)
	prices := newSampler[tick.Price](priceSample)
	var t tract
	var last dot
	density := 0.0
	for d := range dots {
		if s.span.any && before(d, last.symbol, last.time) {
			return s, orderError(d.symbol, d.time, last.symbol, last.time)
		}
		if d.symbol != last.symbol {
			density += t.density()
			t = tract{}
		}
		last = d
		s.span.add(d.time)
		t.span.add(d.time)
		t.rows++
		t.events++
		hash := valueHash(d.symbol, int64(d.time), int64(d.price), 0)
		rows.add(hash, d)
		prices.add(hash, d.price)
	}
	density += t.density()
	slices.SortFunc(rows.kept, compareDots)
	s.sample, s.rows, s.median = rows.kept, rows.seen, medianPrice(prices.kept)
	s.density = float64(density * share(uint64(len(s.sample)), uint64(s.rows)))
	return s, nil
}

func orderError(symbol string, t tick.Nanos, lastSymbol string, last tick.Nanos) error {
	return fmt.Errorf("match: %w: %q at %d ns after %q at %d ns", ErrOrder, symbol, t, lastSymbol, last)
}

// scaleUp is a count among the sampled rows as it would be among all.
func (s *survey) scaleUp(n float64) float64 {
	return float64(n * float64(float64(s.rows)/float64(max(len(s.sample), 1))))
}
