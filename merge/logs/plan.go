package logs

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"holdfast/internal/stream"
)

// A plan is how the files are read: one format, one set of columns.
type plan struct {
	format    string
	delimiter byte
	by        []column
	dedupe    []column // nil: none, or the whole line
	maxRecord int64

	keyer  keyer
	prints *printer // nil: duplicates are not looked for by fingerprints
	names  []string // of the CSV columns, as in the first file; nil: no header
	header []byte   // with its line end: what the output begins with
}

// byName is how messages call what the files are sorted by.
func (p *plan) byName() string {
	all := names(p.by)
	switch {
	case p.format != "text":
		return all
	case all == "0":
		return "whole lines"
	case len(p.by) == 1:
		return "field " + all
	}
	return "fields " + all
}

// keyText is the key of a record as it is spelled there.
func (p *plan) keyText(fields []field) string {
	all := make([]string, len(p.by))
	for i := range all {
		all[i] = clip(fields[i].text)
		if fields[i].missing {
			all[i] = "(missing)"
		}
	}
	return strings.Join(all, ",")
}

// A file is one input, before and between its uses.
type file struct {
	path   string
	name   string
	size   int64          // 0: not known
	kept   *stream.Stream // what cannot be opened twice: a pipe, standard input
	head   []byte         // that has been read of it
	info   os.FileInfo    // nil: standard input
	header []string       // nil: none
	first  []field        // wanted columns of the first record; nil: there is none
	order  []int          // see source
}

// survey opens every file once and makes the plan: the format, the columns,
// the header, and the types of the keys.
func (m *merge) survey() error {
	p := &plan{format: m.Format, maxRecord: m.MaxRecord, delimiter: m.Delimiter}
	m.plan = p
	var err error
	if p.format == "" || p.format == "auto" {
		if p.format, err = formatByName(m.Files); err != nil {
			return err
		}
	}
	for _, path := range m.Files {
		f, err := m.look(path)
		if err != nil {
			return err
		}
		m.files = append(m.files, f)
	}
	return m.types()
}

// look reads the beginning of a file.
func (m *merge) look(path string) (f *file, err error) {
	s, err := stream.Open(m.ctx, path, m.Stdin)
	if err != nil {
		return nil, unreadable(err)
	}
	f = &file{path: path, name: s.Name(), info: s.Info()}
	defer func() {
		if err != nil || f.kept == nil {
			s.Close()
		}
	}()
	if f.info == nil || !f.info.Mode().IsRegular() {
		f.kept = s
		m.kept++
	} else {
		f.size = f.info.Size()
	}
	p := m.plan
	if p.format == "" {
		start, err := s.Peek(64)
		if err != nil {
			return nil, unreadable(err)
		}
		p.format = m.guess(start)
	}
	if p.by == nil {
		if err := m.columns(); err != nil {
			return nil, err
		}
	}
	if p.format != "text" {
		if err := s.Text(); err != nil {
			return nil, unreadable(err)
		}
	}
	if p.format == "text" { // it has no header, and columns without a type are bytes
		return f, nil
	}
	return f, m.begin(f, s)
}

// columns parses the columns that are asked for, once the format is known.
func (m *merge) columns() (err error) {
	p := m.plan
	if m.By == "" && p.format != "text" {
		return usage("--by is missing: name the column that the files are sorted by")
	}
	if p.by, err = parseColumns(first(m.By, "0")); err != nil {
		return err
	}
	if m.Dedupe != "" && m.Dedupe != "line" {
		if p.dedupe, err = parseColumns(m.Dedupe); err != nil {
			return err
		}
	}
	for i, c := range slices.Concat(p.by, p.dedupe) {
		n := c.number()
		switch {
		case p.format == "text" && n < 0:
			return usage("column %q: text has no names, use the number of a field, or 0 for the whole line", c.name)
		case p.format == "csv" && m.NoHeader && n < 1:
			return usage("column %q: without a header use the number of a field, from 1", c.name)
		case p.format == "text" && c.kind == auto && i < len(p.by):
			p.by[i].kind = asBytes
		}
	}
	if p.delimiter == 0 && p.format == "csv" {
		p.delimiter = ','
		if !slices.ContainsFunc(m.Files, func(path string) bool { return extension(path) != ".tsv" }) {
			p.delimiter = '\t'
		}
	}
	for i := range p.dedupe {
		c := &p.dedupe[i]
		if j := slices.IndexFunc(p.by, func(b column) bool { return b.name == c.name }); j >= 0 && c.kind == auto {
			continue // it gets the type of its namesake
		}
		if c.kind == auto {
			c.kind = asBytes
		}
	}
	return nil
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// begin reads the header and the first record of a file.
func (m *merge) begin(f *file, s io.Reader) error {
	p := m.plan
	ended := false
	at := 0
	next := func(split splitter) (record []byte, body int, err error) {
		for {
			r, err := split.next(f.head[at:])
			if err != nil || ended && r.size == 0 {
				return nil, 0, nil // it will be told when it is read in earnest
			}
			if r.size > 0 {
				at += r.size
				if !r.blank {
					return f.head[at-r.size : at], r.body, nil
				}
				continue
			}
			if int64(len(f.head)) > p.maxRecord {
				return nil, 0, nil
			}
			from := len(f.head)
			f.head = slices.Grow(f.head, max(64<<10, from))
			n, err := s.Read(f.head[from:cap(f.head)])
			f.head = f.head[:from+n]
			if err == io.EOF {
				ended = true
				if from+n > 0 && f.head[from+n-1] != '\n' {
					f.head = append(f.head, '\n')
				}
			} else if err != nil {
				return nil, 0, unreadable(err)
			}
		}
	}
	if p.format == "csv" && !m.NoHeader {
		c := &csvRecords{delimiter: p.delimiter}
		r, body, err := next(c)
		if err != nil || r == nil {
			return err
		}
		if err := m.headerOf(f, c, r, body); err != nil {
			return err
		}
	}
	split, err := m.splitterFor(f)
	if err != nil {
		return err
	}
	r, body, err := next(split)
	if err != nil || r == nil {
		return err
	}
	if c, ok := split.(*csvRecords); ok && c.count == 0 { // no header: the first record of all counts
		c.split(r[:body])
		m.fieldCount = len(c.spans)
		c.count = m.fieldCount
	}
	fields := make([]field, len(p.by)+len(p.dedupe))
	if split.fields(r[:body], fields) == nil {
		for i := range fields {
			fields[i].text = slices.Clone(fields[i].text)
		}
		f.first = fields
	}
	if f.kept == nil {
		f.head = nil
	}
	return nil
}

// headerOf takes the header of a file and compares it with the first one.
func (m *merge) headerOf(f *file, c *csvRecords, r []byte, body int) error {
	p := m.plan
	c.split(r[:body])
	c.text = nil
	for _, s := range c.spans {
		f.header = append(f.header, string(c.field(r, s).text))
	}
	switch {
	case p.names == nil:
		p.names, p.header, m.headerFile = f.header, slices.Clone(r), f.name
		return nil
	case slices.Equal(p.names, f.header):
		return nil
	}
	e := &InputError{File: f.name, Line: 1, Reason: fmt.Sprintf("its header is %s, that of %s is %s",
		clip([]byte(strings.Join(f.header, ","))), m.headerFile, clip([]byte(strings.Join(p.names, ",")))), Hint: "use --align if the columns are the same in another order"}
	if !m.Align {
		return e
	}
	for _, name := range p.names {
		f.order = append(f.order, slices.Index(f.header, name))
	}
	sorted := slices.Sorted(slices.Values(f.order))
	for i, n := range sorted {
		if i != n || len(f.header) != len(p.names) {
			e.Hint = "the same columns must be there, each once"
			return e
		}
	}
	return nil
}

// splitterFor makes the splitter of a file. f is nil for a temporary file,
// whose columns are those of the output.
func (m *merge) splitterFor(f *file) (splitter, error) {
	p := m.plan
	all := slices.Concat(p.by, p.dedupe)
	if p.format == "jsonl" {
		return newJSONLines(all), nil
	}
	want := make([]int, len(all))
	for i, c := range all {
		want[i] = c.number()
	}
	if p.format == "text" {
		return &textLines{want: want, delimiter: p.delimiter}, nil
	}
	header, count := p.names, len(p.names)
	if f != nil && f.header != nil {
		header = f.header
	}
	switch {
	case header == nil && !m.NoHeader: // there are no records
		return &csvRecords{want: make([]int, len(want)), delimiter: p.delimiter}, nil
	case header == nil:
		count = m.fieldCount
	}
	for i, c := range all {
		n := slices.Index(header, c.name)
		switch {
		case n >= 0 && slices.Contains(header[n+1:], c.name):
			return nil, &InputError{File: m.headerFile, Line: 1, Reason: fmt.Sprintf("two columns are called %s", c.name), Hint: "name the column by its number"}
		case n >= 0:
		case want[i] > 0 && (count == 0 || want[i] <= count):
			if n = want[i] - 1; f != nil && f.order != nil {
				n = f.order[n]
			}
		default:
			return nil, m.noColumn(c.name, header, count)
		}
		want[i] = n
	}
	return &csvRecords{want: want, delimiter: p.delimiter, count: count}, nil
}

func (m *merge) noColumn(name string, header []string, count int) error {
	e := &InputError{File: first(m.headerFile, m.Files[0]), Line: 1, Reason: fmt.Sprintf("it has no column %s", name)}
	if header != nil {
		e.Hint = "it has " + clip([]byte(strings.Join(header, ",")))
	} else {
		e.Hint = fmt.Sprintf("it has %d", count)
	}
	return e
}

// types finds the types of the columns for which none is given: the first
// that the first records of all files satisfy.
func (m *merge) types() error {
	p := m.plan
	if p.by == nil { // there are no files with anything in them
		p.format = first(p.format, "text")
		if err := m.columns(); err != nil {
			return err
		}
	}
	records := slices.ContainsFunc(m.files, func(f *file) bool { return f.first != nil })
	for i := range p.by {
		c := &p.by[i]
		if !records && c.kind == auto {
			c.kind = asBytes
		}
		for k := asTime; c.kind == auto; k++ {
			suits := !slices.ContainsFunc(m.files, func(f *file) bool {
				return f.first != nil && !f.first[i].missing && !fits(k, f.first[i].text)
			})
			if suits {
				c.kind = k
			}
		}
		for j := range p.dedupe {
			if d := &p.dedupe[j]; d.name == c.name && d.kind == auto {
				d.kind = c.kind
			}
		}
	}
	p.keyer = keyer{columns: p.by, trim: p.format == "text"}
	if m.Missing != "" {
		p.keyer.missing = m.Missing[0]
	}
	return m.planDedupe()
}
