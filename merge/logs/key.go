package logs

import (
	"bytes"
	"encoding/binary"

	"holdfast/internal/extsort"
)

// A field is what a record holds in a column.
type field struct {
	text    []byte
	at      int // where it lies in the record; -1 if it is not spelled there as it reads
	missing bool
}

// A keyer makes the keys of records: byte strings that compare as the columns
// do, the first one first.
type keyer struct {
	columns []column
	missing byte // f(irst), l(ast), or 0: a missing key is a misfit
	trim    bool // blanks around a field are not part of a number or time
}

// inPlace reports whether the key of a record is a field as it stands.
func (k *keyer) inPlace() bool {
	return len(k.columns) == 1 && k.columns[0].kind == asBytes && k.missing == 0
}

// The bytes before each column's part of a key if missing ones are placed.
const (
	missingFirst = 0
	present      = 1
	missingLast  = 2
)

// append appends the key of a record with these fields. bad is the column
// whose field is no such key, -1 if all are.
func (k *keyer) append(key []byte, fields []field) (_ []byte, bad int) {
	for i, c := range k.columns {
		f := fields[i]
		text := f.text
		if k.trim && c.kind != asBytes {
			text = bytes.Trim(text, " \t")
		}
		if k.missing != 0 {
			if f.missing || len(text) == 0 && c.kind != asBytes {
				place := byte(missingLast)
				if k.missing == 'f' {
					place = missingFirst
				}
				key = append(key, place)
				continue
			}
			key = append(key, present)
		}
		ok := false
		if !f.missing {
			key, ok = appendPart(key, c.kind, text, len(k.columns) == 1)
		}
		if !ok {
			return key, i
		}
	}
	return key, -1
}

// appendPart appends the key of one column. only: no other follows, so that
// the end of a string needs no mark.
func appendPart(key []byte, kind kind, text []byte, only bool) (_ []byte, ok bool) {
	switch kind {
	case asTime:
		t, ok := parseTime(text)
		return binary.BigEndian.AppendUint32(extsort.AppendInt64(key, t.seconds), t.nanos), ok
	case asInt:
		v, ok := parseInt(text)
		return extsort.AppendInt64(key, v), ok
	case asDecimal:
		d, ok := parseDecimal(text)
		if !ok {
			return key, false
		}
		return d.appendKey(key), true
	}
	if only {
		return append(key, text...), true
	}
	return extsort.AppendString(key, text), true
}

// fits reports whether a text can be read as a kind.
func fits(kind kind, text []byte) bool {
	_, ok := appendPart(nil, kind, text, true)
	return ok
}
