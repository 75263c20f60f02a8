package incident

import (
	"bytes"
	"strconv"

	"holdfast/replay/tick"
)

// zone is a way to write an offset from UTC.
type zone struct {
	text    string
	minutes tick.Nanos
}

// zones has every form that there is; naive comes first.
var zones = []zone{
	{"", 0}, {"Z", 0}, {"Z", 0}, {"z", 0}, {"+00:00", 0}, {"-00:00", 0}, {"+0000", 0}, {"+00", 0},
	{"+05:30", 330}, {"+0545", 345}, {"-04:00", -240}, {"-0930", -570}, {"+13", 780}, {"-11", -660},
}

var (
	separators = []string{"T", "T", "T", "t", " "}
	points     = []string{".", ".", ".", ","}
	widths     = []int{0, 3, 6, 6, 9, 12} // digits of a fraction; 0: as few as it takes
)

// spellTime appends a time in one of the forms of R9.
func spellTime(b []byte, n tick.Nanos, d *dice, naive bool) []byte {
	choices := zones
	if !naive {
		choices = zones[1:]
	}
	z := of(d, choices)
	n += z.minutes * 60 * tick.Scale
	fraction := n % tick.Scale
	whole := (n - fraction).Append(nil) // times are after 1970
	b = append(b, whole[:len("2025-07-14")]...)
	b = append(b, of(d, separators)...)
	b = append(b, whole[len("2025-07-14T"):len(whole)-1]...)
	if fraction != 0 || d.oneIn(4) {
		b = append(b, of(d, points)...)
		b = appendDigits(b, fraction, of(d, widths))
	}
	return append(b, z.text...)
}

// appendDigits appends a fraction in that many digits, but never so few that
// it would change, nor none.
func appendDigits(b []byte, fraction tick.Nanos, width int) []byte {
	digits := strconv.AppendInt(nil, int64(fraction)+tick.Scale, 10)[1:]
	least := max(1, len(bytes.TrimRight(digits, "0")))
	for len(digits) < width {
		digits = append(digits, '0')
	}
	return append(b, digits[:max(width, least)]...)
}

// spellPrice appends a price in one of the forms of R10 that JSON has too.
func spellPrice(b []byte, p tick.Price, d *dice) []byte {
	text := p.Append(nil)
	whole, fraction, _ := bytes.Cut(text, []byte("."))
	switch d.below(6) {
	case 0: // 1.30575e3
		b = append(b, whole[0], '.')
		b = append(b, whole[1:]...)
		b = append(b, fraction...)
		b = append(b, '0')
		b = append(b, of(d, []string{"e", "E", "e+"})...)
		return strconv.AppendInt(b, int64(len(whole)-1), 10)
	case 1: // 130575e-2
		b = append(b, whole...)
		b = append(b, fraction...)
		b = append(b, "e-"...)
		return strconv.AppendInt(b, int64(len(fraction)), 10)
	case 2: // 1305.7500
		b = append(b, whole...)
		b = append(b, '.')
		b = append(b, fraction...)
		return append(b, "0000"[:1+d.below(4)]...)
	}
	return append(b, text...)
}
