package ingest

import (
	"unicode/utf16"
	"unicode/utf8"
)

// unquoted appends what the string means to dst, or returns it as it stands if
// that is the same. A half of a surrogate pair becomes bytes that are not
// UTF-8, so that it is rejected and not replaced.
func (v value) unquoted(dst []byte) []byte {
	if !v.escaped {
		return v.text
	}
	for b := v.text; len(b) > 0; {
		if b[0] != '\\' {
			dst, b = append(dst, b[0]), b[1:]
			continue
		}
		c := b[1]
		b = b[2:]
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			var r rune
			r, b = codePoint(b)
			dst = appendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// codePoint reads the four digits of a \u escape, and the escape behind it if
// both are a surrogate pair.
func codePoint(b []byte) (rune, []byte) {
	r, rest := hex4(b), b[4:]
	if utf16.IsSurrogate(r) && len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(rest[2:])); pair != utf8.RuneError {
			return pair, rest[6:]
		}
	}
	return r, rest
}

func appendRune(dst []byte, r rune) []byte {
	if utf16.IsSurrogate(r) {
		return append(dst, 0xff)
	}
	return utf8.AppendRune(dst, r)
}

func hex4(b []byte) (r rune) {
	for _, c := range b[:4] {
		d, _ := hex(c)
		r = r<<4 | rune(d)
	}
	return r
}

func hex(c byte) (byte, bool) {
	switch {
	case c-'0' <= 9:
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}
