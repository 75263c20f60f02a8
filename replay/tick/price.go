package tick

// ParsePrice reads a decimal exactly (R10):
//
//	[+|-] digits [. digits] [(e|E) [+|-] digits]
//
// The digits before or after the point may be missing, not both. Zeros count
// for nothing, wherever they stand: 1.30575e3 = 01305.7500000000. Errors are
// ErrSyntax; ErrPrecision if a digit other than zero stands beyond the ninth
// decimal; ErrRange if it is exact and too great.
func ParsePrice(b []byte) (Price, error) {
	i, negative := sign(b, 0)
	first, point, m := i, -1, uint64(0)
	for ; i < len(b); i++ {
		if d := b[i] - '0'; d <= 9 {
			m = m*10 + uint64(d)
		} else if b[i] == '.' && point < 0 {
			point = i
		} else {
			break
		}
	}
	digits, decimals := i-first, 0
	if point >= 0 {
		digits--
		decimals = i - point - 1
	}
	if digits == 0 {
		return 0, ErrSyntax
	}
	if i < len(b) || digits > 18 || decimals > 9 { // m may have overflowed
		return parseLong(b, first, i, decimals, negative)
	}
	p := m * uint64(powers[9-decimals])
	if m > maxInt64/uint64(powers[9-decimals]) {
		return 0, ErrRange
	}
	return signed(p, negative), nil
}

// parseLong reads what does not fit the short way: many digits, or an exponent.
// b[first:end] are the digits, decimals of them after the point.
func parseLong(b []byte, first, end, decimals int, negative bool) (Price, error) {
	exponent, ok := parseExponent(b[end:])
	if !ok {
		return 0, ErrSyntax
	}
	for first < end && (b[first] == '0' || b[first] == '.') {
		first++
	}
	if first == end {
		return 0, nil
	}
	// The last digit counts 10^shift billionths.
	shift, last := exponent-int64(decimals)+9, end-1
	for ; b[last] == '0' || b[last] == '.'; last-- {
		if b[last] == '0' {
			shift++
		}
	}
	if shift < 0 {
		return 0, ErrPrecision
	}
	m := uint64(0)
	for _, c := range b[first : last+1] {
		if c == '.' {
			continue
		}
		d := uint64(c - '0')
		if m > (maxInt64-d)/10 {
			return 0, ErrRange
		}
		m = m*10 + d
	}
	if shift > 18 || m > maxInt64/uint64(powers[shift]) {
		return 0, ErrRange
	}
	return signed(m*uint64(powers[shift]), negative), nil
}

// parseExponent reads an optional exponent that takes all of b. Exponents too
// great to matter are cut to some that are great enough.
func parseExponent(b []byte) (e int64, ok bool) {
	if len(b) == 0 {
		return 0, true
	}
	i, negative := sign(b, 1)
	if b[0]|0x20 != 'e' || i == len(b) {
		return 0, false
	}
	for ; i < len(b); i++ {
		d := b[i] - '0'
		if d > 9 {
			return 0, false
		}
		e = min(e*10+int64(d), 1e15)
	}
	if negative {
		e = -e
	}
	return e, true
}

func sign(b []byte, i int) (next int, negative bool) {
	if i < len(b) && (b[i] == '+' || b[i] == '-') {
		return i + 1, b[i] == '-'
	}
	return i, false
}

func signed(units uint64, negative bool) Price {
	if negative {
		return -Price(units)
	}
	return Price(units)
}
