package extsort

import (
	"bytes"
	"encoding/binary"
)

// The parts of a key, one behind the other, compare as the values do:
//
//	int64   8 bytes, big endian, sign bit flipped
//	string  its bytes with 0x00 written as 0x00 0xFF, then 0x00 0x01
//
// The end mark is less than any byte that can follow in a longer string, so a
// string comes before its own extensions whatever part stands behind it.
const (
	signBit   = 1 << 63
	escape    = 0x00
	escaped00 = 0xFF
	endMark   = 0x01
)

// AppendInt64 appends v to a key.
func AppendInt64(key []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(key, uint64(v)^signBit)
}

// ReadInt64 takes an int64 from the front of a key and gives the rest. It
// panics if the key does not begin with one.
func ReadInt64(key []byte) (v int64, rest []byte) {
	return int64(binary.BigEndian.Uint64(key) ^ signBit), key[8:]
}

// AppendString appends s to a key.
func AppendString[S string | []byte](key []byte, s S) []byte {
	from := 0
	for i := range len(s) {
		if s[i] == escape {
			key = append(key, s[from:i+1]...)
			key = append(key, escaped00)
			from = i + 1
		}
	}
	key = append(key, s[from:]...)
	return append(key, escape, endMark)
}

// ReadString takes a string from the front of a key and gives the rest. s is
// part of key, or a copy if it holds a zero byte. It panics if the key does
// not begin with a string.
func ReadString(key []byte) (s, rest []byte) {
	end := bytes.IndexByte(key, escape)
	s = key[:end:end]
	for key[end+1] != endMark {
		if key[end+1] != escaped00 {
			panic("extsort: key does not begin with a string")
		}
		next := end + 2 + bytes.IndexByte(key[end+2:], escape)
		s = append(s, escape)
		s = append(s, key[end+2:next]...)
		end = next
	}
	return s, key[end+2:]
}
