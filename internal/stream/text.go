package stream

import (
	"bytes"
	"io"
)

// foreign are the beginnings of what is not UTF-8 text; ? is any byte. UTF-32
// stands before UTF-16, which it begins like.
var foreign = []struct{ start, is, hint string }{
	{"\xff\xfe\x00\x00", "is UTF-32LE", reencode},
	{"\x00\x00\xfe\xff", "is UTF-32BE", reencode},
	{"\xff\xfe", "is UTF-16LE", reencode},
	{"\xfe\xff", "is UTF-16BE", reencode},
	{"\x1f\x8b", "is compressed twice", decompress}, // seen only within a compressed file
	{"\x28\xb5\x2f\xfd", "is compressed twice", decompress},
	{"BZh?1A", "is compressed with bzip2", decompress},
	{"\xfd7zXZ", "is compressed with xz", decompress},
	{"PK\x03\x04", "is a ZIP archive", decompress},
	{"\x04\x22\x4d\x18", "is compressed with lz4", decompress},
	{"PAR1\x15", "is Parquet", "export it as CSV first"},
}

const (
	reencode   = "convert it first: iconv -t UTF-8"
	decompress = "unpack it first, or use gzip or zstd"
)

// Text drops a byte order mark and refuses what is no UTF-8 text. It is called
// before the first Read.
func (s *Stream) Text() error {
	start, err := s.text.Peek(6)
	if err != nil && err != io.EOF {
		return s.failed(err)
	}
	if bytes.HasPrefix(start, []byte("\xef\xbb\xbf")) {
		_, err := s.text.Discard(3)
		return err
	}
	for _, f := range foreign {
		if beginsLike(start, f.start) {
			return &Error{Name: s.name, Reason: f.is, Hint: f.hint}
		}
	}
	if wide := wideText(start); wide != "" {
		return &Error{Name: s.name, Reason: "is " + wide, Hint: reencode}
	}
	return nil
}

func beginsLike(b []byte, pattern string) bool {
	if len(b) < len(pattern) {
		return false
	}
	for i, c := range []byte(pattern) {
		if c != '?' && c != b[i] {
			return false
		}
	}
	return true
}

// wideText names the encoding of a text without byte order mark that begins
// with an ASCII character of two or four bytes; "" if it does not.
func wideText(b []byte) string {
	if len(b) < 4 {
		return ""
	}
	var zero [4]bool
	for i := range zero {
		zero[i] = b[i] == 0
	}
	switch zero {
	case [4]bool{true, true, true, false}:
		return "UTF-32BE"
	case [4]bool{false, true, true, true}:
		return "UTF-32LE"
	case [4]bool{true, false, true, false}:
		return "UTF-16BE"
	case [4]bool{false, true, false, true}:
		return "UTF-16LE"
	}
	return ""
}
