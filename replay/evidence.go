package replay

import (
	"strconv"

	"holdfast/replay/tick"
)

// evidence collects short statements with figures, parted by "; ".
type evidence []byte

func (e *evidence) add(s string) {
	if len(*e) > 0 {
		*e = append(*e, "; "...)
	}
	*e = append(*e, s...)
}

func (e evidence) String() string { return string(e) }

// ms spells a span in milliseconds, as in 7 ms.
func ms(t tick.Nanos) string { return string(append(t.AppendMillis(nil), " ms"...)) }

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// pair tells how the two attempts lie to each other.
func (e *evidence) pair(u *pairing) {
	switch {
	case u.overlap && u.hasEnd:
		e.add("start gap " + ms(u.gap) + ", overlap " + ms(u.shared))
	case u.overlap:
		e.add("start gap " + ms(u.gap) + ", overlap of unknown length")
	default:
		e.add("start gap " + ms(u.gap))
		if rest, ok := u.rest(); ok {
			e.add(ms(rest) + " after the end of a " + u.a.Status.String())
		}
	}
	if u.a.Worker == u.b.Worker {
		e.add("same worker")
	}
	if u.suspect {
		e.add("by clocks corrected for their skew; raw times say otherwise")
	}
}

// sink tells what rows beyond the attempts look like.
func (e *evidence) sink(c *EventCase, m, canonical *Match) {
	e.add(counted(len(c.Attempts), "attempt") + ", " + counted(len(c.Rows), "row"))
	switch {
	case m.Row.Time != canonical.Row.Time || m.Row.Price != canonical.Row.Price:
		e.add("values differ from row " + itoa(canonical.Row.N) + " (encoded again)")
	case m.Row.TimeText != canonical.Row.TimeText:
		e.add("same values as row " + itoa(canonical.Row.N) + ", spelled differently (encoded again)")
	default:
		e.add("same text as row " + itoa(canonical.Row.N) + " (sent again)")
	}
}

func (e *evidence) repeats(c *EventCase) {
	e.add("the source has the id " + itoa(int64(c.Repeats)) + " times")
}

func (e *evidence) burst(b *Burst) {
	s := "burst of " + itoa(b.Attempts) + " re-attempts from " + b.FirstEvent + " to " + b.LastEvent
	if b.Silence > 0 {
		s += " after " + ms(b.Silence) + " of silence"
	}
	if b.Speed >= burstSpeed {
		s += ", " + strconv.FormatFloat(b.Speed, 'f', -1, 64) + " times the first pace"
	}
	e.add(s)
}

func (e *evidence) lease(p *Population) {
	if !p.Lease.Known {
		e.add("configured lease " + ms(p.Options.Lease))
		return
	}
	e.add("lease " + ms(p.Lease.L) + " (" + itoa(p.Lease.Near) + " of " + itoa(p.Lease.Gaps) + " overlapping gaps)")
}

func (e *evidence) hedge(p *Population) {
	e.add("95 % of attempts take at most " + ms(p.Durations.P95))
}

// crash tells what the worker did after an attempt without end.
func (e *evidence) crash(silence tick.Nanos, died int, judged bool) {
	switch {
	case silence > 0:
		e.add("no end, then " + ms(silence) + " of silence")
	case died > 0:
		e.add("no end, like " + itoa(int64(died-1)) + " more in flight on the worker")
	case judged:
		e.add("no end, no silence after it")
	default:
		e.add("no end, too few gaps to tell a silence")
	}
}

// counted is a number with its word: 1 row, 2 rows.
func counted(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return itoa(int64(n)) + " " + word
}
