package replay

import "holdfast/replay/tick"

// OrphanHints are what the neighbourhood of a row without event offers. Empty
// ids stand for nothing found.
type OrphanHints struct {
	Late      string     // the one event without row that has the symbol and price and is at most ten bands earlier
	LateShift tick.Nanos // row minus that event
	Foreign   string     // an event of another symbol with exactly this time and price

	Nearest           string // the nearest event of the symbol in time, then price
	NearestTimeShift  tick.Nanos
	NearestPriceShift tick.Price
}

// ClassifyOrphan says what a row without event is: foreign-row (N8), late-row
// (N7) or orphan-row (N5). An exact time and price under another symbol tells
// more than a price some bands away, so foreign comes first.
func ClassifyOrphan(m Match, h OrphanHints) string {
	switch {
	case h.Foreign != "":
		return ForeignRow
	case h.Late != "" && h.LateShift > 0:
		return LateRow
	}
	return OrphanRow
}

// Note tells the reader what could be done about the row, with figures; empty
// if nothing is near.
func (h OrphanHints) Note() string {
	switch {
	case h.Foreign != "":
		return "has the time and price of " + h.Foreign + ", which is another symbol's"
	case h.Late != "" && h.LateShift > 0:
		return "has the price of " + h.Late + ", which has no row, " + ms(h.LateShift) + " later: widen --tolerance"
	case h.Nearest != "":
		return "nearest event " + h.Nearest + ": " + signedMS(h.NearestTimeShift) + ", price " + signedPrice(h.NearestPriceShift) +
			": widen --tolerance if it is that one"
	}
	return ""
}

func signedMS(t tick.Nanos) string {
	if t > 0 {
		return "+" + ms(t)
	}
	return ms(t)
}

func signedPrice(p tick.Price) string {
	if p > 0 {
		return "+" + p.String()
	}
	return p.String()
}
