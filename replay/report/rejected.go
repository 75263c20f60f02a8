package report

import (
	"io"

	"holdfast/replay/ingest"
)

// NewRejected writes rejected.csv: the records of all inputs that cannot be
// used, with the physical line on which each begins.
func NewRejected(w io.Writer, o CSVOptions) *Table[ingest.Reject] {
	return newTable(w, o, "file,line,reason,raw", func(c *cells, r ingest.Reject) {
		c.text(r.File)
		c.int(r.Line)
		c.text(r.Reason)
		c.text(string(r.Raw))
	})
}
