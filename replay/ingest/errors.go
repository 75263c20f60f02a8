package ingest

import (
	"errors"
	"strconv"
)

// ErrMaxBad is wrapped by the InputError that ends a file with too many
// rejected records (R12).
var ErrMaxBad = errors.New("too many bad records")

// InputError is an input that cannot be used at all: exit status 3.
type InputError struct {
	File   string
	Line   int64  // 0: the file as a whole
	Reason string // what is wrong, in words
	Hint   string // what to do about it; may be empty
	Err    error  // the cause, to compare; may be nil
}

// Error is one line: file:line: reason: hint.
func (e *InputError) Error() string {
	s := oneLine(e.File)
	if e.Line > 0 {
		s += ":" + strconv.FormatInt(e.Line, 10)
	}
	return s + ": " + withHint(e.Reason, e.Hint)
}

// Unwrap returns the cause.
func (e *InputError) Unwrap() error { return e.Err }

// UsageError is a request that cannot be meant: exit status 2.
type UsageError struct {
	Reason string
	Hint   string // what to do about it; may be empty
}

// Error is one line: reason: hint.
func (e *UsageError) Error() string { return withHint(e.Reason, e.Hint) }

func withHint(reason, hint string) string {
	if hint == "" {
		return reason
	}
	return reason + ": " + hint
}

// oneLine quotes a text that would break a line or a terminal.
func oneLine(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}

// clip is oneLine for text out of a file, cut to a length that fits a message.
func clip(b []byte) string {
	const most = 60
	if len(b) > most {
		return strconv.Quote(string(b[:most])) + "…"
	}
	return strconv.Quote(string(b))
}
