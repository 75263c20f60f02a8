package logs

import (
	"bytes"
	"errors"
	"fmt"
)

// A jsonScanner checks that a text is one JSON object (RFC 8259) and tells
// where each value in it stands. It does not check that strings are UTF-8.
type jsonScanner struct {
	b     []byte
	i     int
	path  [][]byte // names on the way to the value, as they are spelled; nil within a list
	value func(from, to int)
}

// maxDepth bounds the recursion.
const maxDepth = 200

var (
	errNotObject = errors.New("it is not a JSON object")
	errDepth     = fmt.Errorf("it is nested more than %d deep", maxDepth)
)

func (s *jsonScanner) broken() error {
	if s.i >= len(s.b) {
		return errors.New("it is not JSON: it ends too early")
	}
	return fmt.Errorf("it is not JSON: %s is unexpected at byte %d", clip(s.b[s.i:s.i+1]), s.i+1)
}

// object scans the whole text.
func (s *jsonScanner) object(text []byte) error {
	s.b, s.i, s.path = text, 0, s.path[:0]
	s.space()
	if s.i == len(s.b) || s.b[s.i] != '{' {
		return errNotObject
	}
	if err := s.members(1); err != nil {
		return err
	}
	s.space()
	if s.i < len(s.b) {
		return s.broken()
	}
	return nil
}

// at reports whether the value stands at a path.
func (s *jsonScanner) at(path []string) bool {
	if len(path) != len(s.path) {
		return false
	}
	for i := len(path) - 1; i >= 0; i-- {
		name := s.path[i]
		if string(name) == path[i] && name != nil {
			continue
		}
		if bytes.IndexByte(name, '\\') < 0 || string(appendUnescaped(nil, name)) != path[i] {
			return false
		}
	}
	return true
}

func (s *jsonScanner) space() {
	for s.i < len(s.b) && (s.b[s.i] == ' ' || s.b[s.i] == '\t' || s.b[s.i] == '\r' || s.b[s.i] == '\n') {
		s.i++
	}
}

// take passes the byte c.
func (s *jsonScanner) take(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *jsonScanner) any(depth int) error {
	s.space()
	if s.i == len(s.b) {
		return s.broken()
	}
	from := s.i
	var err error
	switch c := s.b[s.i]; {
	case c == '"':
		err = s.str()
	case c == '{':
		err = s.members(depth + 1)
	case c == '[':
		err = s.list(depth + 1)
	case c == '-' || c-'0' <= 9:
		err = s.number()
	case c == 't':
		err = s.word("true")
	case c == 'f':
		err = s.word("false")
	case c == 'n':
		err = s.word("null")
	default:
		err = s.broken()
	}
	if err == nil {
		s.value(from, s.i)
	}
	return err
}

func (s *jsonScanner) members(depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	s.i++
	s.space()
	if s.take('}') {
		return nil
	}
	for {
		s.space()
		from := s.i + 1
		if err := s.str(); err != nil {
			return err
		}
		s.path = append(s.path, s.b[from:s.i-1])
		s.space()
		if !s.take(':') {
			return s.broken()
		}
		if err := s.any(depth); err != nil {
			return err
		}
		s.path = s.path[:len(s.path)-1]
		s.space()
		if s.take('}') {
			return nil
		}
		if !s.take(',') {
			return s.broken()
		}
	}
}

func (s *jsonScanner) list(depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	s.i++
	s.space()
	if s.take(']') {
		return nil
	}
	s.path = append(s.path, nil) // no path leads into a list
	for {
		if err := s.any(depth); err != nil {
			return err
		}
		s.space()
		if s.take(']') {
			s.path = s.path[:len(s.path)-1]
			return nil
		}
		if !s.take(',') {
			return s.broken()
		}
	}
}

func (s *jsonScanner) str() error {
	if !s.take('"') {
		return s.broken()
	}
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return nil
		case c < 0x20:
			return s.broken()
		case c == '\\':
			s.i++
			if s.i == len(s.b) {
				return s.broken()
			}
			switch s.b[s.i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				for range 4 {
					s.i++
					if s.i == len(s.b) || !isHex(s.b[s.i]) {
						return s.broken()
					}
				}
			default:
				return s.broken()
			}
		}
	}
	return s.broken()
}

func isHex(c byte) bool { return c-'0' <= 9 || c|0x20-'a' <= 5 }

func (s *jsonScanner) number() error {
	s.take('-')
	if !s.take('0') {
		if !s.digits() {
			return s.broken()
		}
	}
	if s.take('.') && !s.digits() {
		return s.broken()
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		if !s.digits() {
			return s.broken()
		}
	}
	return nil
}

func (s *jsonScanner) digits() bool {
	n := digits(s.b[s.i:])
	s.i += n
	return n > 0
}

func (s *jsonScanner) word(w string) error {
	if !bytes.HasPrefix(s.b[s.i:], []byte(w)) {
		return s.broken()
	}
	s.i += len(w)
	return nil
}
