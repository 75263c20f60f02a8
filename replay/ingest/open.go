package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxZstdWindow bounds the memory that a zstd stream may ask for. It is what
// zstd itself accepts without --long.
const maxZstdWindow = 128 << 20

// Open opens a text file: gzip and zstd are recognised by content and undone,
// members and frames that follow each other included; a UTF-8 byte order mark
// is dropped (R2, R3). "-" is standard input. Other encodings and compressions
// are refused. Errors, also those of Read, are *InputError.
func Open(path string) (io.ReadCloser, error) {
	s, err := openStream(path, nil)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// stream is an open file as its readers see it.
type stream struct {
	name   string
	text   *bufio.Reader // decompressed, without byte order mark
	format string        // gzip, zstd, or "" for plain text
	undo   func()        // frees the decompressor; may be nil
	file   *os.File      // nil: standard input, which stays open
	id     Identity
}

func openStream(path string, stdin io.Reader) (_ *stream, err error) {
	s := &stream{name: path}
	if path == "-" {
		s.name = "standard input"
		if stdin == nil {
			stdin = os.Stdin
		}
	} else if stdin, err = s.openFile(path); err != nil {
		return nil, err
	}
	if err = s.decode(stdin); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *stream) openFile(path string) (io.Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("is a folder, not a file")
	}
	if err != nil {
		f.Close()
		return nil, unreadable(path, err)
	}
	s.file, s.id = f, Identity{path, info}
	return f, nil
}

// unreadable turns an error of the file system into one line.
func unreadable(path string, err error) *InputError {
	e := &InputError{File: path, Reason: err.Error(), Err: err}
	var p *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Reason = "no such file"
	case errors.Is(err, fs.ErrPermission):
		e.Reason, e.Hint = "no permission to read it", "change its mode, or run as its owner"
	case errors.As(err, &p):
		e.Reason = p.Err.Error()
	}
	return e
}

// decode sets s.text to what is in r.
func (s *stream) decode(r io.Reader) error {
	raw := bufio.NewReaderSize(r, 64<<10)
	start, err := raw.Peek(6)
	if err != nil && err != io.EOF {
		return s.failed(err)
	}
	switch {
	case bytes.HasPrefix(start, []byte("\x1f\x8b")):
		s.format = "gzip"
		z, err := gzip.NewReader(raw)
		if err != nil {
			return s.failed(err)
		}
		s.text, s.undo = bufio.NewReaderSize(z, 64<<10), func() { z.Close() }
	case isZstd(start):
		s.format = "zstd"
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return s.failed(err)
		}
		s.text, s.undo = bufio.NewReaderSize(z, 64<<10), z.Close
	default:
		s.text = raw
	}
	return s.checkText()
}

// isZstd recognises a frame of zstd, or a skippable one before it.
func isZstd(b []byte) bool {
	return bytes.HasPrefix(b, []byte("\x28\xb5\x2f\xfd")) || len(b) >= 4 && b[0]>>4 == 5 && string(b[1:4]) == "\x2a\x4d\x18"
}

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

// checkText drops a byte order mark and refuses what is no UTF-8 text.
func (s *stream) checkText() error {
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
			return &InputError{File: s.name, Reason: f.is, Hint: f.hint}
		}
	}
	if wide := wideText(start); wide != "" {
		return &InputError{File: s.name, Reason: "is " + wide, Hint: reencode}
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

// Read reads the text.
func (s *stream) Read(b []byte) (int, error) {
	n, err := s.text.Read(b)
	if err != nil && err != io.EOF {
		err = s.failed(err)
	}
	return n, err
}

// failed turns an error of reading into one line.
func (s *stream) failed(err error) error {
	e := &InputError{File: s.name, Reason: fmt.Sprintf("its %s data is damaged (%v)", s.format, err), Hint: "fetch it again", Err: err}
	var p *fs.PathError
	switch {
	case s.format == "" || errors.As(err, &p):
		return unreadable(s.name, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Reason, e.Hint = fmt.Sprintf("its %s data ends too early", s.format), "the copy is incomplete: fetch it again"
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		e.Reason, e.Hint = "its zstd window is over 128 MiB", "compress it without --long"
	}
	return e
}

// Close frees what Open took.
func (s *stream) Close() error {
	if s.undo != nil {
		s.undo()
		s.undo = nil
	}
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return f.Close()
}
