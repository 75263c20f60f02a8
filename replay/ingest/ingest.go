// Package ingest reads the three files of an incident as they come: compressed
// or not, with any line ends, quoting, header order and spelling of times, and
// with broken records among the good ones.
//
// It promises that every data record is either returned or rejected with file,
// line, reason and raw text (records = returned + rejected), that everything
// skipped, truncated or assumed is counted in [Stats], that no value passes
// through a float, and that memory stays bounded whatever the input: a field
// may have 1 MiB, a record 4 MiB, and only symbols, workers and a few spellings
// are remembered, up to a limit. It does not sort, does not know duplicates,
// and takes nothing from a file that changes underneath (see Changed).
//
// Start with [OpenEvents], [OpenAttempts] and [OpenRows]; [Find] finds the
// files of a folder. [Scanner] splits any CSV stream into records.
package ingest

import (
	"io"

	"holdfast/replay/tick"
)

// The limits of R3 and R7, in bytes. They bound memory, so they hold for every
// reader of this package.
const (
	MaxField  = 1 << 20 // a longer field is rejected: field-size
	MaxObject = 1 << 20 // a JSON object over several lines
	MaxRecord = 4 << 20 // a longer record is rejected: field-size
)

// Options say how text is read where it does not say so itself. The zero value
// is the documented default.
type Options struct {
	Zone      tick.Zone // of times that name none (R9)
	Epoch     string    // unit of epoch numbers: "" or auto, s, ms, us, ns
	Delimiter byte      // of CSV files; 0: read off the header (R4)
	NoHeader  bool      // CSV files begin with data, columns in the documented order (R5)
	FoldCase  bool      // symbols that differ in case or outer spaces are one (R11)
	MaxBad    MaxBad    // R12

	// OnReject is told each rejected record, in file order; nil: nobody is. The
	// record's bytes are valid until it returns. An error ends the reading and
	// comes back from Next as it is.
	OnReject func(Reject) error

	Stdin io.Reader // what "-" reads; nil: the process's own
}

// MaxBad is how many records of a file may be rejected (R12). The zero value
// is the default: 100, or 1 % of the records if that is more.
type MaxBad struct {
	Set     bool // use the larger of the two below
	Count   int64
	Percent float64
}

// Exceeded reports whether so many rejected records are too many.
func (m MaxBad) Exceeded(rejected, records int64) bool {
	if !m.Set {
		m = MaxBad{Count: 100, Percent: 1}
	}
	return rejected > m.Count && float64(rejected)*100 > m.Percent*float64(records)
}

// Reason says why a record was rejected.
type Reason = string

// The reasons (R3-R10).
const (
	BadText            Reason = "bad-text"   // NUL or invalid UTF-8 in a needed field, or quotes that do not pair up
	FieldSize          Reason = "field-size" // over MaxField or MaxRecord
	FieldCount         Reason = "field-count"
	TruncatedTail      Reason = "truncated-tail" // the last record, cut off
	BadJSON            Reason = "bad-json"
	MissingField       Reason = "missing-field"
	BadTime            Reason = "bad-time"
	BadPrice           Reason = "bad-price"
	AmbiguousLocalTime Reason = "ambiguous-local-time"
	TimeRange          Reason = "time-range"
	PricePrecision     Reason = "price-precision"
	PriceRange         Reason = "price-range"
)

// Reject is a record that cannot be used.
type Reject struct {
	File   string
	Line   int64 // physical line on which the record begins, from 1
	Row    int64 // position among the data records, from 1
	Reason Reason
	Hint   string // what to do about it; may be empty
	Raw    []byte // the record without its line end; of a long one the beginning
}
