package logs

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"holdfast/merge/kway"
)

// textLines splits text as GNU sort does: a record is a line, whatever bytes
// it holds. Without a delimiter a field reaches from the end of the one before
// it to the next blank that follows something else, so it begins with the
// blanks between the two; with one, it is what stands between two delimiters.
// A field that a line does not have is empty.
type textLines struct {
	want      []int // numbers from 1, 0 for the whole line
	delimiter byte  // 0: blanks
}

func (t *textLines) next(b []byte) (record, error) {
	n := bytes.IndexByte(b, '\n')
	if n < 0 {
		return record{}, nil
	}
	return record{size: n + 1, body: n, lines: 1}, nil
}

func (t *textLines) unfinished() error { return errNewline }

func (t *textLines) fields(r []byte, into []field) error {
	for i, n := range t.want {
		from, to := t.field(r, n)
		into[i] = field{text: r[from:to], at: from}
	}
	return nil
}

func (t *textLines) field(r []byte, n int) (from, to int) {
	switch {
	case n == 0:
		return 0, len(r)
	case t.delimiter != 0:
		return delimited(r, n, t.delimiter)
	}
	return blanked(r, n)
}

// cutLines is source.cut for lines whose key is a field as it stands. It is
// what most merges spend their time on, so nothing in it is decided for each
// line that can be decided once.
func (s *source) cutLines(b *batch, input []byte, t *textLines) (n int, err error) {
	key, column := s.key, t.want[0]
	for len(b.recs) < cap(b.recs) {
		size := bytes.IndexByte(input[n:], '\n')
		if size < 0 {
			break
		}
		line := input[n : n+size]
		if int64(size) > s.p.maxRecord {
			return n, s.tooLong()
		}
		from, to := t.field(line, column)
		last := key
		key = line[from:to]
		p := place{from: uint32(n), to: uint32(n + size + 1), key: uint32(n + from), size: uint32(to - from)}
		if last == nil {
			p.code = kway.First(key)
		} else if c, ok := kway.Next(last, key); ok {
			p.code = c
		} else {
			s.fields[0], s.keyLine = field{text: key}, s.line-1
			return n, s.disorder()
		}
		b.recs = append(b.recs, p)
		n += size + 1
		s.line++
	}
	s.key = key
	return n, nil
}

func delimited(r []byte, n int, delimiter byte) (from, to int) {
	for ; n > 1; n-- {
		i := bytes.IndexByte(r[from:], delimiter)
		if i < 0 {
			return len(r), len(r)
		}
		from += i + 1
	}
	if i := bytes.IndexByte(r[from:], delimiter); i >= 0 {
		return from, from + i
	}
	return from, len(r)
}

func blanked(r []byte, n int) (from, to int) {
	for ; n > 0; n-- {
		from = to
		for to < len(r) && (r[to] == ' ' || r[to] == '\t') {
			to++
		}
		to += blank(r[to:])
	}
	return from, to
}

// blank is where the first blank or tab stands, len(b) if there is none. Eight
// bytes at a time: of x with one bit in each byte taken away, the lowest byte
// that lost its top bit for it was zero (H. S. Warren, Hacker's Delight, 6-1).
func blank(b []byte) int {
	const each, top = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; len(b)-n >= 8; n += 8 {
		x := binary.LittleEndian.Uint64(b[n:])
		space, tab := x^' '*each, x^'\t'*each
		if found := ((space-each)&^space | (tab-each)&^tab) & top; found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
	}
	for n < len(b) && b[n] != ' ' && b[n] != '\t' {
		n++
	}
	return n
}
