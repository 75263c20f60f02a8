package replay

import (
	"cmp"
	"slices"

	"holdfast/replay/tick"
)

// The tolerance of consecutive-line and near-star, bounds included.
const (
	nearTime  = uint64(10 * millisecond)
	nearPrice = uint64(tick.Scale / 2)
)

// near: the same symbol, at most 10 ms and 0.50 apart.
func near(a, b Row) bool {
	return a.Symbol == b.Symbol && distance(a.Time, b.Time) <= nearTime && distance(a.Price, b.Price) <= nearPrice
}

// distance is |a-b|, unsigned because the span of all times is beyond int64.
func distance[T ~int64](a, b T) uint64 {
	if a < b {
		a, b = b, a
	}
	return uint64(a) - uint64(b)
}

// dropConsecutive is consecutive-line: a row is removed if it is near the line
// just before it in the file, whether or not that one was itself removed.
func dropConsecutive(rows []Row) []bool {
	removed := make([]bool, len(rows))
	for i := 1; i < len(rows); i++ {
		removed[i] = near(rows[i-1], rows[i])
	}
	return removed
}

// keepStarFirst is near-star: the earliest row of a symbol (by time, then
// line) that no star has yet becomes the centre of one and takes all later
// rows without a star that are near it. Of each star the row that stands first
// in the file is kept. It takes time in proportion to the number of rows of a
// symbol within 10 ms.
func keepStarFirst(rows []Row) []bool {
	order := make([]int32, len(rows))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(rows[a].Symbol, rows[b].Symbol), cmp.Compare(rows[a].Time, rows[b].Time), cmp.Compare(a, b))
	})
	removed, taken := make([]bool, len(rows)), make([]bool, len(rows))
	for k, centre := range order {
		if taken[centre] {
			continue
		}
		first := centre
		for _, i := range order[k+1:] {
			if rows[i].Symbol != rows[centre].Symbol || distance(rows[i].Time, rows[centre].Time) > nearTime {
				break
			}
			if taken[i] || !near(rows[centre], rows[i]) {
				continue
			}
			taken[i] = true
			removed[max(first, i)] = true
			first = min(first, i)
		}
	}
	return removed
}
