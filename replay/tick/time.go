package tick

// ParseTime reads a calendar time (R9):
//
//	YYYY-MM-DD (T|t|space) hh:mm:ss [(.|,) digits] [zone]
//	zone = Z | z | ±hh:mm | ±hhmm | ±hh        (-00:00 is UTC)
//
// Digits beyond the ninth are dropped, second 60 becomes 59.999999999, and a
// time without a zone is read in tz; each is noted. Errors are ErrSyntax (also
// for a day that the calendar does not have), ErrRange and ErrAmbiguous.
func ParseTime(b []byte, tz Zone) (Nanos, TimeNote, error) {
	if len(b) < 19 {
		return 0, 0, ErrSyntax
	}
	century, year, month, day := two(b, 0), two(b, 2), two(b, 5), two(b, 8)
	hour, minute, second := two(b, 11), two(b, 14), two(b, 17)
	if b[4] != '-' || b[7] != '-' || b[13] != ':' || b[16] != ':' || b[10]|0x20 != 't' && b[10] != ' ' ||
		century > 99 || year > 99 || hour > 23 || minute > 59 || second > 60 {
		return 0, 0, ErrSyntax
	}
	year += century * 100
	if month-1 > 11 || day-1 >= daysIn(year, month) {
		return 0, 0, ErrSyntax
	}
	fraction, note, i := parseFraction(b, 19)
	if i < 0 {
		return 0, 0, ErrSyntax
	}
	if second == 60 {
		second, fraction, note = 59, 999_999_999, note|NoteLeap
	}
	seconds := daysBefore(year, month, day)*86400 + int64(hour*3600+minute*60+second)

	if i == len(b) {
		var assumed TimeNote
		var err error
		if seconds, assumed, err = tz.resolve(seconds); err != nil {
			return 0, 0, err
		}
		note |= assumed
	} else {
		offset, ok := parseZone(b[i:])
		if !ok {
			return 0, 0, ErrSyntax
		}
		seconds -= offset
	}
	if seconds < minSecond || seconds > maxSecond {
		return 0, 0, ErrRange
	}
	return Nanos(seconds*1e9 + fraction), note, nil
}

// two reads the two digits at b[i:]; anything else gives a number above 99.
func two(b []byte, i int) uint {
	tens, unit := uint(b[i]-'0'), uint(b[i+1]-'0')
	if tens > 9 || unit > 9 {
		return 1000
	}
	return tens*10 + unit
}

// parseFraction reads an optional fraction of a second at b[i:] as nanoseconds
// and returns where it ends: -1 if there is a point and no digit.
func parseFraction(b []byte, i int) (nanos int64, note TimeNote, end int) {
	if i == len(b) || b[i] != '.' && b[i] != ',' {
		return 0, 0, i
	}
	i++
	first := i
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		if i-first < 9 {
			nanos = nanos*10 + int64(b[i]-'0')
		}
	}
	switch digits := i - first; {
	case digits == 0:
		return 0, 0, -1
	case digits > 9:
		note = NoteTruncated
	default:
		nanos *= powers[9-digits]
	}
	return nanos, note, i
}

var powers = [...]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// parseZone reads a zone that takes all of b, as seconds east of UTC.
func parseZone(b []byte) (offset int64, ok bool) {
	if len(b) == 1 {
		return 0, b[0]|0x20 == 'z'
	}
	if b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	var hours, minutes uint
	switch {
	case len(b) == 3:
		hours = two(b, 1)
	case len(b) == 5:
		hours, minutes = two(b, 1), two(b, 3)
	case len(b) == 6 && b[3] == ':':
		hours, minutes = two(b, 1), two(b, 4)
	default:
		return 0, false
	}
	if hours > 23 || minutes > 59 {
		return 0, false
	}
	offset = int64(hours*3600 + minutes*60)
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true
}

func daysIn(year, month uint) uint {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return uint(monthDays[month])
}

var monthDays = [13]uint8{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// daysBefore counts the days from 1970-01-01 to a date of the years 0 to 9999.
// The year is taken to begin in March, so that the leap day is its last.
func daysBefore(year, month, day uint) int64 {
	y, m := int64(year), int64(month)
	if m <= 2 {
		y, m = y-1, m+12
	}
	y += 400 // keeps the divisions below among non-negative numbers
	return y*365 + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + int64(day) - 1 - daysToEpoch
}

// daysToEpoch is what the formula above gives for 1970-01-01, without this term.
const daysToEpoch = 719_468 + 146_097
