package logs

import (
	"bytes"
	"encoding/binary"
	"math"
)

// parseInt reads an optional sign and digits that fit 64 bits.
func parseInt(b []byte) (v int64, ok bool) {
	negative := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		negative = b[0] == '-'
		b = b[1:]
	}
	if len(b) == 0 {
		return 0, false
	}
	var u uint64
	for _, c := range b {
		d := uint64(c - '0')
		if d > 9 || u > math.MaxUint64/10-1 {
			return 0, false
		}
		u = u*10 + d
	}
	switch {
	case negative && u <= 1<<63:
		return -int64(u), true
	case !negative && u < 1<<63:
		return int64(u), true
	}
	return 0, false
}

// maxExponent bounds what may stand behind an e.
const maxExponent = 1_000_000_000

// A decimal is 0.digits · 10^exponent, exactly. The digits begin and end with
// one that is not zero; none is zero. Its key compares as the number does:
//
//	zero      80
//	positive  c0  exponent + 2^31, 4 bytes  digits  00
//	negative  the complement of the positive one
//
// where digits are two a byte, 1 for 00 to 100 for 99.
type decimal struct {
	negative    bool
	exponent    int64
	whole, part []byte // the digits on both sides of the point, trimmed
}

// parseDecimal reads [sign] digits [. digits] [e [sign] digits]; digits may be
// missing on one side of the point.
func parseDecimal(b []byte) (d decimal, ok bool) {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		d.negative = b[0] == '-'
		b = b[1:]
	}
	n := digits(b)
	d.whole, b = b[:n], b[n:]
	if len(b) > 0 && b[0] == '.' {
		n = digits(b[1:])
		d.part, b = b[1:1+n], b[1+n:]
	}
	if len(d.whole)+len(d.part) == 0 {
		return d, false
	}
	if len(b) > 0 {
		if b[0]|0x20 != 'e' {
			return d, false
		}
		if d.exponent, ok = parseInt(b[1:]); !ok || d.exponent > maxExponent || d.exponent < -maxExponent {
			return d, false
		}
	}
	d.whole = bytes.TrimLeft(d.whole, "0")
	d.part = bytes.TrimRight(d.part, "0")
	d.exponent += int64(len(d.whole))
	if len(d.whole) == 0 {
		trimmed := bytes.TrimLeft(d.part, "0")
		d.exponent -= int64(len(d.part) - len(trimmed))
		d.part = trimmed
	}
	if len(d.part) == 0 {
		d.whole = bytes.TrimRight(d.whole, "0")
	}
	return d, true
}

func digits(b []byte) int {
	for i, c := range b {
		if c-'0' > 9 {
			return i
		}
	}
	return len(b)
}

func (d decimal) appendKey(key []byte) []byte {
	n := len(d.whole) + len(d.part)
	if n == 0 {
		return append(key, 0x80)
	}
	from := len(key)
	key = append(key, 0xc0)
	key = binary.BigEndian.AppendUint32(key, uint32(d.exponent+1<<31))
	for i := 0; i < n; i += 2 {
		pair := d.digit(i) * 10
		if i+1 < n {
			pair += d.digit(i + 1)
		}
		key = append(key, pair+1)
	}
	key = append(key, 0)
	if d.negative {
		for i := range key[from:] {
			key[from+i] ^= 0xff
		}
	}
	return key
}

func (d decimal) digit(i int) byte {
	if i < len(d.whole) {
		return d.whole[i] - '0'
	}
	return d.part[i-len(d.whole)] - '0'
}
