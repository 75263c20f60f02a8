package dedupe

import (
	"fmt"
	"slices"
	"strings"

	"holdfast/internal/extsort"
	"holdfast/replay/ingest"
	"holdfast/replay/tick"
)

// role is what a column of the file is to this run.
type role uint8

const (
	ignored role = iota // carried through, never looked at
	symbol
	instant
	price
	text // a key column of any other name; compares byte for byte
)

// format says where the fields of a record are, how they are read, and which
// of them are the key.
type format struct {
	header ingest.Header
	read   ingest.Options

	delimiter byte
	roles     []role // one a column
	price     int    // its column
	key       []int  // the key's columns: instants and prices before symbols and texts
	texts     []int  // the columns of role text
}

// The columns that every output file has.
const (
	columnSymbol    = "symbol"
	columnTimestamp = "timestamp"
	columnPrice     = "price"
)

// defaultKey is what makes two rows copies of one, if nothing is known (R60).
var defaultKey = []string{columnSymbol, columnTimestamp}

// newFormat finds the key's columns. Names compare as those of the header do:
// trimmed, in any case. Errors are *ingest.UsageError.
func newFormat(h ingest.Header, o ingest.Options, key []string) (*format, error) {
	f := &format{header: h, read: o, delimiter: h.Delimiter, roles: make([]role, len(h.Names)), price: h.Columns[2]}
	f.roles[h.Columns[0]], f.roles[h.Columns[1]], f.roles[h.Columns[2]] = symbol, instant, price
	for _, name := range key {
		i, err := f.column(name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(f.key, i) {
			return nil, &ingest.UsageError{Reason: fmt.Sprintf("the key names column %q twice", name)}
		}
		if f.roles[i] == ignored {
			f.roles[i] = text
			f.texts = append(f.texts, i)
		}
		f.key = append(f.key, i)
	}
	slices.SortStableFunc(f.key, func(a, b int) int { return f.roles[a].rank() - f.roles[b].rank() })
	return f, nil
}

func (f *format) column(name string) (int, error) {
	name = strings.TrimSpace(name)
	found := -1
	for i, n := range f.header.Names {
		switch {
		case !strings.EqualFold(n, name):
		case found >= 0:
			return 0, &ingest.UsageError{Reason: fmt.Sprintf("the key's column %q stands twice in the header", name)}
		default:
			found = i
		}
	}
	if found < 0 {
		return 0, &ingest.UsageError{
			Reason: fmt.Sprintf("the key's column %q is not in the header", name),
			Hint:   "there are: " + strings.Join(f.header.Names, ", "),
		}
	}
	return found, nil
}

// rank is where in the normal form of a key a column of that role stands.
func (r role) rank() int {
	switch r {
	case instant:
		return 0
	case price:
		return 1
	case symbol:
		return 2
	}
	return 3
}

// fields are the values of a record that this run needs. Byte slices belong to
// the buffer that was parsed.
type fields struct {
	symbol   []byte
	time     tick.Nanos
	price    tick.Price
	texts    [][]byte // by column; only those of role text are set
	timeText []byte
}

// appendKey appends the normal form of the key: equal bytes if and only if
// equal values, and in the order of the values.
//
//	instant, price   8 bytes, big-endian, sign flipped
//	symbol, text     escaped and ended (extsort.AppendString), but the last, which ends with the key
func (c *format) appendKey(dst []byte, f *fields) []byte {
	for i, column := range c.key {
		switch c.roles[column] {
		case instant:
			dst = extsort.AppendInt64(dst, int64(f.time))
		case price:
			dst = extsort.AppendInt64(dst, int64(f.price))
		default:
			part := f.symbol
			if c.roles[column] == text {
				part = f.texts[column]
			}
			if i == len(c.key)-1 {
				return append(dst, part...)
			}
			dst = extsort.AppendString(dst, part)
		}
	}
	return dst
}
