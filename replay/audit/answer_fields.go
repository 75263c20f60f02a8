package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"

	"holdfast/replay"
	"holdfast/replay/ingest"
	"holdfast/replay/report"
	"holdfast/replay/tick"
)

// answerError says of a file that cannot be read what to do about it.
func answerError(path string, err error) error {
	var input *ingest.InputError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &ingest.InputError{File: path, Reason: "no such file", Hint: answerHint, Err: err}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &ingest.InputError{File: path, Reason: "has no header", Hint: answerHint, Err: err}
	case errors.As(err, &input):
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// answerFields is a record whose fields are asked for by column name. The
// first field that is not what it should be is kept in err.
type answerFields struct {
	path   string
	at     map[string]int
	line   int64
	fields [][]byte
	err    error
}

func (f *answerFields) header(found [][]byte, wanted []string) error {
	for i, name := range found {
		f.at[string(name)] = i
	}
	for _, name := range wanted {
		if _, ok := f.at[name]; !ok {
			return &ingest.InputError{File: f.path, Line: 1, Reason: "no column " + name, Hint: answerHint}
		}
	}
	return nil
}

func (f *answerFields) fail(column, want string) {
	if f.err == nil {
		f.err = &ingest.InputError{File: f.path, Line: f.line, Reason: fmt.Sprintf("%s is %.60q, not %s", column, f.text(column), want), Hint: answerHint}
	}
}

func (f *answerFields) bytes(column string) []byte { return f.fields[f.at[column]] }
func (f *answerFields) text(column string) string  { return string(f.bytes(column)) }

func (f *answerFields) int(column string) int64 {
	n, err := strconv.ParseInt(f.text(column), 10, 64)
	if err != nil || n < 0 {
		f.fail(column, "a whole number")
	}
	return n
}

// ints is a list of numbers, none for an empty field.
func (f *answerFields) ints(column string) []int64 {
	var list []int64
	for _, part := range report.SplitList(f.text(column)) {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil || n < 0 {
			f.fail(column, "a list of whole numbers")
			return nil
		}
		list = append(list, n)
	}
	return list
}

// optionalInt is 0 for an empty field.
func (f *answerFields) optionalInt(column string) int64 {
	if len(f.bytes(column)) == 0 {
		return 0
	}
	return f.int(column)
}

func (f *answerFields) time(column string, c *ingest.TimeColumn) tick.Nanos {
	t, err := c.Parse(f.bytes(column), f.line)
	if err != nil || t.Reason != "" {
		f.fail(column, "a time")
	}
	return t.Nanos
}

func (f *answerFields) price(column string) tick.Price {
	p, reason, _ := ingest.ParsePrice(f.bytes(column))
	if reason != "" {
		f.fail(column, "a price")
	}
	return p
}

// probability is unknown for an empty field.
func (f *answerFields) probability(column string) (p float64, known bool) {
	text := f.text(column)
	if text == "" {
		return 0, false
	}
	p, err := strconv.ParseFloat(text, 64)
	if err != nil || !(p >= 0 && p <= 1) {
		f.fail(column, "a probability")
	}
	return p, true
}

func (f *answerFields) label(column string) replay.Label {
	switch f.text(column) {
	case "certain":
		return replay.Certain
	case "likely":
		return replay.Likely
	case "ambiguous":
		return replay.Ambiguous
	case "orphan":
		return replay.Orphan
	}
	f.fail(column, "certain, likely, ambiguous or orphan")
	return replay.Orphan
}
