package logs

import (
	"strconv"
	"strings"
)

// A kind is how the text of a column becomes a key.
type kind int

const (
	auto kind = iota // the first of those below that all files' first records satisfy
	asTime
	asInt
	asDecimal
	asBytes
)

var kindNames = []string{"auto", "time", "int", "decimal", "bytes"}

func (k kind) String() string { return kindNames[k] }

// A column is one part of a key.
type column struct {
	name string
	kind kind
}

// number is the column's position from 1, 0 for a whole line; -1 if its name
// is no number.
func (c column) number() int {
	n, err := strconv.ParseUint(c.name, 10, 20)
	if err != nil {
		return -1
	}
	return int(n)
}

// parseColumns reads COL[:type],... A name may itself hold a colon: only what
// is a type behind the last one is taken for it.
func parseColumns(list string) ([]column, error) {
	var all []column
	for _, s := range strings.Split(list, ",") {
		c := column{name: strings.TrimSpace(s)}
		if i := strings.LastIndexByte(c.name, ':'); i >= 0 {
			for k, name := range kindNames {
				if c.name[i+1:] == name {
					c.name, c.kind = c.name[:i], kind(k)
					break
				}
			}
		}
		if c.name == "" {
			return nil, usage("%q names an empty column: use COL[:type],... with the types bytes, int, decimal and time", list)
		}
		all = append(all, c)
	}
	return all, nil
}

func names(columns []column) string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = c.name
	}
	return strings.Join(all, ",")
}

func kinds(columns []column) string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = c.kind.String()
	}
	return strings.Join(all, ",")
}
