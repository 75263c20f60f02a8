package logs

import (
	"errors"
	"fmt"
	"io"

	"holdfast/internal/stream"
	"holdfast/merge/kway"
)

// A source is one input while it is read: batch after batch, by one goroutine
// at a time.
type source struct {
	name   string
	r      io.Reader
	close  func() error
	waits  bool // r may have to wait for somebody who writes: a pipe
	split  splitter
	p      *plan
	prints *printer // nil: not wanted
	shape  shape
	header bool  // the first record is one, and none of the output's
	order  []int // of CSV fields, for the output; nil: as they stand
	check  bool  // that the records are in order, and make codes

	// tail and key lie in the batch before the one that is being filled. As
	// there are two at least and they take turns, that one still stands.
	tail  []byte // read and not yet cut into records
	ended bool   // r is at its end
	last  byte   // that came from r; a line feed at the start
	line  int64  // of the next record

	key     []byte // of the record before; nil: there is none
	keyLine int64
	fields  []field
	scratch []byte
}

// fill fills an empty batch with what comes next.
func (s *source) fill(b *batch) {
	b.reset()
	input := &b.text
	if s.order != nil {
		input = &b.input
		*input = (*input)[:0]
	}
	if cap(*input) == 0 {
		*input = make([]byte, 0, s.shape.text)
	}
	*input = append(*input, s.tail...)
	if len(s.tail) < s.shape.text/2 {
		b.end = s.read(input)
	}
	for b.end == nil {
		n, err := s.cut(b, *input)
		s.tail = (*input)[n:]
		switch {
		case err != nil:
			b.end = err
		case len(b.recs) > 0:
		case s.ended && len(s.tail) == 0:
			b.end = io.EOF
		case s.ended:
			b.end = s.fault(s.split.unfinished())
		default: // not a single record
			if n > 0 { // nothing but blank lines
				*input = append((*input)[:0], s.tail...)
			}
			b.end = s.read(input)
			continue
		}
		break
	}
}

// read reads more behind what is there.
func (s *source) read(input *[]byte) error {
	if s.ended {
		return nil
	}
	if n := len(*input); cap(*input)-n < 2 {
		if int64(n) > s.p.maxRecord {
			return s.tooLong()
		}
		larger := make([]byte, n, 2*n+2)
		copy(larger, *input)
		*input = larger
	}
	b := *input
	for range 100 {
		n, err := s.r.Read(b[len(b) : cap(b)-1]) // a byte is left for a line feed
		if n > 0 {
			b = b[:len(b)+n]
			s.last = b[len(b)-1]
		}
		if err == io.EOF {
			s.ended = true
			if s.last != '\n' {
				b = append(b, '\n')
			}
			err = nil
		} else if err == nil && n == 0 {
			continue
		}
		*input = b
		return unreadable(err)
	}
	return unreadable(io.ErrNoProgress)
}

// unreadable makes an *InputError of what an input cannot be read for.
func unreadable(err error) error {
	var e *stream.Error
	if errors.As(err, &e) {
		return &InputError{File: e.Name, Reason: e.Reason, Hint: e.Hint}
	}
	return err // nil, or of a temporary file
}

func (s *source) tooLong() error {
	return s.fault(fmt.Errorf("a record of more than %d bytes", s.p.maxRecord), "raise --max-record, or look for a quote or a line that does not end")
}

// fault is what is wrong with the record on the current line.
func (s *source) fault(err error, hint ...string) error {
	e := &InputError{File: s.name, Line: s.line, Reason: err.Error()}
	switch {
	case len(hint) > 0:
		e.Hint = hint[0]
	case errors.Is(err, errOpenQuote):
		e.Hint = "close it, or double it if it is text"
	case errors.Is(err, errAfterQuote):
		e.Hint = "double the quotes that are text"
	}
	return e
}

// cut cuts as many records as there are and the batch takes, and returns how
// many bytes of input they make.
func (s *source) cut(b *batch, input []byte) (n int, err error) {
	if t, ok := s.split.(*textLines); ok && s.p.keyer.inPlace() && s.check && s.prints == nil {
		return s.cutLines(b, input, t)
	}
	for len(b.recs) < cap(b.recs) && len(b.keys) < s.shape.keys {
		r, err := s.split.next(input[n:])
		if err != nil {
			return n, s.fault(err)
		}
		if r.size == 0 {
			break
		}
		if int64(r.body) > s.p.maxRecord {
			return n, s.tooLong()
		}
		switch {
		case r.blank:
		case s.header:
			s.header = false
		default:
			if err := s.add(b, input, n, r); err != nil {
				return n, err
			}
		}
		n += r.size
		s.line += r.lines
	}
	return n, nil
}

// add adds the record that stands at a place of the input.
func (s *source) add(b *batch, input []byte, at int, r record) error {
	body := input[at : at+r.body]
	if err := s.split.fields(body, s.fields); err != nil {
		return s.fault(err)
	}
	p := place{from: uint32(at), to: uint32(at + r.size)}
	if s.order != nil {
		p.from = uint32(len(b.text))
		b.text = s.split.(*csvRecords).reorder(b.text, input[at:at+r.size], r, s.order)
		p.to = uint32(len(b.text))
	}
	var key []byte
	if f := &s.fields[0]; s.order == nil && f.at >= 0 && !f.missing && s.p.keyer.inPlace() {
		p.key, p.size = uint32(at+f.at), uint32(len(f.text))
		key = f.text
	} else {
		from, bad := len(b.keys), 0
		if b.keys, bad = s.p.keyer.append(b.keys, s.fields); bad >= 0 {
			return s.misfit(bad)
		}
		key = b.keys[from:]
		p.key, p.size = uint32(from), uint32(len(key))|elsewhere
	}
	if s.check {
		if s.key == nil {
			p.code = kway.First(key)
		} else if c, ok := kway.Next(s.key, key); ok {
			p.code = c
		} else {
			return s.disorder()
		}
		s.key, s.keyLine = key, s.line
		if s.key == nil {
			s.key = []byte{}
		}
	}
	if s.prints != nil {
		whole := body
		if s.order != nil {
			whole = b.text[p.from : p.to-uint32(r.size-r.body)]
		}
		f, err := s.prints.of(whole, s.fields, &s.scratch)
		if err != nil {
			return s.fault(err, "use --missing first or last: such records are then all kept")
		}
		b.prints = append(b.prints, f)
	}
	b.recs = append(b.recs, p)
	return nil
}

// disorder tells of a key that is smaller than the one before.
func (s *source) disorder() error {
	return s.fault(fmt.Errorf("key %s is smaller than line %d's: not sorted by %s", s.p.keyText(s.fields), s.keyLine, s.p.byName()), "use --sort")
}

// misfit tells of a field that is no key of its column's type.
func (s *source) misfit(i int) error {
	c, f := s.p.keyer.columns[i], s.fields[i]
	if f.missing {
		return s.fault(fmt.Errorf("%s is missing or null", c.name), "use --missing first or last")
	}
	if len(f.text) == 0 {
		return s.fault(fmt.Errorf("%s is empty and no %s", c.name, c.kind), fmt.Sprintf("use --missing first or last, or --by %s:bytes", c.name))
	}
	other := asBytes
	if c.kind == asInt && fits(asDecimal, f.text) {
		other = asDecimal
	}
	return s.fault(fmt.Errorf("%s is %s, which is no %s", c.name, clip(f.text), c.kind), fmt.Sprintf("use --by %s:%s", c.name, other))
}
