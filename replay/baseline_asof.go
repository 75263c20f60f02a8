package replay

import (
	"cmp"
	"slices"

	"holdfast/replay/tick"
)

// keepNearest is asof-nearest, the as-of join of data frames: each row belongs
// to the event of its symbol that is nearest in time, before or after it
// (equally near: the earlier; equal times: the smaller id). Of each event's
// rows the nearest in time is kept (equally near: the first in the file), which
// is as well as this join can be used. Rows of a symbol without events stay.
func keepNearest(in Incident) (removed []bool, linked []int32) {
	bySymbol := map[string][]int32{}
	for i, e := range in.Events {
		bySymbol[e.Symbol] = append(bySymbol[e.Symbol], int32(i))
	}
	for _, list := range bySymbol {
		slices.SortFunc(list, func(a, b int32) int {
			x, y := in.Events[a], in.Events[b]
			return cmp.Or(cmp.Compare(x.Time, y.Time), cmp.Compare(x.ID, y.ID))
		})
	}
	removed = make([]bool, len(in.Rows))
	linked = make([]int32, len(in.Rows))
	kept := filled(len(in.Events), noIndex)
	away := func(row, event int32) uint64 { return distance(in.Rows[row].Time, in.Events[event].Time) }
	for i, r := range in.Rows {
		row, e := int32(i), nearestEvent(in.Events, bySymbol[r.Symbol], r)
		linked[i] = e
		if e == noIndex {
			continue
		}
		switch best := kept[e]; {
		case best == noIndex:
			kept[e] = row
		case away(row, e) < away(best, e):
			removed[best], kept[e] = true, row
		default:
			removed[i] = true
		}
	}
	return removed, linked
}

// nearestEvent picks from events of one symbol, in (time, id) order.
func nearestEvent(events []Event, list []int32, r Row) int32 {
	if len(list) == 0 {
		return noIndex
	}
	after, _ := slices.BinarySearchFunc(list, r, func(e int32, r Row) int { return cmp.Compare(events[e].Time, r.Time) })
	if after == len(list) || after > 0 && distance(r.Time, events[list[after-1]].Time) <= distance(r.Time, events[list[after]].Time) {
		// The first of the events at that earlier time.
		t := events[list[after-1]].Time
		after, _ = slices.BinarySearchFunc(list, t, func(e int32, t tick.Nanos) int { return cmp.Compare(events[e].Time, t) })
	}
	return list[after]
}
