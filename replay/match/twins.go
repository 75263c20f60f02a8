package match

import (
	"iter"

	"holdfast/replay/tick"
)

// TwinConfig says which events repeat another one under a new id (D10).
type TwinConfig struct {
	Window tick.Nanos // how much later a twin may be; 0: read off the events
	Limits Limits
}

// Twins gives emit each event that repeats an earlier one under another id (D10):
// same symbol, price within one tick of the file's prices, at most the window
// later. Like Near it builds stars: all twins of one event name the first.
// Events come in (symbol, time, price, id) order. Without a window to be had
// there are no twins, and Totals says why; the only error is ErrOrder.
func Twins(events iter.Seq[Event], c TwinConfig, emit func(earlier, later Event)) (Totals, error) {
	c.Limits.setDefaults()
	s, err := surveySelf(eventDots(events), c.Limits.SampleRows)
	if err != nil {
		return Totals{}, err
	}
	s.fixedPrice = priceTick(events)
	t := Totals{Null: nullNone, Band: Band{Late: c.Window, Price: s.fixedPrice}}
	if c.Window > 0 {
		t.Null = nullGiven
	} else {
		b, cal, kind, err := s.calibrate()
		if err != nil {
			return Totals{Null: nullNone, Reason: err}, nil
		}
		t.Band.Late, t.Null = b.Late, kind
		t.Accidental, t.AccidentalKnown = s.scaleUp(cal.Accidental), true
	}
	x := stars[Event]{reach: t.Band.Late, price: t.Band.Price, at: eventPlace}
	give := func(star []Event) {
		for _, later := range star[1:] {
			t.Pairs++
			emit(star[0], later)
		}
	}
	for e := range events {
		t.Rows++
		x.add(e, give)
	}
	x.flush(give)
	return t, nil
}

func eventPlace(e Event) value { return value{e.Symbol, e.Time, e.Price} }

// eventDots numbers the events, so that of two at the same time the first in
// order is the earlier.
func eventDots(events iter.Seq[Event]) iter.Seq[dot] {
	return func(yield func(dot) bool) {
		n := int64(0)
		for e := range events {
			n++
			if !yield(dot{symbol: e.Symbol, time: e.Time, price: e.Price, self: n}) {
				return
			}
		}
	}
}

// priceTick is the greatest step of which all price differences within a symbol
// are multiples; 0 if no price differs.
func priceTick(events iter.Seq[Event]) tick.Price {
	var step int64
	var last Event
	for e := range events {
		if e.Symbol == last.Symbol {
			step = gcd(step, int64(minus(e.Price, last.Price)))
		}
		last = e
	}
	return tick.Price(step)
}
