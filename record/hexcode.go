package record

import (
	"encoding/binary"
	"encoding/hex"
)

// Payloads are most of what is written and, in JSON lines, read: so their hex
// digits are made and read four bytes at a time, in one machine word. What is
// left at the end, and everything that is wrong, goes to encoding/hex.

const (
	each01 = 0x0101010101010101
	each0F = 0x0F0F0F0F0F0F0F0F
)

// digits gives the eight digits of four bytes, the first digit lowest.
func digits(b uint32) uint64 {
	x := uint64(b)
	x = (x | x<<16) & 0x0000FFFF0000FFFF
	x = (x | x<<8) & 0x00FF00FF00FF00FF
	n := (x>>4 | x<<8) & each0F // a half byte in each byte
	letters := (n + 6*each01) >> 4 & each01
	return n + '0'*each01 + letters*('a'-'0'-10)
}

// appendHex appends the lower-case digits of b.
func appendHex(dst, b []byte) []byte {
	for len(b) >= 4 {
		dst = binary.LittleEndian.AppendUint64(dst, digits(binary.LittleEndian.Uint32(b)))
		b = b[4:]
	}
	return hex.AppendEncode(dst, b)
}

// halves is what digits was made from; false if these are no digits, of either
// case.
func halves(c uint64) (uint32, bool) {
	letters := c >> 6 & each01
	n := c&each0F + letters*9
	x := (n<<4 | n>>8) & 0x00FF00FF00FF00FF
	x = (x | x>>8) & 0x0000FFFF0000FFFF
	return uint32(x | x>>16), areDigits(c)
}

// areDigits looks at eight bytes at once: adding 0x80-n sets the top bit of a
// byte from n up. One that has it from the start is none; nor is, then, what it
// carries into.
func areDigits(c uint64) bool {
	l := c | 0x20*each01 // in lower case
	digit := (c + (0x80-'0')*each01) &^ (c + (0x80-'9'-1)*each01)
	letter := (l + (0x80-'a')*each01) &^ (l + (0x80-'f'-1)*each01)
	return (digit|letter)&^c&(0x80*each01) == 0x80*each01
}

// appendUnhex appends the bytes whose digits are in text.
func appendUnhex(dst, text []byte) ([]byte, error) {
	for len(text) >= 8 {
		b, ok := halves(binary.LittleEndian.Uint64(text))
		if !ok {
			break
		}
		dst = binary.LittleEndian.AppendUint32(dst, b)
		text = text[8:]
	}
	return hex.AppendDecode(dst, text)
}
