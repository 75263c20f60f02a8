package logs

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonLines splits JSON lines: one object a line, nothing else. Empty lines
// are no records.
type jsonLines struct {
	want [][]string // paths of names
	scan jsonScanner

	// of the record whose fields are being looked for
	record []byte
	into   []field
	text   []byte // strings with their escapes undone
	err    error
}

func newJSONLines(columns []column) *jsonLines {
	j := &jsonLines{}
	for _, c := range columns {
		j.want = append(j.want, strings.Split(c.name, "."))
	}
	j.scan.value = j.value
	return j
}

func (j *jsonLines) next(b []byte) (record, error) {
	n := bytes.IndexByte(b, '\n')
	if n < 0 {
		return record{}, nil
	}
	n++
	body := lineBody(b[:n])
	return record{size: n, body: body, lines: 1, blank: len(bytes.TrimLeft(b[:body], " \t\r")) == 0}, nil
}

func (j *jsonLines) unfinished() error { return errNewline }

func (j *jsonLines) fields(r []byte, into []field) error {
	for i := range into {
		into[i] = field{missing: true}
	}
	j.record, j.into, j.text, j.err = r, into, j.text[:0], nil
	if err := j.scan.object(r); err != nil {
		return err
	}
	return j.err
}

// value takes a value that the scanner has passed, if it is wanted. Of two
// with the same name the last one counts.
func (j *jsonLines) value(from, to int) {
	for i, want := range j.want {
		if !j.scan.at(want) {
			continue
		}
		f, err := j.field(j.record, from, to)
		if err != nil {
			j.err = fmt.Errorf("%s is %w", strings.Join(want, "."), err)
		}
		j.into[i] = f
	}
}

var errComposite = errors.New("an object or a list, which has no order")

func (j *jsonLines) field(r []byte, from, to int) (field, error) {
	switch r[from] {
	case 'n':
		return field{missing: true}, nil
	case '{', '[':
		return field{missing: true}, errComposite
	case '"':
		text := r[from+1 : to-1]
		if bytes.IndexByte(text, '\\') < 0 {
			return field{text: text, at: from + 1}, nil
		}
		begin := len(j.text)
		j.text = appendUnescaped(j.text, text)
		return field{text: j.text[begin:len(j.text):len(j.text)], at: -1}, nil
	}
	return field{text: r[from:to], at: from}, nil
}

// appendUnescaped undoes the escapes of a JSON string that a scanner has
// passed. Half a surrogate pair becomes U+FFFD, as encoding/json has it.
func appendUnescaped(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := hex4(s[i+1:])
			i += 4
			if utf16.IsSurrogate(r) {
				second := rune(utf8.RuneError)
				if i+6 < len(s) && s[i+1] == '\\' && s[i+2] == 'u' {
					second = hex4(s[i+3:])
				}
				if r = utf16.DecodeRune(r, second); r != utf8.RuneError {
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
		default: // " \ /
			dst = append(dst, s[i])
		}
	}
	return dst
}

func hex4(s []byte) (r rune) {
	for _, c := range s[:4] {
		switch {
		case c <= '9':
			c -= '0'
		default:
			c = c | 0x20 - 'a' + 10
		}
		r = r<<4 | rune(c)
	}
	return r
}
