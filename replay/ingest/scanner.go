package ingest

import (
	"bytes"
	"io"
)

// Scanner splits a CSV stream into records.
//
//	record  = field *( delimiter field ) ( LF | CRLF | CR | end of stream )
//	field   = plain | '"' *( any byte but '"' | '""' ) '"'
//	plain   = any bytes but delimiter, CR and LF, not beginning with '"'
//
// The three line ends may mix. Quotes within a plain field are text. Blank
// lines are records of one empty field. This is RFC 4180 and what encoding/csv
// accepts, but for the lone CR, which ends a record here.
//
// Where quotes do not pair up (text after a closing quote, a quote that is not
// closed before the end or within MaxField, a record of several lines without
// the wanted number of fields) the record is taken to be its first line alone:
// Fault tells, and scanning goes on at the line after. So a stray quote costs
// one line and not the rest of the file. Memory stays below 3·MaxRecord and,
// with Want, time below fields + 2 passes over the stream, however the quotes
// are laid.
type Scanner struct {
	w         window
	delimiter byte
	want      int

	line   int64 // of the record
	lines  int64 // physical lines that end before the next record
	offset int64
	length int64
	end    int  // bytes of the line end
	cr     bool // it is CR or CRLF
	raw    []byte
	fields [][]byte
	fault  Reason

	spans   []span // of the fields of a quoted record, relative to its start
	text    []byte // fields with their doubled quotes undone
	clipped []byte // the beginning of a record that is too long to hold
}

// span is a field within a record.
type span struct {
	from, to int
	doubled  bool // has doubled quotes
}

// clipSize is how much is kept of a record that is too long.
const clipSize = 64 << 10

// NewScanner returns a scanner of r, whose records are on lines from 1 and at
// offsets from 0.
func NewScanner(r io.Reader, delimiter byte) *Scanner {
	return &Scanner{w: newWindow(r), delimiter: delimiter}
}

// Want tells how many fields a record has. Records with another number are
// still returned, unless they have several lines (see Scanner). 0: any.
func (s *Scanner) Want(fields int) { s.want = fields }

// Scan goes to the next record. It returns false at the end of the stream or
// when reading failed (see Err).
func (s *Scanner) Scan() bool {
	s.line, s.offset, s.fault, s.cr = s.lines+1, s.w.offset(), "", false
	n, size, ok := s.w.line()
	switch {
	case !ok:
		return s.tooLong()
	case s.w.err != nil || n+size == 0:
		return false
	case s.w.find(&s.w.quote, '"') < n:
		return s.scanQuoted()
	}
	s.take(n, size)
	s.split()
	return true
}

// take makes the n bytes at the front of the window the record.
func (s *Scanner) take(n, size int) {
	rest := s.w.rest()
	s.raw, s.length, s.end, s.cr = rest[:n], int64(n), size, size > 0 && rest[n] == '\r'
	s.w.consume(n + size)
	s.lines++
}

// split cuts a record without quoted fields.
func (s *Scanner) split() {
	s.fields = s.fields[:0]
	rest := s.raw
	for {
		i := bytes.IndexByte(rest, s.delimiter)
		if i < 0 {
			break
		}
		s.fields = append(s.fields, rest[:i:i])
		rest = rest[i+1:]
	}
	s.fields = append(s.fields, rest)
	if len(s.raw) <= MaxField {
		return
	}
	for _, f := range s.fields {
		if len(f) > MaxField {
			s.fail(FieldSize)
			return
		}
	}
}

func (s *Scanner) fail(reason Reason) { s.fault, s.fields = reason, s.fields[:0] }

// tooLong takes a line that does not fit in the window.
func (s *Scanner) tooLong() bool {
	s.clipped = append(s.clipped[:0], s.w.rest()[:clipSize]...)
	s.length, s.end = s.w.skipLine()
	s.raw = s.clipped
	s.lines++
	s.fail(FieldSize)
	return s.w.err == nil
}

// scanQuoted scans a record whose first line has a quote.
func (s *Scanner) scanQuoted() bool {
	s.spans = s.spans[:0]
	n, fault := s.findFields()
	if s.w.err != nil {
		return false
	}
	if fault != "" {
		return s.firstLine(fault)
	}
	raw := s.w.rest()[:n]
	lines := countLines(raw)
	if lines > 0 && s.want > 0 && len(s.spans) != s.want {
		return s.firstLine(FieldCount)
	}
	s.lines += lines
	s.take(n, s.lineEndAt(n))
	s.unquote()
	return true
}

// firstLine gives a record up, but for its first line.
func (s *Scanner) firstLine(fault Reason) bool {
	if n, size, ok := s.w.line(); ok {
		s.take(n, size)
		s.fail(fault)
		return true
	}
	return s.tooLong()
}

// findFields finds the fields of the record at the front of the window, which
// it returns the length of.
func (s *Scanner) findFields() (n int, fault Reason) {
	several := false // lines
	for {
		f := span{from: n}
		if c, ok := s.w.byteAt(n); ok && c == '"' {
			if f, fault = s.quotedField(n + 1); fault != "" {
				return 0, fault
			}
			n = f.to + 1
			several = several || s.hasLineEnd(f)
		} else {
			if n, fault = s.plainField(n); fault != "" {
				return 0, fault
			}
			f.to = n
		}
		if f.to-f.from > MaxField || n > MaxRecord {
			return 0, FieldSize
		}
		s.spans = append(s.spans, f)
		if c, ok := s.w.byteAt(n); !ok || c != s.delimiter {
			return n, ""
		}
		n++
		if several && s.want > 0 && len(s.spans) >= s.want {
			return 0, FieldCount // more than wanted: keeps the search short
		}
	}
}

// quotedField finds the end of a field behind its opening quote.
func (s *Scanner) quotedField(from int) (f span, fault Reason) {
	f = span{from: from}
	for n := from; n-from <= MaxField && n <= MaxRecord; {
		i := -1
		if rest := s.w.rest(); n < len(rest) {
			i = bytes.IndexByte(rest[n:], '"')
		}
		if i < 0 {
			n = len(s.w.rest())
			if n-from <= MaxField && n <= MaxRecord && !s.w.fill() {
				return f, BadText
			}
			continue
		}
		n += i
		c, ok := s.w.byteAt(n + 1)
		switch {
		case ok && c == '"':
			f.doubled = true
			n += 2
		case !ok || c == s.delimiter || c == '\n' || c == '\r':
			f.to = n
			return f, ""
		default:
			return f, BadText
		}
	}
	return f, FieldSize
}

// plainField finds the end of a field without quotes around it.
func (s *Scanner) plainField(from int) (end int, fault Reason) {
	for n := from; n <= MaxRecord; n++ {
		if c, ok := s.w.byteAt(n); !ok || c == s.delimiter || c == '\n' || c == '\r' {
			return n, ""
		}
	}
	return 0, FieldSize
}

func (s *Scanner) hasLineEnd(f span) bool {
	b := s.w.rest()[f.from:f.to]
	return bytes.IndexByte(b, '\n') >= 0 || bytes.IndexByte(b, '\r') >= 0
}

// lineEndAt is the size of the line end n behind the front of the window.
func (s *Scanner) lineEndAt(n int) int {
	c, ok := s.w.byteAt(n)
	if !ok {
		return 0
	}
	if next, ok := s.w.byteAt(n + 1); ok && c == '\r' && next == '\n' {
		return 2
	}
	return 1
}

// unquote makes the fields of the spans.
func (s *Scanner) unquote() {
	s.fields, s.text = s.fields[:0], s.text[:0]
	if cap(s.text) < len(s.raw) {
		s.text = make([]byte, 0, len(s.raw)) // never moves under the fields
	}
	for _, f := range s.spans {
		b := s.raw[f.from:f.to]
		if f.doubled {
			from := len(s.text)
			for i := 0; i < len(b); i++ {
				s.text = append(s.text, b[i])
				if b[i] == '"' {
					i++
				}
			}
			b = s.text[from:]
		}
		s.fields = append(s.fields, b)
	}
}

// Fields are the fields of the record, without quotes, valid until the next
// Scan; none of a record with a Fault.
func (s *Scanner) Fields() [][]byte { return s.fields }

// Fault is "", or BadText, FieldSize or FieldCount for a line that is no record.
func (s *Scanner) Fault() Reason { return s.fault }

// Raw is the record without its line end, valid until the next Scan; the first
// 64 KiB of one that is longer than MaxRecord.
func (s *Scanner) Raw() []byte { return s.raw }

// Line is the physical line on which the record begins, from 1. Line ends
// within quotes count.
func (s *Scanner) Line() int64 { return s.line }

// Offset is where the record begins in the stream, in bytes.
func (s *Scanner) Offset() int64 { return s.offset }

// Length is the size of the record in the stream, without its line end.
func (s *Scanner) Length() int64 { return s.length }

// LineEnd is the size of the record's line end: 0 for a last record without.
func (s *Scanner) LineEnd() int { return s.end }

// EndsInCR reports a line end of CR or CRLF.
func (s *Scanner) EndsInCR() bool { return s.cr }

// Err is what reading the stream failed with; nil at its end.
func (s *Scanner) Err() error { return s.w.err }
