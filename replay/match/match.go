// Package match says which event each row of an output belongs to, and how sure
// that is.
//
// A row that equals an event in symbol, time and price is that event's
// ([Exact]). Every other row is compared with all events of its symbol within a
// tolerance ([Link]). The tolerance is read off the data against a null model,
// what the residuals look like is learned, and the rows of a component of rivals
// are assigned together, at the least total cost. Where the evidence does not
// decide, the row says so: it is ambiguous and names its alternatives, or it is
// an orphan. [Near] and [Twins] do the same for files without events and for
// sources that emitted an event twice.
//
// Promised: the result depends on the values of the input and not on its order
// (ties go by R38, position in the file counts only through [Clock]); memory is
// proportional to rate times tolerance, never to the file; likelihoods are
// integers, thousandths of a nat, so every machine gives the same answer. Not
// promised: that a row is where its event is when the records allow more than
// one reading; that is what labels and posteriors are for.
//
// Sequences are ranged more than once and must give the same items each time.
package match

import (
	"errors"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// Errors that say why there is no tolerance, or why matching stopped.
var (
	ErrTooFew         = errors.New("too few rows to read a tolerance off them")
	ErrAutocorrelated = errors.New("neighbours in time look alike, so chance pairs cannot be told from copies: give a tolerance")
	ErrNoExcess       = errors.New("no more pairs than chance would give")
	ErrOrder          = errors.New("records are out of order")
)

// Event is an event, or a set of events with the same symbol, time and price,
// which nothing tells apart.
type Event struct {
	IDs      []string // sorted; usually one
	Symbol   string
	Time     tick.Nanos
	Price    tick.Price
	Attempts []replay.Attempt // of all members, each naming its event
	Counts   []int            // attempts of each member, in the order of IDs
	Exact    int              // rows that equal the event
	FirstRow int64            // the first of them; 0 if there is none
}

// Row is a row together with what its place in the file says.
type Row struct {
	replay.Row
	Bracket Bracket
}

// Bracket holds the commit times of the nearest rows before and after a row in
// the file whose commit is known.
type Bracket struct {
	Before, After       tick.Nanos
	HasBefore, HasAfter bool
}

// Item is an event or a row: one of the two is set.
type Item struct {
	Event *Event
	Row   *Row
}

// Config says how rows are linked. The zero value reads the tolerance off the
// data and knows of no worker log.
type Config struct {
	Tolerance   Tolerance
	Clock       *Clock // what the file's order tells (R34a); nil: nothing
	Adjacency   bool   // a row right after a row of the same event is likelier its copy (R34)
	HaveWorkers bool   // the events carry their attempts
	Limits      Limits
}

// Limits bound the work; zero values stand for the defaults.
type Limits struct {
	ComponentEdges int // larger components are solved greedily; 4,096 (R36)
	ExactEdges     int // up to here posteriors are exact; 12 (R37)
	SampleRows     int // rows from which the tolerance and the residuals are learned; 20,000
}

// Totals is what was done, for the summary.
type Totals struct {
	Band   Band   // in force; the zero Band if Null is "none"
	Null   string // attempts, time-shift, given, default or none: where the band comes from (R33)
	Reason error  // why Null is "default" or "none": ErrTooFew, ErrAutocorrelated, ErrNoExcess

	// Pairs counts the row-event pairs within the band; with the null model of
	// attempts only those of events that were attempted more than once. Accidental
	// is how many of them chance alone would give, if that is known.
	Pairs           int64
	Accidental      float64
	AccidentalKnown bool

	Rows       int64 // rows that went through the band join
	Certain    int64
	Likely     int64
	Ambiguous  int64
	Orphans    int64
	Rescued    int64 // found beyond the band, in the only free slot (R37)
	Components int64 // of two or more rivals
	Capped     int64 // components too large to be solved exactly (components_capped)

	Rounds int      // of learning, until no cost changed
	Notes  []string // what the reader should know, one line each

	CommitOrder bool // the file's order follows the commits, and was used (R34a)
}
