package report

import (
	"io"
	"strconv"
	"strings"

	"holdfast/replay/whatif"
)

const whatIfHeader = "safeguard,parameter,loop,prevented_lo,prevented_hi,prevented_expected,duplicates,false_rejections," +
	"events_lost_lo,events_lost_hi,visible_versions,peak_keys,peak_bytes,latency_p50_ms,latency_p99_ms,load_skew,verdict,example_not_prevented"

// NewWhatIf writes whatif.csv: one line for each safeguard, in a fixed order.
//
//	loop                   open: as recorded, the safeguard only refuses; closed: the queue simulated again
//	prevented_*            in every resolution that the records allow, in some, on average
//	visible_versions       most rows of one event that readers see one after the other
//	peak_keys, peak_bytes  held at a time; empty: none, or not known
//	latency_*              by how much events that were given up come back later
//	load_skew              busiest worker over the mean
//	example_not_prevented  up to three, row:event
//
// All figures are empty where they cannot be estimated.
func NewWhatIf(w io.Writer, o CSVOptions) *Table[whatif.Outcome] {
	return newTable(w, o, whatIfHeader, func(c *cells, x whatif.Outcome) {
		c.text(x.Safeguard.Slug)
		c.text(x.Safeguard.Parameter())
		c.text(loopName(&x))
		if x.NotEstimable != "" {
			c.int(0)
			c.int(0)
			for range 12 {
				c.none()
			}
		} else {
			c.outcome(&x)
		}
		c.text(string(x.Verdict()))
		c.text(JoinList(examples(&x)))
	})
}

func (c *cells) outcome(x *whatif.Outcome) {
	c.int(x.PreventedLo)
	c.int(x.PreventedHi)
	c.text(decimals(x.PreventedExpected, 2))
	c.int(x.Duplicates)
	c.int(x.FalseRejections)
	c.int(x.EventsLostLo)
	c.int(x.EventsLost)
	c.rowNumber(x.Versions)
	c.known(x.Keys)
	c.known(x.Bytes())
	if x.Latency == nil {
		c.none()
		c.none()
	} else {
		c.millis(x.Latency.P50)
		c.millis(x.Latency.P99)
	}
	if x.Skew == 0 {
		c.none()
	} else {
		c.text(decimals(x.Skew, 3))
	}
}

// known is an int that is not known when negative.
func (c *cells) known(n int64) {
	if n < 0 {
		c.none()
		return
	}
	c.int(n)
}

// decimals writes x with at most n decimals, without trailing zeros.
func decimals(x float64, n int) string {
	s := strconv.FormatFloat(x, 'f', n, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

func loopName(x *whatif.Outcome) string {
	if x.Closed {
		return "closed"
	}
	return "open"
}

func examples(x *whatif.Outcome) (list []string) {
	for _, m := range x.Missed {
		list = append(list, strconv.FormatInt(m.Row, 10)+":"+m.Event)
	}
	return list
}
