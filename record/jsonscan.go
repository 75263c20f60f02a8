package record

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// A jsonScanner walks one JSON text without making a tree of it. Beyond JSON it
// takes NaN, Infinity and -Infinity, which Python's json writes.
type jsonScanner struct {
	text []byte
	at   int
}

// maxDepth bounds the recursion over values that are passed over.
const maxDepth = 64

var errJSON = errors.New("not JSON")

func (s *jsonScanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// peek is the next byte that is not space, 0 at the end.
func (s *jsonScanner) peek() byte {
	s.space()
	if s.at == len(s.text) {
		return 0
	}
	return s.text[s.at]
}

func (s *jsonScanner) expect(c byte) error {
	if s.peek() != c {
		return errJSON
	}
	s.at++
	return nil
}

// object reads an object; field is called at each value, which it must consume.
func (s *jsonScanner) object(field func(key []byte) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	if s.peek() == '}' {
		s.at++
		return nil
	}
	for {
		key, err := s.str()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		if err := field(key); err != nil {
			return err
		}
		if s.peek() == '}' {
			s.at++
			return nil
		}
		if err := s.expect(','); err != nil {
			return err
		}
	}
}

// end checks that nothing follows.
func (s *jsonScanner) end() error {
	if s.peek() != 0 || s.at < len(s.text) {
		return errJSON
	}
	return nil
}

// str reads a string; the result aliases the text if it has no escapes.
func (s *jsonScanner) str() ([]byte, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	from := s.at
	for s.at+8 <= len(s.text) && ordinary(binary.LittleEndian.Uint64(s.text[s.at:])) {
		s.at += 8
	}
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.text[from : s.at-1], nil
		case c == '\\':
			return s.escaped(from)
		case c < ' ':
			return nil, errJSON
		}
		s.at++
	}
	return nil, errJSON
}

// ordinary reports whether none of eight bytes is a quote, a backslash or a
// control character: x-n has the top bit of a byte x below n, if x has not.
func ordinary(w uint64) bool {
	quote, slash := w^'"'*each01, w^'\\'*each01
	return ((quote-each01)&^quote|(slash-each01)&^slash|(w-' '*each01)&^w)&(0x80*each01) == 0
}

// escaped reads the rest of a string that has escapes.
func (s *jsonScanner) escaped(from int) ([]byte, error) {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case '\\':
			s.at++
		case '"':
			var out string
			err := json.Unmarshal(s.text[from-1:s.at+1], &out)
			s.at++
			return []byte(out), err
		}
		s.at++
	}
	return nil, errJSON
}

// wordEnd marks the bytes that no number or literal has.
var wordEnd = [256]bool{' ': true, '\t': true, '\r': true, '\n': true, ',': true, ':': true, '{': true, '}': true, '[': true, ']': true, '"': true}

// word reads a number or a literal as it stands.
func (s *jsonScanner) word() []byte {
	s.space()
	from := s.at
	for s.at < len(s.text) && !wordEnd[s.text[s.at]] {
		s.at++
	}
	return s.text[from:s.at]
}

// isNumber reports whether a word is a number of JSON.
func isNumber(word []byte) bool {
	i := 0
	digits := func() bool {
		from := i
		for i < len(word) && word[i]-'0' < 10 {
			i++
		}
		return i > from
	}
	if i < len(word) && word[i] == '-' {
		i++
	}
	if zero := i; !digits() || word[zero] == '0' && i > zero+1 {
		return false
	}
	if i < len(word) && word[i] == '.' {
		if i++; !digits() {
			return false
		}
	}
	if i < len(word) && word[i]|0x20 == 'e' {
		if i++; i < len(word) && (word[i] == '+' || word[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(word)
}

// boolean reads true or false.
func (s *jsonScanner) boolean() (bool, error) {
	switch w := s.word(); string(w) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	default:
		return false, fmt.Errorf("%.20q is neither true nor false", w)
	}
}

// skip passes over any value.
func (s *jsonScanner) skip(depth int) error {
	if depth == 0 {
		return errors.New("nested too deep")
	}
	switch s.peek() {
	case '{':
		return s.object(func([]byte) error { return s.skip(depth - 1) })
	case '[':
		return s.array(depth)
	case '"':
		_, err := s.str()
		return err
	}
	w := s.word()
	switch string(w) {
	case "NaN", "Infinity", "-Infinity", "true", "false", "null":
		return nil
	}
	if !isNumber(w) {
		return errJSON
	}
	return nil
}

func (s *jsonScanner) array(depth int) error {
	s.at++
	if s.peek() == ']' {
		s.at++
		return nil
	}
	for {
		if err := s.skip(depth - 1); err != nil {
			return err
		}
		if s.peek() == ']' {
			s.at++
			return nil
		}
		if err := s.expect(','); err != nil {
			return err
		}
	}
}
