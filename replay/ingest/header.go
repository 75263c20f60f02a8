package ingest

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Header is what the first record of a CSV file says of the others.
type Header struct {
	Raw       []byte   // the record without its line end; nil if there is none
	Names     []string // of all columns, trimmed; without a header, the documented ones
	Columns   []int    // where the needed columns stand, in documented order
	Extra     []string // names of the columns that are not needed
	Delimiter byte
	Line      int64 // physical line of the header; 0 if there is none
	Size      int64 // offset of the first data record: the header, its line end and what stands before it
	CR        bool  // a record read so far ended in CR or CRLF
}

// delimiters are those that a header is tried with, in order of preference.
const delimiters = ",;\t"

// maxHeader bounds what is looked at to find out the delimiter.
const maxHeader = 64 << 10

// layout is what a kind of file needs: its columns in documented order, and
// which of them holds a time in every record.
type layout struct {
	names []string
	time  int
}

// trial is the first record of a file as read with one delimiter.
type trial struct {
	delimiter byte
	fields    [][]byte
	columns   []int  // where the needed names stand; -1: nowhere
	found     int    // how many of them do
	repeated  string // one that stands twice
}

// try reads the record at the front of text.
func (l layout) try(text []byte, delimiter byte) trial {
	t := trial{delimiter: delimiter, columns: make([]int, len(l.names))}
	if s := (&Scanner{w: windowOn(text), delimiter: delimiter}); s.Scan() {
		t.fields = s.Fields()
	}
	for i, name := range l.names {
		t.columns[i] = -1
		for j, f := range t.fields {
			switch {
			case !strings.EqualFold(string(bytes.TrimSpace(f)), name):
			case t.columns[i] >= 0:
				t.repeated = name
			default:
				t.columns[i] = j
				t.found++
			}
		}
	}
	return t
}

// isData reports a time where one belongs in a file without header.
func (l layout) isData(t trial) bool {
	if len(t.fields) <= l.time || IsMissing(t.fields[l.time]) {
		return false
	}
	c := TimeColumn{}
	at, err := c.Parse(t.fields[l.time], 0)
	return err == nil && at.Reason != BadTime
}

// best is the trial with the most needed names; else one that is data; else the
// one with the most fields.
func (l layout) best(text []byte, delimiter byte) trial {
	candidates := []byte(delimiters)
	if delimiter != 0 {
		candidates = []byte{delimiter}
	}
	rank := func(t trial) int {
		r := t.found<<20 + min(len(t.fields), 1<<18)
		if l.isData(t) {
			r += 1 << 19
		}
		return r
	}
	best := l.try(text, candidates[0])
	for _, d := range candidates[1:] {
		if t := l.try(text, d); rank(t) > rank(best) {
			best = t
		}
	}
	return best
}

// readHeader finds the header, which is the first line that is neither blank
// nor a comment, and the delimiter with it (R4, R5). With Options.NoHeader only
// the delimiter and the number of columns are read, off the first record. An
// empty file gets the documented columns.
func (t *table) readHeader() error {
	t.header = Header{Names: t.layout.names, Delimiter: t.o.Delimiter}
	if t.header.Delimiter == 0 {
		t.header.Delimiter = delimiters[0]
	}
	for i := range t.layout.names {
		t.header.Columns = append(t.header.Columns, i)
	}
	first, err := t.skipToFirst()
	if err != nil {
		return err
	}
	t.header.Size = t.s.w.offset()
	t.header.Delimiter = first.delimiter
	t.s.delimiter = first.delimiter
	if len(t.s.w.rest()) == 0 {
		t.s.Want(len(t.header.Names))
		return nil
	}
	if t.o.NoHeader {
		t.nameColumns(len(first.fields))
	} else if err := t.takeHeader(); err != nil {
		return err
	}
	t.s.Want(len(t.header.Names))
	return nil
}

// skipToFirst consumes blank and comment lines and returns the best trial of
// what follows.
func (t *table) skipToFirst() (trial, error) {
	w := &t.s.w
	for {
		n, size, ok := w.line()
		line := w.rest()[:n]
		switch {
		case w.err != nil:
			return trial{}, t.failed(w.err)
		case !ok:
			return trial{}, t.unusable(t.s.lines+1, "the first line is over 4 MiB", "is this a CSV file?")
		case n+size > 0 && isBlank(line, 0):
			t.notes.count(blankLines)
		case n > 0 && line[0] == '#' && t.isComment(t.layout.best(line, t.o.Delimiter)):
			t.notes.count(commentLines)
		default:
			for len(w.rest()) < maxHeader && w.fill() {
			}
			return t.layout.best(w.rest()[:min(len(w.rest()), maxHeader)], t.o.Delimiter), nil
		}
		w.consume(n + size)
		t.s.lines++
	}
}

// isComment tells whether a line that begins with # before the header is one.
func (t *table) isComment(line trial) bool {
	if t.o.NoHeader {
		return len(line.fields) != len(t.layout.names)
	}
	return line.found < len(t.layout.names)
}

// nameColumns names the columns of a file without header that has n of them.
// They stand in the documented order, extra ones behind.
func (t *table) nameColumns(n int) {
	t.header.Names = slices.Clone(t.layout.names)
	for i := len(t.layout.names); i < n; i++ {
		t.header.Names = append(t.header.Names, fmt.Sprintf("column %d", i+1))
	}
	t.header.Extra = t.header.Names[len(t.layout.names):]
}

// takeHeader reads the header at the front of the window.
func (t *table) takeHeader() error {
	h := &t.header
	if t.s.Scan(); t.s.Err() != nil {
		return t.failed(t.s.Err())
	}
	h.Raw, h.Line, h.CR = bytes.Clone(t.s.Raw()), t.s.Line(), t.s.EndsInCR()
	h.Size = t.s.w.offset()
	found := t.layout.try(h.Raw, h.Delimiter)
	if err := t.checkHeader(found); err != nil {
		return err
	}
	h.Columns, h.Names = found.columns, nil
	for i, f := range found.fields {
		name := string(bytes.TrimSpace(f))
		h.Names = append(h.Names, name)
		if !slices.Contains(h.Columns, i) {
			h.Extra = append(h.Extra, name)
		}
	}
	return nil
}

// checkHeader refuses a header that does not name each needed column once.
func (t *table) checkHeader(found trial) error {
	line := t.s.Line()
	switch {
	case t.s.Fault() != "":
		return t.unusable(line, "the header's quotes do not pair up", "mend the first line")
	case found.repeated != "":
		return t.unusable(line, fmt.Sprintf("column %q stands twice", found.repeated), "rename one of them")
	case found.found == len(t.layout.names):
		return nil
	case found.found == 0 && t.layout.isData(found):
		return t.unusable(line, "the first record looks like data, not like a header",
			"--no-header reads the columns as "+strings.Join(t.layout.names, ", "))
	}
	var missing, have []string
	for i, name := range t.layout.names {
		if found.columns[i] < 0 {
			missing = append(missing, strconv.Quote(name))
		}
	}
	for _, f := range found.fields[:min(len(found.fields), 10)] {
		have = append(have, clip(f))
	}
	if len(found.fields) > 10 {
		have = append(have, "…")
	}
	return t.unusable(line, "no column "+strings.Join(missing, ", ")+"; found "+strings.Join(have, ", "),
		"rename a column, or name the separator with --delimiter")
}
