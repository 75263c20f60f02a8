package replay

import "holdfast/replay/tick"

const millisecond tick.Nanos = 1_000_000

// symbolTime is the key of key-last and key-first: rows of equal symbol and
// time are one, whatever their price.
func symbolTime(r Row) Values { return Values{Symbol: r.Symbol, Time: r.Time} }

// rounded is the key of round-5ms-last: symbol, and time to the nearest
// multiple of 5 ms since 1970, halves up.
func rounded(r Row) Values {
	const step = 5 * millisecond
	return Values{Symbol: r.Symbol, Time: floorTo(r.Time+step/2, step)}
}

// floored is the key of floor-200ms-last: symbol, and time down to a multiple
// of 200 ms since 1970.
func floored(r Row) Values {
	return Values{Symbol: r.Symbol, Time: floorTo(r.Time, 200*millisecond)}
}

// floorTo rounds towards the past, before 1970 too.
func floorTo(t, step tick.Nanos) tick.Nanos {
	rest := t % step
	if rest < 0 {
		rest += step
	}
	return t - rest
}

// keepFirst removes every row whose key an earlier line of the file has. With
// all three values for a key it is exact-row.
func keepFirst(rows []Row, key func(Row) Values) []bool {
	removed := make([]bool, len(rows))
	seen := make(map[Values]struct{}, len(rows))
	for i, r := range rows {
		k := key(r)
		if _, removed[i] = seen[k]; !removed[i] {
			seen[k] = struct{}{}
		}
	}
	return removed
}

// keepLast removes every row whose key a later line of the file has.
func keepLast(rows []Row, key func(Row) Values) []bool {
	removed := make([]bool, len(rows))
	last := make(map[Values]int, len(rows))
	for i, r := range rows {
		k := key(r)
		if before, ok := last[k]; ok {
			removed[before] = true
		}
		last[k] = i
	}
	return removed
}
