package report

import (
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"holdfast/replay/tick"
)

// CSVOptions are what a user may choose about the CSV files. The zero value
// is the documented default.
type CSVOptions struct {
	// Safe prefixes text beginning with = + - or @ with an apostrophe, so that
	// a spreadsheet shows it instead of running it (--csv-safe).
	Safe bool
	// Required leaves only the four columns that the requirement names in
	// duplication_analysis.csv (--columns required).
	Required bool
}

// Table writes the records of one CSV file.
//
//	header first, UTF-8, LF, a field quoted only if it holds a comma, a quote,
//	a line end or leading blanks (RFC 4180)
//	list    parts joined by |; within a part | and \ are written \| and \\
//	time    RFC 3339 in UTC without trailing zeros, unless copied from a file
//	ms      decimal without trailing zeros; price: the shortest exact decimal
//	bool    true or false
//	unknown nothing
//
// A byte that is not UTF-8, and NUL, are written as \xNN: the file stays
// readable by every CSV reader.
type Table[T any] struct {
	cells cells
	row   func(*cells, T)
}

func newTable[T any](w io.Writer, o CSVOptions, header string, row func(*cells, T)) *Table[T] {
	t := &Table[T]{cells: cells{w: w, safe: o.Safe}, row: row}
	t.cells.buf = append(t.cells.buf, header...)
	t.cells.buf = append(t.cells.buf, '\n')
	return t
}

// Write adds a record. An error of the underlying writer is returned now or by
// a later call, and every call after it.
func (t *Table[T]) Write(record T) error {
	t.row(&t.cells, record)
	return t.cells.end()
}

// Flush writes what is still buffered, the header if nothing else.
func (t *Table[T]) Flush() error { return t.cells.flush() }

// flushAt is how many bytes a Table gathers before it writes them.
const flushAt = 1 << 15

// cells builds a record field by field.
type cells struct {
	w    io.Writer
	safe bool

	buf     []byte
	started bool // the record has a field
	err     error
}

func (c *cells) next() {
	if c.started {
		c.buf = append(c.buf, ',')
	}
	c.started = true
}

func (c *cells) end() error {
	c.buf = append(c.buf, '\n')
	c.started = false
	if len(c.buf) >= flushAt {
		return c.flush()
	}
	return c.err
}

func (c *cells) flush() error {
	if c.err == nil {
		_, c.err = c.w.Write(c.buf)
	}
	c.buf = c.buf[:0]
	return c.err
}

// text is a field of words: the only kind that may need quotes.
func (c *cells) text(s string) {
	c.next()
	s = ValidText(s)
	if c.safe && s != "" && strings.IndexByte("=+-@", s[0]) >= 0 {
		s = "'" + s
	}
	if !strings.ContainsAny(s, ",\"\r\n") && (s == "" || s[0] != ' ' && s[0] != '\t') {
		c.buf = append(c.buf, s...)
		return
	}
	c.buf = append(c.buf, '"')
	c.buf = append(c.buf, strings.ReplaceAll(s, `"`, `""`)...)
	c.buf = append(c.buf, '"')
}

// none is a field whose value is not known.
func (c *cells) none() { c.next() }

func (c *cells) int(n int64) {
	c.next()
	c.buf = strconv.AppendInt(c.buf, n, 10)
}

// rowNumber is int for a 1-based number; zero is unknown.
func (c *cells) rowNumber(n int64) {
	if n == 0 {
		c.none()
		return
	}
	c.int(n)
}

func (c *cells) bool(b bool) {
	c.next()
	c.buf = strconv.AppendBool(c.buf, b)
}

func (c *cells) millis(n tick.Nanos) {
	c.next()
	c.buf = n.AppendMillis(c.buf)
}

func (c *cells) time(n tick.Nanos) {
	c.next()
	c.buf = n.Append(c.buf)
}

func (c *cells) price(p tick.Price) {
	c.next()
	c.buf = p.Append(c.buf)
}

// probability has at most six decimals.
func (c *cells) probability(p float64) {
	c.next()
	c.buf = append(c.buf, trimDecimal(strconv.FormatFloat(p, 'f', 6, 64))...)
}

func (c *cells) list(parts []string) { c.text(JoinList(parts)) }

func (c *cells) rowList(rows []int64) { listOf(c, rows) }
func (c *cells) numbers(list []int)   { listOf(c, list) }

func listOf[N int | int64](c *cells, list []N) {
	c.next()
	for i, n := range list {
		if i > 0 {
			c.buf = append(c.buf, '|')
		}
		c.buf = strconv.AppendInt(c.buf, int64(n), 10)
	}
}

// JoinList makes one field of parts.
func JoinList(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = listEscapes.Replace(p)
	}
	return strings.Join(escaped, "|")
}

var listEscapes = strings.NewReplacer(`\`, `\\`, `|`, `\|`)

// SplitList is the inverse of JoinList: no parts for an empty field.
func SplitList(field string) []string {
	if field == "" {
		return nil
	}
	var parts []string
	part := make([]byte, 0, len(field))
	for i := 0; i < len(field); i++ {
		switch {
		case field[i] == '\\' && i+1 < len(field):
			i++
			part = append(part, field[i])
		case field[i] == '|':
			parts = append(parts, string(part))
			part = part[:0]
		default:
			part = append(part, field[i])
		}
	}
	return append(parts, string(part))
}

// ValidText replaces NUL and bytes that are not UTF-8 by \xNN.
func ValidText(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == 0 || r == utf8.RuneError && size == 1 {
			const hex = "0123456789abcdef"
			b.Write([]byte{'\\', 'x', hex[s[i]>>4], hex[s[i]&15]})
		} else {
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

// trimDecimal drops zeros that say nothing from the end of a decimal.
func trimDecimal(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}
