package runner

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// DefaultMaxValues bounds a list where the caller does not (2^27 values are
// 512 MiB).
const DefaultMaxValues = 1 << 27

// ReadData reads a list of integers in -2^31..2^31-1: one a line, with an
// optional sign, leading zeros, blank lines, CRLF and a byte order mark, or a
// JSON array. Anything else is an [InputError] that names the line. At most
// limit values are taken (0: [DefaultMaxValues]).
func ReadData(r io.Reader, name string, limit int) ([]int32, error) {
	if limit <= 0 {
		limit = DefaultMaxValues
	}
	var values []int32
	err := eachValue(r, func(_ place, v int32) error {
		if len(values) == limit {
			return fmt.Errorf("more than %d values: raise --max-values", limit)
		}
		values = append(values, v)
		return nil
	})
	var bad *lineError
	if errors.As(err, &bad) {
		return nil, &InputError{Path: name, Line: bad.line, Err: bad.err}
	}
	return values, err
}

// FindValue says where a list in the form of [ReadData] has v for the first
// time: "line 7", or "element 7 (line 1)" of an array; "" if nowhere.
func FindValue(r io.Reader, v int32) (string, error) {
	found := ""
	err := eachValue(r, func(at place, got int32) error {
		if got != v {
			return nil
		}
		found = fmt.Sprintf("line %d", at.line)
		if at.array {
			found = fmt.Sprintf("element %d (line %d)", at.index, at.line)
		}
		return io.EOF
	})
	if err == io.EOF {
		err = nil
	}
	return found, err
}

// A place is where a value stands; index counts from 1.
type place struct {
	line, index int64
	array       bool
}

type lineError struct {
	line int64
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }

// eachValue calls do for each value of a list.
func eachValue(r io.Reader, do func(place, int32) error) error {
	s := &scanner{r: bufio.NewReaderSize(r, 64<<10), line: 1}
	if bom, _ := s.r.Peek(3); string(bom) == "\ufeff" {
		s.r.Discard(3)
	}
	s.blanks(true)
	array := s.c == '['
	if array {
		s.next()
		s.blanks(true)
		if s.c == ']' {
			return s.end()
		}
	}
	for i := int64(1); array || s.c != eof; i++ {
		at := place{s.line, i, array}
		v, err := s.integer()
		if err == nil && s.err == nil {
			err = do(at, v)
		}
		if err == nil && array {
			s.blanks(true)
			switch c := s.c; c {
			case ']':
				return s.end()
			case ',':
				s.next()
				s.blanks(true)
			default:
				at.line = s.line
				err = fmt.Errorf("%s where a comma or ] belongs: an array is [1, 2, 3]", show(c))
			}
		} else if err == nil {
			s.blanks(false)
			if s.c != '\n' && s.c != eof {
				err = errors.New("more than one integer: write one a line, or a JSON array")
			}
			s.blanks(true)
		}
		switch {
		case s.err != nil:
			return s.err
		case err == io.EOF:
			return err
		case err != nil:
			return &lineError{at.line, err}
		}
	}
	return s.err
}

const eof = -1

// scanner stands before the first byte until the first call of blanks.
type scanner struct {
	r     *bufio.Reader
	begun bool
	c     int // the byte it stands at, or eof
	line  int64
	err   error // of reading
}

func (s *scanner) next() {
	if s.c == '\n' {
		s.line++
	}
	b, err := s.r.ReadByte()
	s.c, s.begun = int(b), true
	if err != nil {
		s.c = eof
		if err != io.EOF {
			s.err = err
		}
	}
}

// blanks skips white space, over the end of the line if lines is set.
func (s *scanner) blanks(lines bool) {
	if !s.begun {
		s.next()
	}
	for s.c == ' ' || s.c == '\t' || s.c == '\r' || lines && s.c == '\n' {
		s.next()
	}
}

// end expects nothing behind an array.
func (s *scanner) end() error {
	s.next()
	s.blanks(true)
	if s.c != eof {
		return &lineError{s.line, fmt.Errorf("%s behind the end of the array", show(s.c))}
	}
	return s.err
}

// integer reads one. Leading zeros are dropped at once, so that any number of
// them fits.
func (s *scanner) integer() (int32, error) {
	const most = 40 // bytes kept, for the message
	var buf [most]byte
	text := buf[:0]
	if s.c == '-' || s.c == '+' {
		text = append(text, byte(s.c))
		s.next()
	}
	sign := len(text)
	zero := s.c == '0'
	for s.c == '0' {
		s.next()
	}
	for !s.atEnd() {
		if len(text) < most {
			text = append(text, byte(s.c))
		}
		s.next()
	}
	if len(text) == sign && zero {
		return 0, nil
	}
	if len(text) == 0 {
		return 0, fmt.Errorf("%s where an integer belongs", show(s.c))
	}
	v, err := strconv.ParseInt(string(text), 10, 32)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%s is outside -2147483648..2147483647", text)
	case err != nil:
		return 0, fmt.Errorf("%q is not an integer", text)
	}
	return int32(v), nil
}

// atEnd tells that no integer goes on here.
func (s *scanner) atEnd() bool {
	switch s.c {
	case eof, ' ', '\t', '\r', '\n', ',', ']':
		return true
	}
	return false
}

func show(c int) string {
	if c == eof {
		return "the end of the file"
	}
	return fmt.Sprintf("%q", rune(c))
}
