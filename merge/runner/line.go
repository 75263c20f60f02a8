package runner

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"holdfast/merge"
)

// A mailbox line is one JSON object with exactly two keys:
//
//	{"msg_type":"DATA","values":[1134598152,478155210]}\n
//
// msg_type has 1 to 5 printable ASCII bytes and no escapes, values 0 to 10
// integers in -2147483648..2147483647. Lines are written as above, byte for
// byte; read is any order and white space.
const (
	maxWords = 10
	maxLine  = 512 // bytes; the longest that is written has 157
)

// AppendLine adds m as a mailbox line. A message outside the format is a fault
// of the program, not of its input.
func AppendLine(dst []byte, m merge.Message) []byte {
	return append(AppendMessage(dst, m, maxWords), '\n')
}

// AppendMessage adds m in the form of a mailbox line, without its newline. A
// message of more than words integers is a fault of the program too.
func AppendMessage(dst []byte, m merge.Message, words int) []byte {
	if err := checkMessage(m, words); err != nil {
		panic(fmt.Sprintf("merge/runner: message %v: %v", m, err))
	}
	dst = append(dst, `{"msg_type":"`...)
	dst = append(dst, m.Type...)
	dst = append(dst, `","values":[`...)
	for i, v := range m.Values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, int64(v), 10)
	}
	return append(dst, "]}"...)
}

func checkMessage(m merge.Message, words int) error {
	if i := strings.IndexAny(m.Type, "\"\\"); i >= 0 {
		return fmt.Errorf("msg_type %q: no quotes or escapes", m.Type)
	}
	return m.Check(words)
}

// ParseLine reads a mailbox line, with or without its newline.
func ParseLine(line []byte) (merge.Message, error) { return ParseMessage(line, maxWords) }

// ParseMessage reads a message of at most words integers, in the form of a
// mailbox line.
func ParseMessage(body []byte, words int) (merge.Message, error) {
	p := parser{rest: body, words: words}
	var m merge.Message
	var err error
	hasType, hasValues := false, false
	p.expect('{')
	for first := true; p.err == nil && !p.skip('}'); first = false {
		if !first {
			p.expect(',')
		}
		key := p.text()
		p.expect(':')
		switch {
		case p.err != nil:
		case key == "msg_type" && !hasType:
			m.Type, hasType = p.text(), true
		case key == "values" && !hasValues:
			m.Values, hasValues = p.integers(), true
		case key == "msg_type", key == "values":
			p.err = fmt.Errorf("%s stands twice", key)
		default:
			p.err = fmt.Errorf("foreign key %.40q", key)
		}
	}
	if err = p.err; err != nil {
		return merge.Message{}, err
	}
	p.blanks()
	switch {
	case len(p.rest) > 0:
		err = errors.New("more than one object in a line")
	case !hasType || !hasValues:
		err = errors.New("msg_type or values is missing")
	default:
		err = checkMessage(m, words)
	}
	if err != nil {
		return merge.Message{}, err
	}
	return m, nil
}

// parser reads the part of JSON that messages are made of. The first error
// stays.
type parser struct {
	rest  []byte
	words int // most integers
	err   error
}

func (p *parser) blanks() { p.rest = bytes.TrimLeft(p.rest, " \t\r\n") }

// skip takes c if it comes next.
func (p *parser) skip(c byte) bool {
	p.blanks()
	if p.err != nil || len(p.rest) == 0 || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *parser) expect(c byte) {
	if p.skip(c) || p.err != nil {
		return
	}
	if len(p.rest) == 0 {
		p.err = fmt.Errorf("it ends where %q belongs", c)
	} else {
		p.err = fmt.Errorf("%q where %q belongs", p.rest[0], c)
	}
}

func (p *parser) text() string {
	p.expect('"')
	if p.err != nil {
		return ""
	}
	i := bytes.IndexByte(p.rest, '"')
	if i < 0 {
		p.err = errors.New("a text that does not end")
		return ""
	}
	s := string(p.rest[:i])
	p.rest = p.rest[i+1:]
	return s
}

func (p *parser) integers() []int32 {
	values := []int32{}
	p.expect('[')
	for first := true; p.err == nil && !p.skip(']'); first = false {
		if !first {
			p.expect(',')
		}
		if len(values) == p.words {
			p.err = fmt.Errorf("more than %d values", p.words)
			return nil
		}
		values = append(values, p.integer())
	}
	return values
}

func (p *parser) integer() int32 {
	p.blanks()
	n := 0
	for n < len(p.rest) && bytes.IndexByte([]byte("+-.0123456789eE"), p.rest[n]) >= 0 {
		n++
	}
	text := string(p.rest[:n])
	v, err := strconv.ParseInt(text, 10, 32)
	switch {
	case p.err != nil:
	case errors.Is(err, strconv.ErrRange):
		p.err = fmt.Errorf("%.40s is outside -2147483648..2147483647", text)
	case err != nil || strconv.FormatInt(v, 10) != text && text != "-0":
		p.err = fmt.Errorf("%.40q is no integer", p.rest[:min(len(p.rest), max(n, 1))])
	}
	p.rest = p.rest[n:]
	return int32(v)
}
