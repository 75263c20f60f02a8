package report

import (
	"io"
	"strconv"

	"holdfast/replay"
)

const duplicatesHeader = "row,event_id,canonical_row,symbol,timestamp,price,time_shift_ms,price_shift," +
	"cause,also,alternatives,grade,match,posterior,event_alternatives,attempts,evidence"

// NewDuplicates writes duplicates.csv: the rows that should not be there, each
// with the event it copies and why it exists.
//
//	event_id            a set of events that nothing tells apart is a list
//	timestamp           the row's own spelling
//	time_shift_ms, price_shift   row minus event
//	event_alternatives  a list of event:probability
//	attempts            a list of the numbers of the attempts that explain it
func NewDuplicates(w io.Writer, o CSVOptions) *Table[replay.Duplicate] {
	return newTable(w, o, duplicatesHeader, func(c *cells, d replay.Duplicate) {
		c.int(d.Row.N)
		c.list(d.EventIDs)
		c.rowNumber(d.CanonicalRow)
		c.text(d.Row.Symbol)
		c.text(d.Row.TimeText)
		c.price(d.Row.Price)
		c.millis(d.TimeShift)
		c.price(d.PriceShift)
		c.text(d.Cause.String())
		c.list(slugs(d.Also))
		c.list(slugs(d.Alternatives))
		c.text(d.Grade.String())
		c.text(d.Label.String())
		c.probability(d.Posterior)
		c.list(rivals(d.EventAlternatives))
		c.numbers(d.Attempts)
		c.text(d.Evidence)
	})
}

func slugs(causes []replay.Cause) []string {
	list := make([]string, len(causes))
	for i, c := range causes {
		list[i] = c.String()
	}
	return list
}

func rivals(alts []replay.Alt) []string {
	list := make([]string, len(alts))
	for i, a := range alts {
		list[i] = JoinList(a.IDs) + ":" + trimDecimal(strconv.FormatFloat(a.Posterior, 'f', 6, 64))
	}
	return list
}
