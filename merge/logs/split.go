package logs

import "errors"

// A splitter finds the records of one file and their fields.
type splitter interface {
	// next finds the record at the front of b. A size of 0 says that it does
	// not end within b. What stands behind the last record of a file ends in
	// a line feed, so only an error can be the reason at its end.
	next(b []byte) (record, error)
	// fields gives the wanted columns of the record that next has just found.
	// What it gives is valid until the next call.
	fields(r []byte, into []field) error
	// unfinished says why a file ends within a record.
	unfinished() error
}

// A record is its place at the front of a text.
type record struct {
	size  int   // with its line end
	body  int   // without
	lines int64 // that it takes
	blank bool  // an empty line that is no record
}

// errNewline is what a splitter says of a text that ends within a line.
var errNewline = errors.New("the last line does not end")

// lineBody is the length of the line b, which ends in a line feed, without its
// line end: LF or CR LF.
func lineBody(b []byte) int {
	n := len(b) - 1
	if n > 0 && b[n-1] == '\r' {
		n--
	}
	return n
}
