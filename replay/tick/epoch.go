package tick

// Unit is what a number of an epoch time counts since 1970.
type Unit uint8

// The units; the zero value is none of them.
const (
	Seconds Unit = iota + 1
	Milliseconds
	Microseconds
	Nanoseconds
)

var unitNames = [...]string{"", "s", "ms", "us", "ns"}

// String is s, ms, us or ns.
func (u Unit) String() string { return unitNames[u] }

// ParseUnit is the inverse of String.
func ParseUnit(s string) (Unit, bool) {
	for u := Seconds; u <= Nanoseconds; u++ {
		if s == unitNames[u] {
			return u, true
		}
	}
	return 0, false
}

// EpochUnit tells the unit of an epoch number by its integer digits (R9): 10,
// 13, 16 or 19 of them are s, ms, us or ns, from the year 2001 on. Seconds may
// have a decimal fraction. Everything else is no epoch number.
func EpochUnit(b []byte) (Unit, bool) {
	n := 0
	for n < len(b) && b[n]-'0' <= 9 {
		n++
	}
	u := Unit(0)
	switch n {
	case 10:
		u = Seconds
	case 13:
		u = Milliseconds
	case 16:
		u = Microseconds
	case 19:
		u = Nanoseconds
	}
	_, _, end := parsePoint(b, n)
	return u, u != 0 && end == len(b) && (n == len(b) || u == Seconds)
}

// ParseEpoch reads an epoch number whose unit is known:
//
//	[-] digits [. digits]      the fraction for seconds only
//
// Any number of digits is taken; those of a fraction beyond the ninth are
// dropped and noted. Errors are ErrSyntax and ErrRange.
func ParseEpoch(b []byte, u Unit) (Nanos, TimeNote, error) {
	i, negative := 0, len(b) > 0 && b[0] == '-'
	if negative {
		i++
	}
	first, whole, overflow := i, int64(0), false
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		d := int64(b[i] - '0')
		overflow = overflow || whole > (maxInt64-d)/10
		whole = whole*10 + d // meaningless after an overflow
	}
	fraction, note, end := parsePoint(b, i)
	if i == first || end != len(b) || end != i && u != Seconds {
		return 0, 0, ErrSyntax
	}
	scale := powers[9-3*(u-Seconds)]
	if overflow || whole > (maxInt64-fraction)/scale {
		return 0, 0, ErrRange
	}
	n := Nanos(whole*scale + fraction)
	if negative {
		n = -n
	}
	if n < MinTime || n > MaxTime {
		return 0, 0, ErrRange
	}
	return n, note, nil
}

const maxInt64 = 1<<63 - 1

// parsePoint is parseFraction without the comma, which groups digits in some
// countries and parts them in others.
func parsePoint(b []byte, i int) (nanos int64, note TimeNote, end int) {
	if i < len(b) && b[i] == ',' {
		return 0, 0, i
	}
	return parseFraction(b, i)
}
