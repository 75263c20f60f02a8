package fetch

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"holdfast/fetch/retry"
)

// A line is one record of the log being written (6.1):
//
//	{"timestamp":"2026-01-15T10:30:00.123Z","event":"success","url":"http://…","status":200,"latency_ms":45.2,…}
//
// The requirement's fields come first and in its order; what follows is ours.
// It is an append encoder: two hundred bytes cost no allocation, and an
// encoder with reflection would be the dearest part of a fast request.
type line []byte

const timestampLayout = "2006-01-02T15:04:05.000Z"

func (l line) begin(at time.Time, event, url string) line {
	l = append(l, `{"timestamp":"`...)
	l = appendTimestamp(l, at.UTC())
	l = append(l, `","event":"`...)
	l = append(l, event...)
	l = append(l, `","url":`...)
	return appendString(l, url)
}

// appendTimestamp is timestampLayout. Package time has a fast way for the layout
// of RFC 3339, but not for one with three decimals.
func appendTimestamp(dst []byte, at time.Time) []byte {
	dst = at.AppendFormat(dst, time.RFC3339)
	ms := at.Nanosecond() / 1e6
	return append(dst[:len(dst)-len("Z")], '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}

func (l line) end() line { return append(l, "}\n"...) }

func (l line) key(name string) line {
	l = append(l, ',', '"')
	l = append(l, name...)
	return append(l, '"', ':')
}

func (l line) int(name string, v int64) line { return strconv.AppendInt(l.key(name), v, 10) }

// count is an integer that is left out when it is 0.
func (l line) count(name string, v int64) line {
	if v == 0 {
		return l
	}
	return l.int(name, v)
}

func (l line) string(name, v string) line { return appendString(l.key(name), v) }

// text is a string that is left out when it is empty.
func (l line) text(name, v string) line {
	if v == "" {
		return l
	}
	return l.string(name, v)
}

func (l line) flag(name string, v bool) line {
	if !v {
		return l
	}
	return append(l.key(name), "true"...)
}

// ms is a duration in milliseconds with one decimal, rounded to the nearest.
func (l line) ms(name string, d time.Duration) line { return appendMS(l.key(name), d) }

// span is ms, left out when it is 0.
func (l line) span(name string, d time.Duration) line {
	if d == 0 {
		return l
	}
	return l.ms(name, d)
}

func appendMS(dst []byte, d time.Duration) []byte {
	const tenth = 100 * time.Microsecond
	if d < 0 {
		dst, d = append(dst, '-'), -d
	}
	n := uint64(d) / uint64(tenth)
	if uint64(d)%uint64(tenth) >= uint64(tenth)/2 {
		n++
	}
	dst = strconv.AppendUint(dst, n/10, 10)
	return append(dst, '.', byte('0'+n%10))
}

// seconds is a decimal number with at least one decimal.
func (l line) seconds(name string, d time.Duration) line {
	s := d.Seconds()
	l = l.key(name)
	if s == math.Trunc(s) {
		return strconv.AppendFloat(l, s, 'f', 1, 64)
	}
	return strconv.AppendFloat(l, s, 'f', -1, 64)
}

// hex32 is eight hexadecimal digits.
func (l line) hex32(name string, v uint32) line {
	l = append(l.key(name), '"')
	for shift := 28; shift >= 0; shift -= 4 {
		l = append(l, hexDigits[v>>shift&0xf])
	}
	return append(l, '"')
}

// rule is the id of the row that decided.
func (l line) rule(r *retry.Rule) line {
	l = append(l.key("rule"), '"')
	l, _ = r.AppendText(l) // never fails, and needs no escapes
	return append(l, '"')
}

const hexDigits = "0123456789abcdef"

// appendString quotes s for JSON. What is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if (r != utf8.RuneError || n != 1) && r != 0x2028 && r != 0x2029 {
				i += n
				continue
			}
			dst = append(dst, s[from:i]...)
			switch r {
			case 0x2028, 0x2029: // line ends to some readers of lines
				dst = append(dst, `\u202`...)
				dst = append(dst, hexDigits[r&0xf])
			default:
				dst = append(dst, `\ufffd`...)
			}
			i += n
			from = i
			continue
		}
		dst = append(dst, s[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		}
		i++
		from = i
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}
