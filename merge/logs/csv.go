package logs

import (
	"bytes"
	"errors"
	"fmt"
)

// csvRecords splits CSV (RFC 4180):
//
//	record = field *( delimiter field ) ( LF | CRLF )
//	field  = plain | '"' *( any byte but '"' | '""' ) '"'
//	plain  = any bytes but delimiter and LF, not beginning with '"'
//
// Quotes within a plain field are text. Empty lines are no records.
type csvRecords struct {
	want      []int // positions from 0
	delimiter byte
	count     int // fields of every record; 0: as many as want needs

	quoted bool   // the record that next has found has quotes
	spans  []span // its fields, if so
	text   []byte // fields with their doubled quotes undone
}

// A span is a field within a record.
type span struct {
	from, to int // without its quotes
	doubled  bool
	inQuotes bool
}

var (
	errAfterQuote = errors.New("text stands behind a closing quote")
	errOpenQuote  = errors.New("a quote is not closed")
)

func (c *csvRecords) next(b []byte) (record, error) {
	n := bytes.IndexByte(b, '\n')
	if n < 0 {
		c.quoted = bytes.IndexByte(b, '"') >= 0
		return record{}, nil
	}
	n++
	c.quoted = false
	if bytes.IndexByte(b[:n], '"') >= 0 {
		return c.nextQuoted(b)
	}
	body := lineBody(b[:n])
	return record{size: n, body: body, lines: 1, blank: body == 0}, nil
}

func (c *csvRecords) unfinished() error {
	if c.quoted {
		return errOpenQuote
	}
	return errNewline
}

// nextQuoted finds a record and its fields, of which some may be quoted.
func (c *csvRecords) nextQuoted(b []byte) (record, error) {
	c.quoted = true
	c.spans = c.spans[:0]
	n := 0
	for {
		var s span
		if n < len(b) && b[n] == '"' {
			s = span{from: n + 1, inQuotes: true}
			var err error
			if n, err = c.closing(b, &s); n == 0 {
				return record{}, err
			}
		} else {
			s.from = n
			for n < len(b) && b[n] != c.delimiter && b[n] != '\n' {
				n++
			}
			s.to = n
		}
		if n == len(b) {
			return record{}, nil
		}
		end := b[n] == '\n' || b[n] == '\r' && n+1 < len(b) && b[n+1] == '\n'
		if end {
			if b[n] == '\r' {
				n++
			}
			n++
			body := lineBody(b[:n])
			s.to = min(s.to, body) // a plain field took the CR
			c.spans = append(c.spans, s)
			return record{size: n, body: body, lines: int64(bytes.Count(b[:n], []byte{'\n'}))}, nil
		}
		c.spans = append(c.spans, s)
		n++ // the delimiter
	}
}

// closing finds the end of a quoted field and returns where the next thing
// stands; 0 if it is not within b.
func (c *csvRecords) closing(b []byte, s *span) (next int, err error) {
	n := s.from
	for {
		i := bytes.IndexByte(b[n:], '"')
		if i < 0 || n+i+1 == len(b) {
			return 0, nil
		}
		n += i + 1
		switch b[n] {
		case '"':
			s.doubled = true
			n++
			continue
		case c.delimiter, '\n':
		case '\r':
			if n+1 == len(b) {
				return 0, nil
			}
			if b[n+1] != '\n' {
				return 0, errAfterQuote
			}
		default:
			return 0, errAfterQuote
		}
		s.to = n - 1
		return n, nil
	}
}

// split makes the spans of a record without quotes.
func (c *csvRecords) split(r []byte) {
	if c.quoted {
		return
	}
	c.spans = c.spans[:0]
	from := 0
	for {
		i := bytes.IndexByte(r[from:], c.delimiter)
		if i < 0 {
			c.spans = append(c.spans, span{from: from, to: len(r)})
			return
		}
		c.spans = append(c.spans, span{from: from, to: from + i})
		from += i + 1
	}
}

func (c *csvRecords) fields(r []byte, into []field) error {
	if len(c.want) == 1 && !c.quoted && bytes.Count(r, []byte{c.delimiter}) == c.count-1 {
		from, to := delimited(r, c.want[0]+1, c.delimiter)
		into[0] = field{text: r[from:to], at: from}
		return nil
	}
	c.split(r)
	if c.count > 0 && len(c.spans) != c.count {
		return fmt.Errorf("it has %d fields, the first record %d", len(c.spans), c.count)
	}
	c.text = c.text[:0]
	for i, n := range c.want {
		if n >= len(c.spans) {
			return fmt.Errorf("it has %d fields, and no column %d", len(c.spans), n+1)
		}
		into[i] = c.field(r, c.spans[n])
	}
	return nil
}

func (c *csvRecords) field(r []byte, s span) field {
	text := r[s.from:s.to]
	if !s.doubled {
		return field{text: text, at: s.from}
	}
	from := len(c.text)
	for i := 0; i < len(text); i++ {
		c.text = append(c.text, text[i])
		if text[i] == '"' {
			i++
		}
	}
	return field{text: c.text[from:len(c.text):len(c.text)], at: -1}
}

// reorder appends the record that next has just found with its fields in
// another order, as they are spelled, and the line end that it has.
func (c *csvRecords) reorder(dst, text []byte, r record, order []int) []byte {
	c.split(text[:r.body])
	for i, n := range order {
		if i > 0 {
			dst = append(dst, c.delimiter)
		}
		s := c.spans[n]
		if s.inQuotes {
			s.from, s.to = s.from-1, s.to+1
		}
		dst = append(dst, text[s.from:s.to]...)
	}
	return append(dst, text[r.body:r.size]...)
}
