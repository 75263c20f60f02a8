package ingest

import "holdfast/replay/tick"

// note is something that was skipped, assumed or found unusual: a counter of
// Stats.Notes.
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
	missingEnds
	missingWorkers
	otherWorkers
	missingStatuses
	otherStatuses
	missingSources
	otherSources
	stringPrices
	stringTimes
	numericText
	repeatedMembers
	severalLines
	topLevelArray
	unclosedArray
	missingCommas
	foldedSymbols
	numNotes
)

// noteNames are the keys of Stats.Notes.
var noteNames = [numNotes]string{
	blankLines:      "blank-lines",         // skipped
	commentLines:    "comment-lines",       // skipped
	noFinalNewline:  "no-final-newline",    // the last record is used all the same
	naiveTimes:      "naive-times",         // no zone: read in Options.Zone
	chosenTimes:     "dst-times",           // ambiguous or skipped: read as Options.Zone.DST says
	truncatedTimes:  "truncated-times",     // more than nine digits of fraction
	leapSeconds:     "leap-seconds",        // second 60, read as 59.999999999
	epochTimes:      "epoch-times",         // numbers since 1970
	zeroPrices:      "zero-prices",         // kept
	negativePrices:  "negative-prices",     // kept
	missingEnds:     "missing-ends",        // open attempts
	missingWorkers:  "missing-workers",     // worker ""
	otherWorkers:    "other-workers",       // none of worker-1 to worker-3
	missingStatuses: "missing-statuses",    // unknown
	otherStatuses:   "other-statuses",      // of no known meaning: unknown
	missingSources:  "missing-sources",     // events without a source
	otherSources:    "other-sources",       // not stream-1
	stringPrices:    "string-prices",       // JSON prices in quotes
	stringTimes:     "string-times",        // JSON epoch numbers in quotes
	numericText:     "numeric-text",        // JSON ids and symbols without quotes
	repeatedMembers: "repeated-members",    // JSON: the last one counts
	severalLines:    "objects-over-lines",  // JSON objects over several lines
	topLevelArray:   "top-level-array",     // JSON: the file is an array
	unclosedArray:   "unclosed-array",      // JSON: the file ends within it
	missingCommas:   "missing-commas",      // JSON: an object of an array begins a line without a comma before it
	foldedSymbols:   "case-folded-symbols", // changed by Options.FoldCase
}

// notes are the counters of one file.
type notes [numNotes]int64

func (n *notes) count(what note) { n[what]++ }

func (n *notes) time(t Time) {
	if t.Note&tick.NoteNaive != 0 {
		n.count(naiveTimes)
	}
	if t.Note&tick.NoteDST != 0 {
		n.count(chosenTimes)
	}
	if t.Note&tick.NoteTruncated != 0 {
		n.count(truncatedTimes)
	}
	if t.Note&tick.NoteLeap != 0 {
		n.count(leapSeconds)
	}
	if t.Epoch {
		n.count(epochTimes)
	}
}

func (n *notes) price(p tick.Price) {
	switch {
	case p == 0:
		n.count(zeroPrices)
	case p < 0:
		n.count(negativePrices)
	}
}

// named returns the counters that are not zero by name.
func (n *notes) named() map[string]int64 {
	m := map[string]int64{}
	for i, c := range n {
		if c > 0 {
			m[noteNames[i]] = c
		}
	}
	return m
}
