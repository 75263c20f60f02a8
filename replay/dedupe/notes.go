package dedupe

import (
	"fmt"

	"holdfast/replay/ingest"
	"holdfast/replay/tick"
)

// note is something that was skipped or assumed.
type note uint8

const (
	blankLines note = iota
	commentLines
	noFinalNewline
	naiveTimes
	chosenTimes
	truncatedTimes
	leapSeconds
	epochTimes
	zeroPrices
	negativePrices
	foldedSymbols
	numNotes
)

// noteNames are those of ingest.Stats.
var noteNames = [numNotes]string{
	"blank-lines", "comment-lines", "no-final-newline", "naive-times", "dst-times", "truncated-times",
	"leap-seconds", "epoch-times", "zero-prices", "negative-prices", "case-folded-symbols",
}

// notes count.
type notes [numNotes]int64

func (n *notes) add(m *notes) {
	for i, c := range m {
		n[i] += c
	}
}

func (n *notes) named() map[string]int64 {
	named := map[string]int64{}
	for i, c := range n {
		if c != 0 {
			named[noteNames[i]] = c
		}
	}
	return named
}

func (n *notes) time(t ingest.Time) {
	for bit, what := range map[tick.TimeNote]note{
		tick.NoteNaive: naiveTimes, tick.NoteDST: chosenTimes,
		tick.NoteTruncated: truncatedTimes, tick.NoteLeap: leapSeconds,
	} {
		if t.Note&bit != 0 {
			n[what]++
		}
	}
	if t.Epoch {
		n[epochTimes]++
	}
}

func (n *notes) price(p tick.Price) {
	switch {
	case p == 0:
		n[zeroPrices]++
	case p < 0:
		n[negativePrices]++
	}
}

// epochs is where the units of epoch numbers were first seen: a physical line,
// 0 for never.
type epochs [tick.Nanoseconds + 1]int64

func (e *epochs) see(unit tick.Unit, line int64) {
	if e[unit] == 0 || line < e[unit] {
		e[unit] = line
	}
}

// check fails if there is more than one unit (R9), at the line where the second
// one turned up.
func (e *epochs) check(column string) error {
	var first, second tick.Unit
	for u := tick.Seconds; u <= tick.Nanoseconds; u++ {
		switch {
		case e[u] == 0:
		case first == 0 || e[u] < e[first]:
			first, second = u, first
		case second == 0 || e[u] < e[second]:
			second = u
		}
	}
	if second == 0 {
		return nil
	}
	return &ingest.InputError{
		Line:   e[second],
		Reason: fmt.Sprintf("column %s mixes epoch units: %s here, %s on line %d", column, second, first, e[first]),
		Hint:   "write one unit, or name it with --epoch",
	}
}
