package match

import (
	"iter"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// Cluster is a star: a row, and the later rows within the band around it.
type Cluster struct {
	Rows []replay.Row // the centre first, then by (time, N); at least one
}

// Near groups the rows of a file without events (R39): each star is built
// around the earliest row that is in none yet, so that in a slow market no
// chain of near rows walks away. Rows come in (symbol, time, N) order; every row
// is in exactly one cluster. Where a tolerance is asked for and none to be had it
// returns the reason and emits nothing (R33d).
func Near(rows iter.Seq[replay.Row], c Config, emit func(Cluster)) (Totals, error) {
	c.Limits.setDefaults()
	s, err := surveySelf(func(yield func(dot) bool) {
		for r := range rows {
			if !yield(dot{symbol: r.Symbol, time: r.Time, price: r.Price, self: r.N}) {
				return
			}
		}
	}, c.Limits.SampleRows)
	if err != nil {
		return Totals{}, err
	}
	t, err := s.choose(c.Tolerance)
	if err != nil {
		return t, err
	}
	x := stars[replay.Row]{reach: max(t.Band.Early, t.Band.Late), price: t.Band.Price, at: rowPlace}
	if t.Null == nullNone {
		x.reach = -1 // not even equal rows
	}
	give := func(star []replay.Row) {
		t.Pairs += int64(len(star) - 1)
		emit(Cluster{star})
	}
	for r := range rows {
		t.Rows++
		x.add(r, give)
	}
	x.flush(give)
	return t, nil
}

// choose is the tolerance of a file that is compared with itself: there is no
// default, because a wrong guess would join different rows (R33c, R33d).
func (s *survey) choose(given Tolerance) (Totals, error) {
	switch given.Mode {
	case Given:
		t := Totals{Band: given.Band, Null: nullGiven}
		t.Accidental, t.AccidentalKnown = s.accidental(t.Band)
		t.Accidental = s.scaleUp(t.Accidental)
		return t, nil
	case None:
		return Totals{Null: nullNone}, nil
	}
	b, c, kind, err := s.calibrate()
	if err != nil {
		return Totals{Null: nullNone, Reason: err}, err
	}
	return Totals{Band: b, Null: kind, Accidental: s.scaleUp(c.Accidental), AccidentalKnown: true}, nil
}

// stars builds clusters of things in (symbol, time) order.
type stars[T any] struct {
	reach tick.Nanos
	price tick.Price
	at    func(T) value
	open  [][]T // in order of their centres, all of one symbol
}

func rowPlace(r replay.Row) value { return value{r.Symbol, r.Time, r.Price} }

// add puts a thing into the earliest star that reaches it, or makes it a centre,
// and gives out the stars that reach no further.
func (x *stars[T]) add(thing T, emit func([]T)) {
	v := x.at(thing)
	n := 0
	for n < len(x.open) {
		if c := x.at(x.open[n][0]); c.symbol == v.symbol && plus(c.time, x.reach) >= v.time {
			break
		}
		emit(x.open[n])
		n++
	}
	x.open = x.open[n:]
	for i, star := range x.open {
		if size(minus(v.price, x.at(star[0]).price)) <= x.price {
			x.open[i] = append(star, thing)
			return
		}
	}
	x.open = append(x.open, []T{thing})
}

// flush gives out the stars that are still open.
func (x *stars[T]) flush(emit func([]T)) {
	for _, star := range x.open {
		emit(star)
	}
	x.open = nil
}
