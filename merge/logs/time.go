package logs

// An instant is a moment of the years 0 to 9999: seconds since 1970 and
// nanoseconds, which reach two billion in a leap second. So that stands behind
// 23:59:59.999999999 and before the midnight that follows.
type instant struct {
	seconds int64
	nanos   uint32
}

// parseTime reads the times of RFC 3339, also with a space for the T and
// without an offset, which means UTC:
//
//	YYYY-MM-DD (T|t|space) hh:mm:ss [. 1-9 digits] [Z | z | ±hh:mm]
func parseTime(b []byte) (t instant, ok bool) {
	if len(b) < 19 || b[4] != '-' || b[7] != '-' || b[10]|0x20 != 't' && b[10] != ' ' || b[13] != ':' || b[16] != ':' {
		return t, false
	}
	year, month, day := two(b)*100+two(b[2:]), two(b[5:]), two(b[8:])
	hour, minute, second := two(b[11:]), two(b[14:]), two(b[17:])
	if year > 9999 || month-1 > 11 || day-1 >= daysIn(year, month) || hour > 23 || minute > 59 || second > 60 {
		return t, false
	}
	if second == 60 {
		second, t.nanos = 59, 1_000_000_000
	}
	t.seconds = daysBefore(year, month, day)*86400 + int64(hour*3600+minute*60+second)
	b = b[19:]
	if len(b) > 0 && b[0] == '.' {
		n := 1
		scale := uint32(100_000_000)
		for ; n < len(b) && b[n]-'0' <= 9; n++ {
			t.nanos += uint32(b[n]-'0') * scale
			scale /= 10
		}
		if n == 1 || n > 10 {
			return t, false
		}
		b = b[n:]
	}
	switch {
	case len(b) == 0:
	case len(b) == 1:
		return t, b[0]|0x20 == 'z'
	default:
		if len(b) != 6 || b[0] != '+' && b[0] != '-' || b[3] != ':' || two(b[1:]) > 23 || two(b[4:]) > 59 {
			return t, false
		}
		offset := int64(two(b[1:])*3600 + two(b[4:])*60)
		if b[0] == '-' {
			offset = -offset
		}
		t.seconds -= offset
	}
	return t, true
}

// two reads two digits; anything else gives a number far above 99.
func two(b []byte) uint {
	tens, unit := uint(b[0]-'0'), uint(b[1]-'0')
	if tens > 9 || unit > 9 {
		return 100_000
	}
	return tens*10 + unit
}

var monthDays = [13]uint{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func daysIn(year, month uint) uint {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return monthDays[month]
}

// daysBefore counts the days from 1970-01-01 to a date. The year is taken to
// begin in March, so that the leap day is its last.
func daysBefore(year, month, day uint) int64 {
	y, m := int64(year)+400, int64(month) // 400 more: nothing below is negative
	if m <= 2 {
		y, m = y-1, m+12
	}
	return y*365 + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + int64(day) - 1 - 865_565
}
