package ledger

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxLine is the most bytes of a line that is read.
const maxLine = 1 << 20

// A BadLine is a line that is no entry.
type BadLine struct {
	Line int
	What string
}

// Read gives the entries of a ledger, in the order of arrival, and the lines
// that are none, of which the rest is not affected. The error is that of reading.
func Read(from io.Reader) (entries []Entry, bad []BadLine, err error) {
	s := bufio.NewScanner(from)
	s.Buffer(nil, maxLine)
	number := 0
	for s.Scan() {
		number++
		if len(bytes.TrimSpace(s.Bytes())) == 0 {
			continue
		}
		e, err := parse(s.Bytes())
		if err != nil {
			bad = append(bad, BadLine{number, err.Error()})
			continue
		}
		entries = append(entries, e)
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		bad = append(bad, BadLine{number + 1, fmt.Sprintf("longer than %d bytes: the rest is not read", maxLine)})
	} else {
		err = s.Err()
	}
	sortEntries(entries)
	return entries, bad, err
}

func parse(line []byte) (Entry, error) {
	var e Entry
	var raw struct {
		Entry
		At string `json:"at"`
	}
	if err := json.Unmarshal(line, &raw); err != nil {
		return e, fmt.Errorf("not an entry of a ledger: %w", err)
	}
	e = raw.Entry
	at, err := parseTime(raw.At)
	if err != nil {
		return e, fmt.Errorf("at %.40q: must be a time such as 2026-01-15T10:30:00.123456Z", raw.At)
	}
	e.At = at.UTC()
	switch {
	case e.Seq == 0:
		return e, errors.New("seq must be a whole number from 1 on")
	case e.Status < 0 || e.Status > 999:
		return e, fmt.Errorf("status is %d: must be from 0 to 999", e.Status)
	case e.Bytes < 0:
		return e, fmt.Errorf("bytes is %d: must not be negative", e.Bytes)
	}
	switch e.End {
	case Complete, Reset, Truncated, Stalled, ClientClosed:
		return e, nil
	}
	return e, fmt.Errorf("end %.40q: must be one of %s, %s, %s, %s, %s", e.End, Complete, Reset, Truncated, Stalled, ClientClosed)
}
