package ingest

import (
	"context"
	"fmt"
)

// table reads the records of a CSV file that has a layout.
type table struct {
	*account
	layout layout
	s      *Scanner
	header Header
}

func openTable(ctx context.Context, path string, l layout, o Options) (*table, error) {
	switch d := o.Delimiter; {
	case d == '"' || d == '\n' || d == '\r' || d == '#' || d >= 0x80:
		return nil, &UsageError{Reason: fmt.Sprintf("%q cannot be a delimiter", d), Hint: "use , ; or a tab"}
	}
	file, err := openText(ctx, path, o.Stdin)
	if err != nil {
		return nil, err
	}
	t := &table{account: newAccount(file, o), layout: l, s: NewScanner(file, o.Delimiter)}
	if err := t.readHeader(); err != nil {
		file.Close()
		return nil, err
	}
	if n := len(t.header.Extra); n > 0 {
		t.warnings = append(t.warnings, extraColumns(t.header.Extra))
	}
	return t, nil
}

func extraColumns(extra []string) string {
	s := fmt.Sprintf("%d extra column", len(extra))
	if len(extra) > 1 {
		s += "s"
	}
	s += ":"
	for i, name := range extra {
		if i == 10 {
			return s + " …"
		}
		if i > 0 {
			s += ","
		}
		s += " " + clip([]byte(name))
	}
	return s
}

// next goes to the next record that has the right number of fields. Its errors
// are final; io.EOF is one of them.
func (t *table) next() error {
	for t.done == nil {
		if !t.s.Scan() {
			if err := t.s.Err(); err != nil {
				return t.failed(err)
			}
			return t.end()
		}
		if t.s.cr {
			t.header.CR = true
		}
		if t.skip() {
			continue
		}
		t.records++
		reason, hint := t.shape()
		if reason == "" {
			return nil
		}
		if err := t.rejectRecord(reason, hint); err != nil {
			return err
		}
	}
	return t.done
}

// skip reports and counts a line that is no data record.
func (t *table) skip() bool {
	switch {
	case isBlank(t.s.raw, t.s.delimiter):
		t.notes.count(blankLines)
	case t.s.raw[0] == '#' && (t.s.fault != "" || len(t.s.fields) != len(t.header.Names)):
		t.notes.count(commentLines)
	default:
		return false
	}
	return true
}

// isBlank reports a line of spaces and tabs, unless they delimit fields.
func isBlank(line []byte, delimiter byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' || c == delimiter {
			return false
		}
	}
	return true
}

// shape tells why a record cannot be looked at field by field.
func (t *table) shape() (reason Reason, hint string) {
	switch t.s.fault {
	case "":
		if have, want := len(t.s.fields), len(t.header.Names); have != want {
			return FieldCount, fmt.Sprintf("it has %d fields, the header %d", have, want)
		}
		return "", ""
	case BadText:
		hint = "its quotes do not pair up"
	case FieldSize:
		hint = "a field has over 1 MiB, or the record over 4 MiB"
	case FieldCount:
		hint = "it has several lines and another number of fields than the header: a quote may be missing"
	}
	return t.s.fault, hint
}

// rejectRecord rejects the record at hand. The last one is cut off, for all
// anybody can tell, if it has no line end (R6).
func (t *table) rejectRecord(reason Reason, hint string) error {
	if t.s.end == 0 && reason != FieldSize {
		hint = "the file ends without a line end, and its last record is unusable (" + reason + ")"
		reason = TruncatedTail
	}
	return t.reject(Reject{Line: t.s.line, Reason: reason, Hint: hint, Raw: t.s.raw})
}

// used counts what there is to say of a record without faults.
func (t *table) used() {
	if t.s.end == 0 {
		t.notes.count(noFinalNewline)
	}
}

// Header returns the header of the file, and whether records read so far ended
// in CR.
func (t *table) Header() Header { return t.header }
