package guard

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Message is what a key is taken from. Header gives the first value of a
// header; nil if there are none.
type Message struct {
	Subject string
	Header  func(name string) (string, bool)
	Body    []byte
}

// A Key is what must be unique in the sink: 32 hexadecimal digits, and the
// same for people to read.
//
// The digits are the first 128 bits of SHA-256 over the fields' values, in the
// order of the fields, each as
//
//	type (1 byte: s string, n number, b boolean) | length (8 bytes, big endian) | value
//
// so that no two lists of values have the same bytes. A number stands by its
// decimal value, so 1.0 is 1, and is not the string "1".
type Key struct {
	Hex  string
	Text string // field=value, at most 256 bytes, printable
}

// Limits on a list of fields: more is a mistake.
const (
	maxFields   = 64
	maxKeyText  = 256
	maxReadable = 64 // of one value in Text
)

// Fields say where in a message its key is. [ParseFields] makes them.
type Fields []field

type field struct {
	name   string
	kind   fieldKind
	path   []string // of body
	header string
}

type fieldKind uint8

const (
	bodyField fieldKind = iota
	subjectField
	headerField
)

// ParseFields reads a list such as
//
//	symbol,meta.id,items.0.price,@subject,@header:Order
//
// Path elements are names or indexes; a dot, comma or backslash in a name is
// written with a backslash in front.
func ParseFields(text string) (Fields, error) {
	var fields Fields
	for _, name := range split(text, ',') {
		f, err := parseField(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	if len(fields) > maxFields {
		return nil, fmt.Errorf("%d fields: at most %d make a key", len(fields), maxFields)
	}
	return fields, nil
}

// String spells the list as ParseFields reads it.
func (fs Fields) String() string {
	names := make([]string, len(fs))
	for i, f := range fs {
		names[i] = f.name
	}
	return strings.Join(names, ",")
}

func parseField(name string) (field, error) {
	f := field{name: name}
	switch header, isHeader := strings.CutPrefix(name, "@header:"); {
	case name == "":
		return f, errors.New("a field has no name")
	case name == "@subject":
		f.kind = subjectField
	case isHeader && header != "":
		f.kind, f.header = headerField, header
	case name[0] == '@':
		return f, fmt.Errorf("%q: the special fields are @subject and @header:NAME", name)
	default:
		for _, part := range split(name, '.') {
			part = unescape(part)
			if part == "" {
				return f, fmt.Errorf("%q: an element of the path is empty", name)
			}
			f.path = append(f.path, part)
		}
	}
	return f, nil
}

// split cuts at each separator that has no backslash in front, and leaves the
// backslashes.
func split(text string, sep byte) []string {
	var parts []string
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case sep:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// Key gives the key of a message. The error says which field is missing or
// cannot be part of a key: null, an object, a list, text that is not Unicode.
func (fs Fields) Key(m Message) (Key, error) {
	h := sha256.New()
	var text strings.Builder
	var doc []byte
	for i, f := range fs {
		if f.kind == bodyField && doc == nil {
			if !utf8.Valid(m.Body) { // encoding/json would make different texts equal
				return Key{}, errors.New("the body is not UTF-8")
			}
			if !json.Valid(m.Body) {
				return Key{}, errors.New("the body is not JSON")
			}
			doc = m.Body
		}
		kind, value, err := f.value(m, doc)
		if err != nil {
			return Key{}, fmt.Errorf("field %s: %w", f.name, err)
		}
		var head [9]byte
		head[0] = kind
		binary.BigEndian.PutUint64(head[1:], uint64(len(value)))
		h.Write(head[:])
		h.Write([]byte(value))
		if i > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(f.name + "=" + readable(kind, value))
	}
	var sum [sha256.Size]byte
	return Key{hex.EncodeToString(h.Sum(sum[:0])[:16]), clip(printable(text.String()), maxKeyText)}, nil
}

func (f field) value(m Message, doc []byte) (kind byte, value string, err error) {
	switch f.kind {
	case subjectField:
		return 's', m.Subject, nil
	case headerField:
		if m.Header != nil {
			if v, ok := m.Header(f.header); ok {
				return 's', v, nil
			}
		}
		return 0, "", errors.New("the message has no such header")
	}
	for _, name := range f.path {
		if doc, err = member(doc, name); err != nil {
			return 0, "", err
		}
	}
	return scalar(doc)
}

func readable(kind byte, value string) string {
	if kind == 'n' {
		value = strings.TrimSuffix(value, "e0")
	}
	return clip(value, maxReadable)
}

// clip shortens text to at most n bytes, at a character's end.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n -= len("…"); n > 0 && !utf8.RuneStart(text[n]); n-- {
	}
	return text[:n] + "…"
}

// printable replaces what would break a header.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, text)
}
