package match

import (
	"cmp"
	"slices"

	"holdfast/replay/tick"
)

// dot is one record of a stream: an event, or a row where rows are compared
// with rows.
type dot struct {
	symbol string
	time   tick.Nanos
	price  tick.Price
	class  class
	self   int64 // position or row number, where a stream is compared with itself
}

// class tells how often an event was attempted.
type class uint8

const (
	untried class = iota // never
	single               // once
	multi                // one member of the set at least was attempted twice
)

// joiner pairs the dots of a stream with a sample that is held in memory: the
// band join of R31 the other way round, for which the stream needs no window.
// The sample is in (symbol, time) order, and so is the stream.
type joiner struct {
	sample []dot
	lo     int
}

// pairs calls f with the index of each sample record from early before to late
// after the dot.
func (j *joiner) pairs(d dot, early, late tick.Nanos, f func(i int)) {
	for j.lo < len(j.sample) && before(j.sample[j.lo], d.symbol, minus(d.time, early)) {
		j.lo++
	}
	for i := j.lo; i < len(j.sample) && j.sample[i].symbol == d.symbol && j.sample[i].time <= plus(d.time, late); i++ {
		f(i)
	}
}

func before(d dot, symbol string, t tick.Nanos) bool {
	if d.symbol == symbol {
		return d.time < t
	}
	return d.symbol < symbol
}

func compareDots(a, b dot) int {
	return cmp.Or(cmp.Compare(a.symbol, b.symbol), cmp.Compare(a.time, b.time),
		cmp.Compare(a.price, b.price), cmp.Compare(a.self, b.self))
}

// span is the stretch of time that a file covers.
type span struct {
	first, last tick.Nanos
	any         bool
}

func (s *span) add(t tick.Nanos) {
	if !s.any {
		s.first, s.last, s.any = t, t, true
	}
	s.first, s.last = min(s.first, t), max(s.last, t)
}

func (s *span) length() tick.Nanos { return minus(s.last, s.first) }

// slide is the sample moved later by a shift >= 0, round the end of the span to its
// beginning, so that every part of the file keeps meeting another.
func slide(sample []dot, s span, shift tick.Nanos) joiner {
	moved := slices.Clone(sample)
	n := max(uint64(s.last-s.first), 1) // the differences may exceed an int64, but not a uint64
	for i := range moved {
		moved[i].time = s.first + tick.Nanos((uint64(moved[i].time-s.first)+uint64(shift))%n)
	}
	slices.SortFunc(moved, compareDots)
	return joiner{sample: moved}
}
