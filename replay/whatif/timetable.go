package whatif

import (
	"cmp"
	"slices"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// timetable tells when the rows of an output in commit order were committed: a
// row lies between its neighbours. It is made of the rows whose commit is
// known, the only ones of their event, by its only attempt, which succeeded
// (R34a), thinned to a bounded number.
type timetable struct {
	stride int64
	points []point // by row; times never fall
}

type point struct {
	row int64
	at  tick.Nanos
}

const mostPoints = 1 << 17

func newTimetable() *timetable { return &timetable{stride: 1} }

func (t *timetable) add(c *replay.EventCase) {
	if len(c.Rows) != 1 || len(c.Attempts) != 1 {
		return
	}
	at, known := committed(&c.Attempts[0])
	if !known || c.Rows[0].Row.N%t.stride != 0 {
		return
	}
	t.points = append(t.points, point{c.Rows[0].Row.N, at})
	if len(t.points) < mostPoints {
		return
	}
	t.stride *= 2
	t.points = slices.DeleteFunc(t.points, func(p point) bool { return p.row%t.stride != 0 })
}

// finish sorts the table and keeps it consistent: where clocks disagree with
// the order of rows, a row is taken for as late as the latest before it.
func (t *timetable) finish() {
	slices.SortFunc(t.points, func(a, b point) int { return cmp.Compare(a.row, b.row) })
	latest := -far
	for i := range t.points {
		latest = max(latest, t.points[i].at)
		t.points[i].at = latest
	}
}

// bracket is the time in which a row was committed.
func (t *timetable) bracket(row int64) (from, to tick.Nanos) {
	i, _ := slices.BinarySearchFunc(t.points, row, func(p point, row int64) int { return cmp.Compare(p.row, row) })
	from, to = -far, far
	if i > 0 {
		from = t.points[i-1].at
	}
	if i < len(t.points) {
		to = t.points[i].at
	}
	return from, to
}
