package dedupe

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"holdfast/replay/report"
)

// removedHeader is the first line of the list of removed and rejected rows
// (section 6). Rows stand in file order.
const removedHeader = "row,line,disposition,reason,kept_row,event_id,match,raw\n"

// maxRaw is how much of a record the list shows, in bytes: of one that was
// rejected because it is longer than any reader takes, the beginning.
const maxRaw = 64 << 10

// removedList writes that list.
type removedList struct {
	out  *bufio.Writer
	safe bool // prefix text that a spreadsheet would run
	line []byte
}

func newRemovedList(out io.Writer, safe bool) *removedList {
	l := &removedList{out: bufio.NewWriterSize(out, 1<<16), safe: safe}
	l.out.WriteString(removedHeader)
	return l
}

func (l *removedList) add(f *found, d Decision) error {
	b := strconv.AppendInt(l.line[:0], f.n, 10)
	b = append(strconv.AppendInt(append(b, ','), f.line, 10), ',')
	if d.Action == Reject {
		b = append(b, "rejected,"...)
	} else {
		b = append(b, "removed,"...)
	}
	b = append(appendField(b, d.Reason, l.safe), ',')
	if d.KeptRow != 0 {
		b = strconv.AppendInt(b, d.KeptRow, 10)
	}
	b = append(appendField(append(b, ','), d.EventID, l.safe), ',')
	b = append(appendField(b, d.Match, l.safe), ',')
	b = append(appendField(b, f.raw[:min(len(f.raw), maxRaw)], l.safe), '\n')
	l.line = b
	_, err := l.out.Write(b)
	return err
}

// appendField appends text as a CSV field, quoted only where needed. NUL and
// bytes that are not UTF-8 become \xNN, so that every CSV reader takes the file.
func appendField[T string | []byte](b []byte, field T, safe bool) []byte {
	if len(field) == 0 {
		return b
	}
	start := len(b)
	if safe && strings.IndexByte("=+-@", field[0]) >= 0 {
		b = append(b, '\'')
	}
	if isText([]byte(field)) {
		b = append(b, field...)
	} else {
		b = append(b, report.ValidText(string(field))...)
	}
	text := b[start:]
	if !bytes.ContainsAny(text, ",\"\r\n") && text[0] != ' ' && text[0] != '\t' {
		return b
	}
	quoted := append(make([]byte, 0, len(text)+8), '"')
	quoted = append(quoted, bytes.ReplaceAll(text, []byte{'"'}, []byte(`""`))...)
	return append(append(b[:start], quoted...), '"')
}

func isText(b []byte) bool { return utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 }
