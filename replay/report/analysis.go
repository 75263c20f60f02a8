package report

import (
	"io"
	"strconv"

	"holdfast/replay"
)

const (
	requiredHeader = "symbol,timestamp,occurrences,price_shift"
	analysisHeader = requiredHeader + ",time_spread_ms,price_min,price_max,same_price,same_timestamp," +
		"view,verdict,event_id,confidence,cause,grade,rows"
)

// NewAnalysis writes duplication_analysis.csv: the groups of rows that look
// like duplicates. The lines whose view is key or both are the groups of equal
// (symbol, timestamp), as the requirement asks for them; those whose view is
// event or both are the duplicated events.
//
//	timestamp     as the output file spells it
//	price_shift   greatest less least price
//	confidence    the weakest match among the rows; empty if the verdict is untested
//	cause, grade  of the copies: each cause once, the weakest grade
//	rows          a list of row numbers; a last part of +N stands for N more
func NewAnalysis(w io.Writer, o CSVOptions) *Table[replay.Analysis] {
	if o.Required {
		return newTable(w, o, requiredHeader, (*cells).required)
	}
	return newTable(w, o, analysisHeader, func(c *cells, a replay.Analysis) {
		c.required(a)
		c.millis(a.TimeSpread)
		c.price(a.PriceMin)
		c.price(a.PriceMax)
		c.bool(a.SamePrice)
		c.bool(a.SameTimestamp)
		c.text(a.View.String())
		c.text(a.Verdict.String())
		c.text(a.EventID)
		if a.Verdict == replay.Untested {
			c.none()
		} else {
			c.text(a.Confidence.String())
		}
		c.text(a.Causes.String())
		c.text(a.Grade.String())
		c.rowList(a.Rows)
		if a.RowsMore > 0 {
			c.buf = strconv.AppendInt(append(c.buf, "|+"...), a.RowsMore, 10)
		}
	})
}

func (c *cells) required(a replay.Analysis) {
	c.text(a.Symbol)
	c.text(a.Timestamp)
	c.int(a.Occurrences)
	c.price(a.PriceShift())
}

const symbolsHeader = "symbol,view,rows,groups,extra_rows,price_shift_min,price_shift_max,price_shift_mean," +
	"same_price,different_price,time_diff_min_ms,time_diff_median_ms,time_diff_max_ms,early,late"

// NewSymbols writes duplication_summary.csv: the duplicates of each symbol, by
// key and by event, and of all together.
//
//	rows          of the groups, the ones to keep included
//	price_shift_* of the groups; time_diff_* of the extra rows against their event;
//	              both empty where there is none
func NewSymbols(w io.Writer, o CSVOptions) *Table[replay.SymbolLine] {
	return newTable(w, o, symbolsHeader, func(c *cells, l replay.SymbolLine) {
		c.text(l.Symbol)
		c.text(l.View.String())
		c.int(l.Rows)
		c.int(l.Groups)
		c.int(l.ExtraRows)
		if l.Groups > 0 {
			c.price(l.PriceShiftMin)
			c.price(l.PriceShiftMax)
			c.price(l.PriceShiftMean)
		} else {
			c.none()
			c.none()
			c.none()
		}
		c.int(l.SamePrice)
		c.int(l.DifferentPrice)
		if l.ExtraRows > 0 {
			c.millis(l.TimeDiffMin)
			c.millis(l.TimeDiffMedian)
			c.millis(l.TimeDiffMax)
		} else {
			c.none()
			c.none()
			c.none()
		}
		c.int(l.Early)
		c.int(l.Late)
	})
}
