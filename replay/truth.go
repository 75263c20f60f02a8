package replay

import (
	"fmt"

	"holdfast/replay/tick"
)

// Incident is what was given to be judged: the values that stand in the files.
// Rows the reader rejected are not in it.
type Incident struct {
	Events []Event // in any order
	Rows   []Row   // in file order, so N rises
}

// Truth is what really happened, as the incident generator knows it (R84).
type Truth struct {
	Preset string
	Seed   uint64

	Rows          []TruthRow     // truth/rows.csv, one for each row that can be read, in any order
	Attempts      []TruthAttempt // truth/attempts.csv
	Lost          []LostEvent    // truth/lost.csv
	Interventions []Intervention // truth/interventions.csv; empty if it was not written
}

// TruthRow is a line of truth/rows.csv.
type TruthRow struct {
	Row     int64  // N of the row; rejected records have no line but count in N
	Event   string // empty if the row reports no event
	Attempt int    // 1-based position of the writing attempt in truth/attempts.csv order; 0 if none

	// Duplicate says that the row repeats Canonical. The row of an event that
	// the source emitted again under a second id is one too: its Event is the
	// second id, its Canonical the first id's row.
	Duplicate bool
	Canonical int64  // the row that should be kept; the row itself (or 0) if it is no duplicate
	Cause     string // slug of R50; empty if the row is no duplicate
}

// TruthAttempt is a line of truth/attempts.csv, in true times: no skew, no lost line.
type TruthAttempt struct {
	Event     string
	Attempt   int
	Worker    string
	Start     tick.Nanos
	End       tick.Nanos // meaningless when Open
	Open      bool
	Commit    tick.Nanos // meaningless unless Committed
	Committed bool
	Fate      string
}

// LostEvent is a line of truth/lost.csv: an event that has no row.
type LostEvent struct {
	Event  string
	Reason string
}

// Intervention is a line of truth/interventions.csv: what happened when the
// incident ran again with a safeguard on.
type Intervention struct {
	Safeguard       string
	Parameter       string
	Duplicates      int64 // that remained
	Prevented       int64
	FalseRejections int64
	EventsLost      int64
}

// MismatchError says that incident, truth and answer do not belong together
// (exit status 3).
type MismatchError struct {
	File   string // the file that contradicts, such as truth/rows.csv
	Row    int64  // the row of the output it is about; 0 if none
	Reason string
}

func (e *MismatchError) Error() string {
	if e.Row == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Reason)
	}
	return fmt.Sprintf("%s: row %d: %s", e.File, e.Row, e.Reason)
}
