// Package replay is the model of an incident: events that should have been
// written once, the attempts that workers made at them, and the rows that
// came out. From these values, and nothing else, it decides which attempts
// raced, which rows are copies, why each copy exists, which rows to keep, and
// how good somebody's answers are.
//
// It promises to be pure: no files, no clock, no goroutine, no randomness that
// is not derived from its input, so equal values in give equal values out on
// every machine. It does not read files (see replay/ingest), does not say
// which event a row belongs to (see replay/match), and writes no document
// (see replay/report).
//
// Start with [Classify]: one event with its attempts and rows in, findings out.
package replay

import "holdfast/replay/tick"

// Event is a source record that should have exactly one output row.
type Event struct {
	ID     string
	Time   tick.Nanos
	Symbol string
	Price  tick.Price
}

// Status is what a worker said of an attempt.
type Status uint8

// The statuses that the worker log knows. Anything unreadable is
// StatusUnknown, which never counts as success.
const (
	StatusUnknown Status = iota
	StatusSuccess
	StatusTimeout
	StatusFailed
)

// Attempt is one worker's processing of one event, over [Start, End). An open
// attempt has no end.
type Attempt struct {
	Event  string
	Worker string
	Start  tick.Nanos
	End    tick.Nanos // meaningless when Open
	Open   bool
	Status Status
	Lines  int // how many equal lines of the log said so; at least 1
}

// Row is a record of the output. N is its 1-based position among the data
// records of the file, rejected ones included.
type Row struct {
	N        int64
	Symbol   string
	Time     tick.Nanos
	Price    tick.Price
	TimeText string // the file's own spelling of Time
}

// Label says how sure it is which event a row belongs to.
type Label uint8

// From nothing in reach to beyond reasonable doubt.
const (
	Orphan Label = iota
	Ambiguous
	Likely
	Certain
)

// Alt is an event that a row may also belong to, with its probability.
type Alt struct {
	IDs       []string // one event, or a set of events that nothing tells apart
	Posterior float64
}

// Match ties a row to the event that it reports.
type Match struct {
	Row Row

	// IDs is the event, or the sorted set of events with the same symbol, time
	// and price, which no evidence can tell apart. Empty for an orphan.
	IDs []string
	// Owner is the one event of IDs that the row is counted for. Empty for an orphan.
	Owner string

	Label     Label
	Exact     bool // symbol, time and price equal the event's
	Canonical bool // the one row of its event that is kept
	Rescued   bool // found beyond the band, in the only free slot
	Posterior float64
	Margin    int64 // thousandths of a nat to the second-best explanation
	Alts      []Alt // rivals of at least 1 %, most probable first; without IDs itself

	// Covered reports that every event this row may belong to has another row,
	// so that removing it cannot lose an event.
	Covered bool
}

// Quote is the price of a symbol's event that was in force at some moment.
type Quote struct {
	Event string
	Price tick.Price
}

// EventCase is all that is known about one event.
type EventCase struct {
	Event    Event
	Rank     int64 // 0-based position of the event in (time, id) order
	Repeats  int   // how often the source holds this very record; 1 is normal
	IDReused bool  // the id also names another event; ID then carries "#1", "#2"
	Unknown  bool  // the id stands in the worker log only: Event holds nothing but the id

	Attempts []Attempt // as CleanAttempts returns them
	Rows     []Match   // in file order

	// Quotes[i] is the other event of the symbol whose price was in force when
	// Attempts[i] ended; nil, or a zero Quote, where there is none.
	Quotes []Quote

	// Twin is the earlier event that this one seems to repeat under another id
	// (a source that emitted twice); empty if there is none.
	Twin string
	// TwinRow is the row that Twin has.
	TwinRow int64
}
