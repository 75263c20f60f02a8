package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Stats are what is known of a file after reading, or so far.
type Stats struct {
	File     string
	Records  int64 // data records, rejected ones included
	Rejected int64
	Reasons  map[Reason]int64 // of the rejected records
	Rejects  []Reject         // the first ten
	Notes    map[string]int64 // what was skipped, assumed or unusual; never zero

	// Spellings and how often they stand in used records. At most 1,000 of a
	// kind, the others together under "(others)".
	MissingEnds   map[string]int64 // how open attempts spell their end
	OtherWorkers  map[string]int64 // not worker-1 to worker-3
	OtherStatuses map[string]int64 // without a known meaning
	OtherSources  map[string]int64 // not stream-1

	Symbols  []string // distinct, sorted; at most 65,536
	Warnings []string // one line each, in a fixed order
}

const (
	keptRejects  = 10
	keptLines    = 5       // line numbers a reason
	keptRaw      = 200     // bytes of the text of a kept reject
	maxSpellings = 1000    // distinct ones that are counted
	maxNames     = 1 << 16 // distinct ones that are kept
	maxNameBytes = 8 << 20 // of those together
	others       = "(others)"
)

// account is the bookkeeping of one file.
type account struct {
	text  *text
	o     Options
	notes notes

	records, rejected int64
	reasons           map[Reason]*badLines
	rejects           []Reject

	symbols     names
	endTexts    spellings
	workerTexts spellings
	statusTexts spellings
	sourceTexts spellings

	warnings []string
	done     error // what Next returns from now on
}

// badLines are the records that were rejected for one reason.
type badLines struct {
	count int64
	first []int64 // lines
	hint  string  // of the first
}

func newAccount(t *text, o Options) *account {
	return &account{text: t, o: o, reasons: map[Reason]*badLines{}}
}

// reject counts and tells a rejected record.
func (a *account) reject(r Reject) error {
	r.File, r.Row = a.text.name, a.records
	a.rejected++
	bad := a.reasons[r.Reason]
	if bad == nil {
		bad = &badLines{hint: r.Hint}
		a.reasons[r.Reason] = bad
	}
	bad.count++
	if len(bad.first) < keptLines {
		bad.first = append(bad.first, r.Line)
	}
	if len(a.rejects) < keptRejects {
		kept := r
		kept.Raw = bytes.Clone(r.Raw[:min(len(r.Raw), keptRaw)])
		a.rejects = append(a.rejects, kept)
	}
	if a.o.OnReject == nil {
		return nil
	}
	if err := a.o.OnReject(r); err != nil {
		return a.stop(err)
	}
	return nil
}

// stop makes err what Next returns from now on.
func (a *account) stop(err error) error {
	a.done = err
	return err
}

// unusable stops with an InputError about the file as a whole, or a line.
func (a *account) unusable(line int64, reason, hint string) error {
	return a.stop(&InputError{File: a.text.name, Line: line, Reason: reason, Hint: hint})
}

// failed stops with an error of reading or parsing.
func (a *account) failed(err error) error {
	var input *InputError
	if errors.As(err, &input) && input.File == "" {
		input.File = a.text.name
	}
	return a.stop(err)
}

// end stops at the end of the file: with io.EOF, unless too much was bad (R12).
func (a *account) end() error {
	if !a.o.MaxBad.Exceeded(a.rejected, a.records) {
		return a.stop(io.EOF)
	}
	most, first := a.worst()
	return a.stop(&InputError{
		File: a.text.name, Line: first, Err: ErrMaxBad,
		Reason: fmt.Sprintf("%d of %d records are bad, most of them %s, from this line on", a.rejected, a.records, most),
		Hint:   "see rejected.csv; --max-bad allows more",
	})
}

// worst is the most frequent reason and its first line.
func (a *account) worst() (most Reason, first int64) {
	for _, r := range slices.Sorted(maps.Keys(a.reasons)) {
		if most == "" || a.reasons[r].count > a.reasons[most].count {
			most, first = r, a.reasons[r].first[0]
		}
	}
	return most, first
}

// Changed returns an *InputError if the file is not what it was when it was
// opened (R12).
func (a *account) Changed() error { return a.text.id.Changed() }

// Close closes the file.
func (a *account) Close() error { return a.text.Close() }

// Stats returns what is known so far.
func (a *account) Stats() Stats {
	s := Stats{
		File: a.text.name, Records: a.records, Rejected: a.rejected, Reasons: map[Reason]int64{},
		Rejects: slices.Clone(a.rejects), Notes: a.notes.named(),
		MissingEnds: a.endTexts.counts(), OtherWorkers: a.workerTexts.counts(),
		OtherStatuses: a.statusTexts.counts(), OtherSources: a.sourceTexts.counts(),
		Symbols: a.symbols.sorted(),
	}
	for r, bad := range a.reasons {
		s.Reasons[r] = bad.count
	}
	s.Warnings = a.warn(s)
	return s
}

// warn puts into words what a user should know.
func (a *account) warn(s Stats) []string {
	var all []string
	say := func(format string, args ...any) {
		all = append(all, oneLine(s.File)+": "+fmt.Sprintf(format, args...))
	}
	for _, r := range slices.Sorted(maps.Keys(a.reasons)) {
		bad := a.reasons[r]
		hint := ""
		if bad.hint != "" {
			hint = fmt.Sprintf(" (line %d: %s)", bad.first[0], bad.hint)
		}
		say("%d rejected as %s: %s%s", bad.count, r, bad, hint)
	}
	if a.records > 0 && a.rejected == a.records {
		say("no record of it can be used")
	}
	if n := a.notes[naiveTimes]; n > 0 {
		zone := "UTC"
		if a.o.Zone.Loc != nil {
			zone = a.o.Zone.Loc.String()
		}
		say("%d times name no zone and are read as %s: --assume-tz sets another", n, zone)
	}
	for _, w := range a.warnings {
		say("%s", w)
	}
	if n := a.notes[repeatedMembers]; n > 0 {
		say("%d times a member stands twice in an object: the last one counts", n)
	}
	if a.notes[unclosedArray] > 0 {
		say("the file ends within its array: the copy may be incomplete")
	}
	if !a.o.FoldCase {
		for _, group := range nearSymbols(s.Symbols) {
			say("%s", group)
		}
	}
	return all
}

// String names the lines.
func (b *badLines) String() string {
	var s strings.Builder
	s.WriteString("line")
	if b.count > 1 {
		s.WriteByte('s')
	}
	for i, n := range b.first {
		if i > 0 {
			s.WriteByte(',')
		}
		fmt.Fprintf(&s, " %d", n)
	}
	if b.count > int64(len(b.first)) {
		s.WriteString(", …")
	}
	return s.String()
}
