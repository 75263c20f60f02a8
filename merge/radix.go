package merge

// Sorting by digits compares no two values: it moves each to the place that
// its digit says, least significant digit first. It is several times faster
// than sorting by comparison, and it is work of another kind, which is why it
// is counted beside the comparisons (Work.DigitMoves) and not among them.

const (
	digitBits = 11
	digits    = 3 // 11 + 11 + 10 bits
)

// sortByDigits sorts values in place with the help of scratch, which is as
// long, and gives the number of times a value was moved. A digit that is the
// same in all values is skipped, so the moves do not depend on the order in
// which the values come.
func sortByDigits(values, scratch []int32) (moves int64) {
	if len(values) < 2 {
		return 0
	}
	var count [digits][1 << digitBits]int32
	for _, v := range values {
		u := biased(v)
		count[0][u&(1<<digitBits-1)]++
		count[1][u>>digitBits&(1<<digitBits-1)]++
		count[2][u>>(2*digitBits)]++
	}
	from, to := values, scratch[:len(values)]
	for d := range digits {
		shift := d * digitBits
		places := &count[d]
		if places[biased(from[0])>>shift&(1<<digitBits-1)] == int32(len(values)) {
			continue
		}
		next := int32(0)
		for i, n := range places {
			places[i] = next
			next += n
		}
		for _, v := range from {
			digit := biased(v) >> shift & (1<<digitBits - 1)
			to[places[digit]] = v
			places[digit]++
		}
		from, to = to, from
		moves += int64(len(values))
	}
	if &from[0] != &values[0] {
		copy(values, from)
	}
	return moves
}

// biased maps int32 to uint32 in the same order.
func biased(v int32) uint32 { return uint32(v) ^ 1<<31 }

// unbiased undoes biased.
func unbiased(u uint32) int32 { return int32(u ^ 1<<31) }
