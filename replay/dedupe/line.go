package dedupe

import (
	"encoding/binary"
	"math/bits"
	"time"

	"holdfast/replay/tick"
)

// slack is how many readable bytes must follow the last line of a buffer that
// a lineParser works on, because it looks at sixteen bytes at once.
const slack = 32

// lineParser reads the usual spelling of a record from a plain line at a few
// nanoseconds a field, and leaves everything else (zones, epochs, exponents,
// missing values, text beyond ASCII, bad records) to the careful way. What it
// accepts, the careful way accepts with the same values.
//
// A plain line has no quote and no carriage return except right before its
// line feed.
type lineParser struct {
	*format
	naiveIsUTC bool // a time without a zone is UTC

	fields fields
	notes  notes

	// The last minute seen, as the sixteen bytes YYYY-MM-DDThh:mm, and its instant.
	minuteLo, minuteHi uint64
	minute             int64
}

func newLineParser(f *format) *lineParser {
	p := &lineParser{format: f, naiveIsUTC: f.read.Zone.Loc == nil || f.read.Zone.Loc == time.UTC}
	p.fields.texts = make([][]byte, len(f.roles))
	return p
}

// parse reads the line at b[i:] and returns where the next one begins, or
// false if the line needs the careful way. b must end with a line feed and
// slack.
func (p *lineParser) parse(b []byte, i int) (next int, ok bool) {
	naive := false
	for c, r := range p.roles {
		start := i
		switch r {
		case ignored:
			i = p.skip(b, i)
		case symbol:
			if i = p.word(b, i); i < 0 || p.read.FoldCase || maybeMissing(b[start:i]) {
				return 0, false
			}
			p.fields.symbol = b[start:i]
		case text:
			if i = p.word(b, i); i < 0 {
				return 0, false
			}
			p.fields.texts[c] = b[start:i]
		case instant:
			if i, naive = p.instant(b, i); i < 0 || naive && !p.naiveIsUTC {
				return 0, false
			}
			p.fields.timeText = b[start:i]
		case price:
			if i = p.number(b, i); i < 0 {
				return 0, false
			}
		}
		if c < len(p.roles)-1 {
			if b[i] != p.delimiter {
				return 0, false
			}
			i++
			continue
		}
		if b[i] == '\r' {
			i++
		}
		if b[i] != '\n' {
			return 0, false
		}
	}
	if naive {
		p.notes[naiveTimes]++
	}
	if p.fields.price <= 0 {
		p.notes.price(p.fields.price)
	}
	return i + 1, true
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// zeros marks, by the high bit, the zero bytes of w; the lowest mark is exact.
func zeros(w uint64) uint64 { return (w - ones) &^ w & highs }

// skip returns where the field at b[i:] ends.
func (p *lineParser) skip(b []byte, i int) int {
	delimiter := uint64(p.delimiter) * ones
	for ; ; i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		if m := zeros(w^delimiter) | zeros(w^'\n'*ones) | zeros(w^'\r'*ones); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
}

// word is skip for a field that must be ASCII without NUL; -1 if it is not.
func (p *lineParser) word(b []byte, i int) int {
	delimiter := uint64(p.delimiter) * ones
	for ; ; i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		m := zeros(w^delimiter) | zeros(w^'\n'*ones) | zeros(w^'\r'*ones) | zeros(w) | w&highs
		if m == 0 {
			continue
		}
		i += bits.TrailingZeros64(m) >> 3
		if b[i] == 0 || b[i] >= 0x80 {
			return -1
		}
		return i
	}
}

// maybeMissing reports whether the field could be one of the spellings of a
// missing value (R8); it errs on the side of yes.
func maybeMissing(b []byte) bool {
	if len(b) == 0 || b[0] <= ' ' {
		return true
	}
	return len(b) <= 4 && (b[0]|0x20 == 'n' || b[0] == '\\' || b[0] == '-') || b[len(b)-1] <= ' '
}

// instant reads YYYY-MM-DDThh:mm:ss[.digits][Z], at most nine digits.
func (p *lineParser) instant(b []byte, i int) (end int, naive bool) {
	lo, hi := binary.LittleEndian.Uint64(b[i:]), binary.LittleEndian.Uint64(b[i+8:])
	if (lo != p.minuteLo || hi != p.minuteHi) && !p.newMinute(b[i:i+16]) {
		return -1, false
	}
	tens, unit := b[i+17]-'0', b[i+18]-'0'
	if b[i+16] != ':' || tens > 5 || unit > 9 {
		return -1, false
	}
	n := p.minute + int64(tens*10+unit)*1e9
	i += 19
	if b[i] == '.' {
		fraction, digits := int64(0), 0
		for i++; b[i]-'0' <= 9; i++ {
			fraction = fraction*10 + int64(b[i]-'0')
			digits++
		}
		if digits == 0 || digits > 9 {
			return -1, false
		}
		n += fraction * powers[9-digits]
	}
	p.fields.time = tick.Nanos(n)
	if b[i] == 'Z' {
		return i + 1, false
	}
	return i, true
}

func (p *lineParser) newMinute(b []byte) bool {
	var full [20]byte
	copy(full[:], b)
	copy(full[16:], ":00Z")
	n, note, err := tick.ParseTime(full[:], tick.Zone{})
	if err != nil || note != 0 {
		return false
	}
	p.minuteLo, p.minuteHi = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	p.minute = int64(n)
	return true
}

var powers = [10]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// number reads [-]digits[.digits], at most nine of each; -1 if it is not that.
func (p *lineParser) number(b []byte, i int) int {
	negative := b[i] == '-'
	if negative {
		i++
	}
	start, whole := i, int64(0)
	for ; b[i]-'0' <= 9 && i-start < 10; i++ {
		whole = whole*10 + int64(b[i]-'0')
	}
	if i == start || i-start > 9 {
		return -1
	}
	value := whole * tick.Scale
	if b[i] == '.' {
		i++
		start, part := i, int64(0)
		for ; b[i]-'0' <= 9 && i-start < 10; i++ {
			part = part*10 + int64(b[i]-'0')
		}
		digits := i - start
		if digits == 0 || digits > 9 {
			return -1
		}
		value += part * powers[9-digits]
	}
	if negative {
		value = -value
	}
	p.fields.price = tick.Price(value)
	return i
}
