package report

import (
	"strconv"
	"strings"

	"holdfast/replay/tick"
)

// number writes n with commas between the thousands.
func number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return sign + digits
}

// counted is a number and what it counts: 1 row, 2,300 rows.
func counted(n int64, singular, plural string) string {
	return number(n) + " " + oneOf(n, singular, plural)
}

// oneOf picks the form that goes with n.
func oneOf(n int64, singular, plural string) string {
	if n == 1 {
		return singular
	}
	return plural
}

// andList joins parts as a sentence does: a, b and c.
func andList(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}

// shareOf is a part of a whole: all 250 duplicates, none of the 250 duplicates,
// 3 of the 250 duplicates, the only duplicate.
func shareOf(part, whole int64, singular, plural string) string {
	all := counted(whole, singular, plural)
	switch {
	case part == whole && whole == 1:
		return "the only " + singular
	case part == whole:
		return "all " + all
	case part == 0:
		return "none of the " + all
	}
	return number(part) + " of the " + all
}

// capital makes the first letter of a sentence a capital.
func capital(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}

const (
	microsecond tick.Nanos = 1_000
	millisecond            = 1_000 * microsecond
	second                 = 1_000 * millisecond
	minute                 = 60 * second
	hour                   = 60 * minute
)

// span writes a length of time in the unit that suits it, without a sign:
// 250 ns, 4 ms, 1.5 s, 2 min 5 s, 3 h 20 min.
func span(n tick.Nanos) string {
	if n < 0 {
		n = -n
	}
	switch {
	case n == 0:
		return "0 ms"
	case n < microsecond:
		return inUnits(n, 1, "ns")
	case n < millisecond:
		return inUnits(n, microsecond, "µs")
	case n < second:
		return inUnits(n, millisecond, "ms")
	case n < 2*minute:
		return inUnits(n, second, "s")
	case n < 2*hour:
		return twoUnits(n, minute, "min", second, "s")
	}
	return twoUnits(n, hour, "h", minute, "min")
}

// inUnits writes n in units, with at most three decimals.
func inUnits(n, unit tick.Nanos, name string) string {
	thousandths := int64((n*1000 + unit/2) / unit)
	s := strconv.FormatInt(thousandths/1000, 10) + "." + strconv.FormatInt(1000+thousandths%1000, 10)[1:]
	return trimDecimal(s) + " " + name
}

func twoUnits(n, big tick.Nanos, bigName string, small tick.Nanos, smallName string) string {
	s := strconv.FormatInt(int64(n/big), 10) + " " + bigName
	if rest := n % big / small; rest != 0 {
		s += " " + strconv.FormatInt(int64(rest), 10) + " " + smallName
	}
	return s
}

// clock writes the time of day in UTC, to the millisecond or as finely as the
// value is.
func clock(n tick.Nanos) string {
	text := n.String()
	text = text[strings.IndexByte(text, 'T')+1 : len(text)-1]
	whole, fraction, _ := strings.Cut(text, ".")
	return whole + "." + fraction + strings.Repeat("0", max(0, 3-len(fraction)))
}

// date writes the day in UTC.
func date(n tick.Nanos) string {
	day, _, _ := strings.Cut(n.String(), "T")
	return day
}

// millis writes a signed span in milliseconds, with a plus if it is positive.
func millis(n tick.Nanos) string {
	s := string(n.AppendMillis(nil))
	if n > 0 {
		s = "+" + s
	}
	return s
}

// shiftedTime says where in time a copy lies: 7 ms later, at the same time.
func shiftedTime(dt tick.Nanos) string {
	switch {
	case dt > 0:
		return span(dt) + " later"
	case dt < 0:
		return span(dt) + " earlier"
	}
	return "at the same time"
}

// shiftedPrice says what a copy costs: 0.12 cheaper, the same price.
func shiftedPrice(dp tick.Price) string {
	switch {
	case dp > 0:
		return dp.String() + " dearer"
	case dp < 0:
		return (-dp).String() + " cheaper"
	}
	return "the same price"
}

// percent writes part of whole with as many decimals as it takes to see it.
func percent(part, whole int64) string {
	if whole == 0 {
		return "-"
	}
	p := 100 * float64(part) / float64(whole)
	decimals := 1
	if p != 0 && p < 0.1 {
		decimals = 3
	}
	return trimDecimal(strconv.FormatFloat(p, 'f', decimals, 64)) + " %"
}

// figure writes an estimate with two decimals, or as 0.0012 if it is small.
func figure(x float64) string {
	if x != 0 && x < 0.01 && x > -0.01 {
		return strconv.FormatFloat(x, 'g', 2, 64)
	}
	return trimDecimal(strconv.FormatFloat(x, 'f', 2, 64))
}
