// Package stream opens inputs that may be compressed, and packs outputs.
//
// It promises: gzip and zstd are recognised by content and undone, members and
// frames that follow each other included, within bounded memory; an error is
// one line that says what is wrong with which file and what to do, also when
// it comes in the middle of reading. It changes no byte of what is inside;
// [Stream.Text] drops a byte order mark on demand and refuses what is no UTF-8.
//
// Begin with [Open]; [Pack] is the way back.
package stream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxZstdWindow bounds the memory that a zstd stream may ask for. It is what
// zstd itself accepts without --long.
const maxZstdWindow = 128 << 20

// Bytes. A buffer of what can be looked at beforehand is small, so that large
// reads, which bufio does not buffer, are copied once; decompressors read
// little at a time.
const (
	peekable     = 4 << 10
	packedAtOnce = 64 << 10
)

// Error is an input that cannot be read.
type Error struct {
	Name   string
	Reason string // what is wrong, in words
	Hint   string // what to do about it; may be empty
	Err    error  // the cause, to compare; may be nil
}

// Error is one line: name: reason: hint.
func (e *Error) Error() string {
	s := e.Name + ": " + e.Reason
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Stream is an open input, read by one goroutine.
type Stream struct {
	name   string
	text   *bufio.Reader // decompressed
	format string        // gzip, zstd, or "" for plain
	undo   func()        // frees the decompressor; may be nil
	file   *os.File      // nil: standard input, which stays open
	info   os.FileInfo   // nil likewise
	raw    counter
}

// counter counts what is read of a file before it is decompressed.
type counter struct {
	r io.Reader
	n atomic.Int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// Open opens a file, or standard input for "-". Errors, also those of Read,
// are *Error, or ctx's own: neither Open nor Read waits for whoever writes a pipe
// once ctx is done.
func Open(ctx context.Context, path string, stdin io.Reader) (_ *Stream, err error) {
	s := &Stream{name: path}
	if path == "-" {
		s.name = "standard input"
		if stdin == nil {
			stdin = os.Stdin
		}
	} else if stdin, err = s.openFile(ctx, path); err != nil {
		return nil, err
	}
	s.raw.r = Reader(ctx, stdin)
	if err = s.decode(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Stream) openFile(ctx context.Context, path string) (io.Reader, error) {
	f, err := OpenFile(ctx, path)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, Unreadable(path, err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("is a folder, not a file")
	}
	if err != nil {
		f.Close()
		return nil, Unreadable(path, err)
	}
	s.file, s.info = f, info
	return f, nil
}

// Name is how messages call the input.
func (s *Stream) Name() string { return s.name }

// Info is what the file was when it was opened; nil for standard input.
func (s *Stream) Info() os.FileInfo { return s.info }

// Consumed is how many bytes of the file have been read. Any goroutine may ask.
func (s *Stream) Consumed() int64 { return s.raw.n.Load() }

// Unreadable turns an error of the file system into an *Error.
func Unreadable(path string, err error) *Error {
	e := &Error{Name: path, Reason: err.Error(), Err: err}
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

// decode sets s.text to what is in the file.
func (s *Stream) decode() error {
	raw := bufio.NewReaderSize(&s.raw, peekable)
	start, err := raw.Peek(6)
	if err != nil && err != io.EOF {
		return s.failed(err)
	}
	switch {
	case bytes.HasPrefix(start, []byte("\x1f\x8b")):
		s.format = "gzip"
		z, err := gzip.NewReader(bufio.NewReaderSize(raw, packedAtOnce))
		if err != nil {
			return s.failed(err)
		}
		s.text, s.undo = bufio.NewReaderSize(z, peekable), func() { z.Close() }
	case isZstd(start):
		s.format = "zstd"
		z, err := zstd.NewReader(bufio.NewReaderSize(raw, packedAtOnce), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return s.failed(err)
		}
		s.text, s.undo = bufio.NewReaderSize(z, peekable), z.Close
	default:
		s.text = raw
	}
	return nil
}

// isZstd recognises a frame of zstd, or a skippable one before it.
func isZstd(b []byte) bool {
	return bytes.HasPrefix(b, []byte("\x28\xb5\x2f\xfd")) || len(b) >= 4 && b[0]>>4 == 5 && string(b[1:4]) == "\x2a\x4d\x18"
}

// Peek gives up to n (at most 4 KiB) bytes of what Read will give, fewer at the
// end.
func (s *Stream) Peek(n int) ([]byte, error) {
	b, err := s.text.Peek(n)
	if err != nil && err != io.EOF {
		return nil, s.failed(err)
	}
	return b, nil
}

// Read reads what is inside, decompressed.
func (s *Stream) Read(b []byte) (int, error) {
	n, err := s.text.Read(b)
	if err != nil && err != io.EOF {
		err = s.failed(err)
	}
	return n, err
}

// failed turns an error of reading into one line.
func (s *Stream) failed(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := &Error{Name: s.name, Reason: fmt.Sprintf("its %s data is damaged (%v)", s.format, err), Hint: "fetch it again", Err: err}
	var p *fs.PathError
	switch {
	case s.format == "" || errors.As(err, &p):
		return Unreadable(s.name, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Reason, e.Hint = fmt.Sprintf("its %s data ends too early", s.format), "the copy is incomplete: fetch it again"
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		e.Reason, e.Hint = "its zstd window is over 128 MiB", "compress it without --long"
	}
	return e
}

// Close frees what Open took.
func (s *Stream) Close() error {
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
