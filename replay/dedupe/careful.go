package dedupe

import (
	"bytes"
	"fmt"

	"holdfast/replay/ingest"
	"holdfast/replay/tick"
)

// careful reads any record that the fast way leaves, by the rules of R3-R10.
// It is used by one goroutine.
type careful struct {
	*format
	// decoders[u] reads epoch numbers of unit u, decoders[0] everything else, so
	// that mixed units are found by whoever sees the whole file.
	decoders [tick.Nanoseconds + 1]*ingest.RowDecoder
	split    [][]byte
	f        fields

	notes  notes
	epochs epochs // lines within the chunk
}

func newCareful(f *format) (*careful, error) {
	c := &careful{format: f}
	for i := range c.decoders {
		var err error
		if c.decoders[i], err = ingest.NewRowDecoder(f.header, f.read); err != nil {
			return nil, err
		}
	}
	c.f.texts = make([][]byte, len(f.roles))
	return c, nil
}

// blank reports a line of spaces and tabs, unless they delimit fields.
func (c *careful) blank(line []byte) bool {
	for _, b := range line {
		if b != ' ' && b != '\t' || b == c.delimiter {
			return false
		}
	}
	return true
}

// isRecord reports whether a plain line is a data record, rather than blank or
// a comment (R4).
func (c *careful) isRecord(line []byte) bool {
	if len(line) > 0 && line[0] == '#' {
		return bytes.Count(line, []byte{c.delimiter})+1 == len(c.roles)
	}
	return len(line) > 0 && line[0] > ' ' || !c.blank(line)
}

// isQuotedRecord is isRecord for what a Scanner found.
func (c *careful) isQuotedRecord(s *ingest.Scanner) bool {
	if raw := s.Raw(); len(raw) > 0 && raw[0] == '#' {
		return s.Fault() == "" && len(s.Fields()) == len(c.roles)
	}
	return !c.blank(s.Raw())
}

// skipped counts a line that is no record.
func (c *careful) skipped(line []byte) {
	if len(line) > 0 && line[0] == '#' {
		c.notes[commentLines]++
		return
	}
	c.notes[blankLines]++
}

// line reads a plain line.
func (c *careful) line(raw []byte, ended bool, line int64) (*fields, ingest.Reason, string) {
	c.split = c.split[:0]
	for {
		i := bytes.IndexByte(raw, c.delimiter)
		if i < 0 {
			break
		}
		c.split = append(c.split, raw[:i])
		raw = raw[i+1:]
	}
	c.split = append(c.split, raw)
	return c.record(c.split, "", ended, line)
}

// record reads the values of a record; reason and hint say why it cannot be
// used. The last record of a file is cut off, for all anybody can tell, if it
// has no line end (R6).
func (c *careful) record(split [][]byte, fault ingest.Reason, ended bool, line int64) (*fields, ingest.Reason, string) {
	reason, hint := fault, ""
	if reason == "" {
		reason, hint = c.decode(split, line)
	}
	if reason == "" {
		if !ended {
			c.notes[noFinalNewline]++
		}
		return &c.f, "", ""
	}
	if !ended && reason != ingest.FieldSize {
		return nil, ingest.TruncatedTail, "the file ends without a line end"
	}
	return nil, reason, hint
}

func (c *careful) decode(split [][]byte, line int64) (reason ingest.Reason, hint string) {
	if len(split) != len(c.roles) {
		return ingest.FieldCount, fmt.Sprintf("it has %d fields, the header %d", len(split), len(c.roles))
	}
	for _, i := range c.texts {
		if !isText(split[i]) {
			return ingest.BadText, "a field of the key has a NUL or is not UTF-8"
		}
		c.f.texts[i] = split[i]
	}
	unit := c.unit(split)
	row, reason, hint, err := c.decoders[unit].Decode(split, line)
	if err != nil || reason != "" { // no error: each decoder sees one unit
		return reason, hint
	}
	c.f.time, c.f.price, c.f.symbol, c.f.timeText = row.Time.Nanos, row.Price, row.Symbol, row.TimeText
	if row.Time.Epoch && unit != 0 {
		c.epochs.see(unit, line)
	}
	if c.read.FoldCase {
		c.fold()
	}
	c.notes.time(row.Time)
	c.notes.price(row.Price)
	return "", ""
}

// unit is that of a time that is an epoch number; 0 if it is none, or if all
// numbers have a unit that was given.
func (c *careful) unit(split [][]byte) tick.Unit {
	if c.read.Epoch != "" && c.read.Epoch != "auto" {
		return 0
	}
	unit, ok := tick.EpochUnit(ingest.Trim(split[c.header.Columns[1]]))
	if !ok {
		return 0
	}
	return unit
}

func (c *careful) fold() {
	folded := ingest.FoldSymbol(c.f.symbol)
	if folded != string(c.f.symbol) {
		c.notes[foldedSymbols]++
	}
	c.f.symbol = []byte(folded)
}
