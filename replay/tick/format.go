package tick

import "strconv"

// String is the time in RFC 3339, in UTC, without trailing zeros of the
// fraction: 2025-07-14T09:15:00Z, 2025-07-14T09:15:00.005Z.
func (n Nanos) String() string {
	var buf [32]byte
	return string(n.Append(buf[:0]))
}

// Append appends what String returns. It is defined for every value.
func (n Nanos) Append(b []byte) []byte {
	seconds, fraction := int64(n)/1e9, int64(n)%1e9
	if fraction < 0 {
		seconds, fraction = seconds-1, fraction+1e9
	}
	days, second := seconds/86400, seconds%86400
	if second < 0 {
		days, second = days-1, second+86400
	}
	year, month, day := dateOf(days)
	h, m, s := uint(second/3600), uint(second/60%60), uint(second%60)
	b = append(b,
		digit(year/1000), digit(year/100%10), digit(year/10%10), digit(year%10), '-',
		digit(month/10), digit(month%10), '-', digit(day/10), digit(day%10), 'T',
		digit(h/10), digit(h%10), ':', digit(m/10), digit(m%10), ':', digit(s/10), digit(s%10))
	return append(appendFraction(b, uint64(fraction), 9), 'Z')
}

// dateOf is the inverse of daysBefore.
func dateOf(days int64) (year, month, day uint) {
	z := days + daysToEpoch
	era := z / 146_097
	doe := z % 146_097                                       // day of the 400 years
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365 // year of the 400
	doy := doe - (365*yoe + yoe/4 - yoe/100)                 // day of the year from March on
	mp := (5*doy + 2) / 153                                  // month from March on
	year, month, day = uint(era*400+yoe-400), uint(mp+3), uint(doy-(153*mp+2)/5+1)
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, day
}

func digit(d uint) byte { return byte('0' + d) }

// appendFraction appends .units, width digits less the trailing zeros; nothing
// for zero.
func appendFraction(b []byte, units uint64, width int) []byte {
	if units == 0 {
		return b
	}
	b = append(b, ".000000000"[:width+1]...)
	end := len(b)
	for i := end - 1; units > 0; i, units = i-1, units/10 {
		b[i] = byte('0' + units%10)
	}
	for b[end-1] == '0' {
		end--
	}
	return b[:end]
}

// AppendMillis appends a span as decimal milliseconds without trailing zeros:
// 7, -0.5, 12.000001.
func (n Nanos) AppendMillis(b []byte) []byte { return appendDecimal(b, int64(n), 6) }

// String is the shortest exact decimal: 0.04, 0, -37.63, 1518.3.
func (p Price) String() string {
	var buf [24]byte
	return string(p.Append(buf[:0]))
}

// Append appends what String returns. It is defined for every value.
func (p Price) Append(b []byte) []byte { return appendDecimal(b, int64(p), 9) }

// appendDecimal appends v · 10^-decimals.
func appendDecimal(b []byte, v int64, decimals int) []byte {
	u := uint64(v)
	if v < 0 {
		b, u = append(b, '-'), -u
	}
	scale := uint64(powers[decimals])
	b = strconv.AppendUint(b, u/scale, 10)
	return appendFraction(b, u%scale, decimals)
}
