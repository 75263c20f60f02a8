// Package tick holds exact market units: times in whole nanoseconds and prices
// in whole billionths, with the text forms in which files spell them.
//
// It promises that no value ever passes through a float, that equal values
// compare equal however they were spelled, that parsing what Append wrote
// gives the same value back, and that parsing and appending allocate nothing
// beyond the caller's buffer. It does not trim, does not know missing values,
// and never guesses: text that needs an assumption is read under the one the
// caller names, and the assumption is reported as a [TimeNote].
//
// Start with [ParseTime] and [ParsePrice].
package tick

import (
	"errors"
	"time"
)

// Nanos is an instant, in nanoseconds since 1970-01-01T00:00:00Z, or a span
// between two.
type Nanos int64

// The instants that the parsers accept: the years 1678 to 2261. An int64
// reaches 100 days further on both sides, so that a tolerance or a zone added
// to a parsed instant cannot overflow.
const (
	MinTime Nanos = minSecond * 1e9
	MaxTime Nanos = maxSecond*1e9 + 999_999_999

	minSecond = -9_214_560_000 // 1678-01-01T00:00:00Z
	maxSecond = 9_214_646_399  // 2261-12-31T23:59:59Z
)

// Price is a fixed-point decimal in units of 10^-9: at most
// ±9,223,372,036.854775807 (the one int64 without a negative is not a price).
type Price int64

// Scale is the number of units in one.
const Scale = 1_000_000_000

// Why a text is not a time or a price.
var (
	ErrSyntax    = errors.New("not of the documented form")
	ErrRange     = errors.New("out of range")
	ErrPrecision = errors.New("more than nine decimals")                   // prices
	ErrAmbiguous = errors.New("local time is ambiguous or skipped by DST") // times
)

// TimeNote tells what a parser had to assume; notes combine.
type TimeNote uint8

// The assumptions.
const (
	NoteNaive     TimeNote = 1 << iota // no zone in the text
	NoteTruncated                      // more than nine digits of fraction
	NoteLeap                           // second 60, read as 59.999999999
	NoteDST                            // ambiguous or skipped local time, read as Zone.DST says
)

// DST says which reading of an ambiguous or skipped local time to take.
type DST uint8

// The readings. A skipped time lies an hour (or whatever the clock jumped)
// later when read with the offset before the jump than with the one after.
const (
	DSTReject  DST = iota // ErrAmbiguous
	DSTEarlier            // the earlier of the two instants
	DSTLater              // the later one
)

// Zone is how times without a zone are read. The zero value is UTC.
type Zone struct {
	Loc *time.Location // nil: UTC
	DST DST
}
