package ingest

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"holdfast/replay/tick"
)

// Trim cuts ASCII white space off both ends.
func Trim(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || c-'\t' < 5 }

// IsMissing reports whether a field is empty, blank, or spells a missing value
// in any case: null none nan nat n/a na \N - (R8).
func IsMissing(b []byte) bool {
	b = Trim(b)
	switch len(b) {
	case 0:
		return true
	case 1:
		return b[0] == '-'
	case 2:
		return b[0]|0x20 == 'n' && b[1]|0x20 == 'a' || b[0] == '\\' && b[1]|0x20 == 'n'
	case 3:
		return b[0]|0x20 == 'n' && (b[1]|0x20 == 'a' && (b[2]|0x20 == 'n' || b[2]|0x20 == 't') || b[1] == '/' && b[2]|0x20 == 'a')
	case 4:
		return bytes.EqualFold(b, []byte("null")) || bytes.EqualFold(b, []byte("none"))
	}
	return false
}

// isText reports whether a needed field is UTF-8 without NUL (R3).
func isText(b []byte) bool {
	for i, c := range b {
		if c == 0 {
			return false
		}
		if c >= utf8.RuneSelf {
			return utf8.Valid(b[i:]) && bytes.IndexByte(b[i:], 0) < 0
		}
	}
	return true
}

// ParsePrice reads a price field (R10): trimmed; reason "" if it is one. A
// missing price is a bad one.
func ParsePrice(b []byte) (p tick.Price, reason Reason, hint string) {
	b = Trim(b)
	p, err := tick.ParsePrice(b)
	switch {
	case err == nil:
		return p, "", ""
	case errors.Is(err, tick.ErrPrecision):
		return 0, PricePrecision, "a price has at most nine decimals"
	case errors.Is(err, tick.ErrRange):
		return 0, PriceRange, "a price lies within ±9223372036.854775807"
	case IsMissing(b):
		return 0, BadPrice, "the price is missing"
	case hasComma(b):
		return 0, BadPrice, "write it without a comma, as 1305.75"
	}
	return 0, BadPrice, clip(b) + " is not a decimal number"
}

// hasComma reports whether b is a number but for its commas.
func hasComma(b []byte) bool {
	if len(b) > 64 || bytes.IndexByte(b, ',') < 0 {
		return false
	}
	_, err := tick.ParsePrice(bytes.ReplaceAll(b, []byte(","), nil))
	return err == nil
}
