package dedupe

import (
	"bytes"
	"io"
	"slices"

	"holdfast/replay/ingest"
)

// found is a record that was read again.
type found struct {
	n     int64  // record number
	line  int64  // physical, 1-based
	raw   []byte // without its line end
	ended bool   // it had one

	scanner *ingest.Scanner // stands at the record; nil for a plain line
}

// A reader reads blocks again, record by record.
type reader struct {
	source  *source
	format  *format
	careful *careful
	lines   *lineParser
	buf     []byte

	scanner *ingest.Scanner // of the quoted block read last; nil: none
	base    int64           // where in the source scanner began
	at      int64           // where in the source it stands
}

func newReader(s *source, f *format) (*reader, error) {
	c, err := newCareful(f)
	return &reader{source: s, format: f, careful: c, lines: newLineParser(f)}, err
}

// each calls do for the records of a block in order; what it passes is valid
// until do returns. It fails if the block has not as many as it had before.
func (r *reader) each(b *block, do func(*found) error) error {
	next := b.first
	count := func(f *found) error {
		if next++; next > b.last+1 {
			return errMoved()
		}
		return do(f)
	}
	lines := r.eachPlain
	if b.chunk.quoted {
		lines = r.eachQuoted
	}
	if err := lines(b, count); err != nil {
		return err
	}
	if next != b.last+1 {
		return errMoved()
	}
	return nil
}

func (r *reader) eachPlain(b *block, do func(*found) error) error {
	r.buf = slices.Grow(r.buf[:0], b.size+slack)[:b.size]
	if _, err := r.source.ReadAt(r.buf, b.offset); err != nil && err != io.EOF {
		return err
	}
	rec := found{n: b.first, line: b.line}
	for at := 0; at < len(r.buf); {
		i := bytes.IndexByte(r.buf[at:], '\n')
		if rec.ended = i >= 0; !rec.ended {
			i = len(r.buf) - at
		}
		rec.raw = trimCR(r.buf[at : at+i])
		at += i + 1
		rec.line++
		if !r.careful.isRecord(rec.raw) {
			continue
		}
		if err := do(&rec); err != nil {
			return err
		}
		rec.n++
	}
	return nil
}

func trimCR(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

// eachQuoted goes on with the scanner of the block before, if that was the one
// before in the file.
func (r *reader) eachQuoted(b *block, do func(*found) error) error {
	if r.scanner == nil || r.at != b.offset {
		r.scanner, r.base, r.at = r.format.scanner(r.source, b.offset), b.offset, b.offset
	}
	s := r.scanner
	rec := found{n: b.first, line: b.line + 1, scanner: s}
	for r.at < b.offset+int64(b.size) && s.Scan() {
		r.at = r.base + s.Offset() + s.Length() + int64(s.LineEnd())
		rec.raw, rec.ended = s.Raw(), s.LineEnd() > 0
		if r.careful.isQuotedRecord(s) {
			if err := do(&rec); err != nil {
				return err
			}
			rec.n++
		}
		rec.line += int64(lineEnds(s))
	}
	return s.Err()
}

// fields reads the values of a record, or why it has none.
func (r *reader) fields(f *found) (*fields, ingest.Reason, string) {
	if f.scanner != nil {
		return r.careful.record(f.scanner.Fields(), f.scanner.Fault(), f.ended, f.line)
	}
	if len(f.raw) < cap(f.raw)-slack && f.ended {
		if _, ok := r.lines.parse(f.raw[:len(f.raw)+slack], 0); ok {
			return &r.lines.fields, "", ""
		}
	}
	return r.careful.line(f.raw, f.ended, f.line)
}
