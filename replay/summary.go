package replay

import (
	"encoding/json"

	"holdfast/replay/tick"
)

// Summary is findings.json (the object that `audit --json` prints). Members
// that are not known are null.
type Summary struct {
	Mode          string                `json:"mode"`
	Assumptions   []string              `json:"assumptions"`
	Inputs        SummaryInputs         `json:"inputs"`
	Rows          SummaryRows           `json:"rows"`
	ByKey         SummaryByKey          `json:"by_key"`
	ByEvent       SummaryByEvent        `json:"by_event"`
	Near          SummaryNear           `json:"near"`
	Shift         SummaryShift          `json:"shift"`
	Tolerance     SummaryTolerance      `json:"tolerance"`
	Attempts      SummaryAttempts       `json:"attempts"`
	Causes        map[string]CauseCount `json:"causes"`
	Other         map[string]int64      `json:"other"`
	LeaseMS       *Millis               `json:"lease_ms"`
	Bursts        []SummaryBurst        `json:"bursts"`
	ReplayWindows []ReplayWindow        `json:"replay_windows"`
	Clock         map[string]Millis     `json:"clock"`
	Chance        []Chance              `json:"chance"`
	Warnings      []string              `json:"warnings"`

	// Figures that the documents print and findings.json does not hold.
	Lost             int64 `json:"-"` // events without a row
	DoubleClaims     int64 `json:"-"` // events with two attempts or more
	DoubleDuplicated int64 `json:"-"` // those of them with two rows or more
	Removable        int64 `json:"-"` // duplicates that the clean output leaves out
}

// SummaryInputs are filled in by whoever read the files.
type SummaryInputs struct {
	Events  SummaryInput `json:"events"`
	Workers SummaryInput `json:"workers"`
	Output  SummaryInput `json:"output"`
}

// SummaryInput is one input file. Fingerprint is the sum modulo 2^256 of the
// SHA-256 of each record's canonical form, in hexadecimal: order-free. Notes
// count what was skipped, assumed or unusual and used all the same, by the names
// of package ingest; MissingEnds how attempts without an end spell it.
type SummaryInput struct {
	Rows        int64            `json:"rows"`
	Rejected    int64            `json:"rejected"`
	Fingerprint string           `json:"fingerprint"`
	Notes       map[string]int64 `json:"notes,omitempty"`
	MissingEnds map[string]int64 `json:"missing_ends,omitempty"`
}

// SummaryRows is the balance: In = Kept + Removed + Rejected. Filled in by
// whoever wrote the clean output.
type SummaryRows struct {
	In       int64 `json:"in"`
	Kept     int64 `json:"kept"`
	Removed  int64 `json:"removed"`
	Rejected int64 `json:"rejected"`
}

// SummaryByKey counts the groups of two or more rows with equal symbol and timestamp.
type SummaryByKey struct {
	Groups     int64 `json:"groups"`
	ExtraRows  int64 `json:"extra_rows"`
	Collisions int64 `json:"collisions"`
	SameEvent  int64 `json:"same_event"`
	Mixed      int64 `json:"mixed"`
	Untested   int64 `json:"untested"`
}

// SummaryByEvent counts by event. Certain, Likely and Ambiguous are labels of
// duplicates; Orphans and Rescued are rows.
type SummaryByEvent struct {
	Events           int64 `json:"events"`
	DuplicatedEvents int64 `json:"duplicated_events"`
	Duplicates       int64 `json:"duplicates"`
	Certain          int64 `json:"certain"`
	Likely           int64 `json:"likely"`
	Ambiguous        int64 `json:"ambiguous"`
	Orphans          int64 `json:"orphans"`
	Rescued          int64 `json:"rescued"`
}

// SummaryNear counts near clusters of two or more rows (R39).
type SummaryNear struct {
	Clusters  int64 `json:"clusters"`
	ExtraRows int64 `json:"extra_rows"`
}

// SummaryShift is how far duplicates lie from their events: prices by amount,
// times signed. Null without duplicates.
type SummaryShift struct {
	PriceMin  *Decimal `json:"price_min"`
	PriceMax  *Decimal `json:"price_max"`
	SamePrice int64    `json:"same_price"`
	TimeMinMS *Millis  `json:"time_min_ms"`
	TimeMaxMS *Millis  `json:"time_max_ms"`
	Early     int64    `json:"early"`
	Late      int64    `json:"late"`
}

// SummaryTolerance is the band in force. Filled in by whoever matched the rows.
type SummaryTolerance struct {
	EarlyMS            *Millis  `json:"early_ms"`
	LateMS             *Millis  `json:"late_ms"`
	Price              *Decimal `json:"price"`
	Null               string   `json:"null"` // attempts, time-shift, given, default or none
	AccidentalExpected *float64 `json:"accidental_expected"`
}

// SummaryAttempts counts attempts, unless the name says otherwise.
type SummaryAttempts struct {
	Total              int64 `json:"total"`
	Success            int64 `json:"success"`
	Timeout            int64 `json:"timeout"`
	Failed             int64 `json:"failed"`
	Unknown            int64 `json:"unknown"`
	Open               int64 `json:"open"`
	OverlapPairs       int64 `json:"overlap_pairs"`
	OverlapGroups      int64 `json:"overlap_groups"`
	MaxConcurrency     int64 `json:"max_concurrency"`
	Retries            int64 `json:"retries"`
	RetriesOverlapping int64 `json:"retries_overlapping"`
	RetriesSequential  int64 `json:"retries_sequential"`
	FailedEvents       int64 `json:"failed_events"`
	CrashesNullEnd     int64 `json:"crashes_null_end"`
	CrashesSilence     int64 `json:"crashes_silence"`
	DuplicatedLines    int64 `json:"duplicated_lines"`
	BadIntervals       int64 `json:"bad_intervals"`
}

// CauseCount counts the duplicates of one cause, by grade.
type CauseCount struct {
	Count      int64 `json:"count"`
	Proved     int64 `json:"proved"`
	Consistent int64 `json:"consistent"`
	Suspected  int64 `json:"suspected"`
}

// SummaryBurst is a restart burst (D7).
type SummaryBurst struct {
	FirstEvent string   `json:"first_event"`
	LastEvent  string   `json:"last_event"`
	From       Instant  `json:"from"`
	To         Instant  `json:"to"`
	Attempts   int64    `json:"attempts"`
	SilenceMS  *Millis  `json:"silence_ms"`
	Speed      *float64 `json:"speed"` // times the first pace
}

// ReplayWindow is a time during which events were attempted again: from the
// first start to the last end of their attempts.
type ReplayWindow struct {
	From   Instant `json:"from"`
	To     Instant `json:"to"`
	Events int64   `json:"events"`
}

// Millis is a span that JSON holds as decimal milliseconds, exactly.
type Millis tick.Nanos

// MarshalJSON writes a number such as -0.5.
func (m Millis) MarshalJSON() ([]byte, error) { return tick.Nanos(m).AppendMillis(nil), nil }

// UnmarshalJSON reads what MarshalJSON wrote.
func (m *Millis) UnmarshalJSON(b []byte) error {
	p, err := tick.ParsePrice(b) // same grammar; a millisecond is 10^9 of its units, so the last three digits are nothing
	*m = Millis(p / 1000)
	return err
}

// Decimal is a price that JSON holds as a number, exactly.
type Decimal tick.Price

// MarshalJSON writes a number such as 0.5.
func (d Decimal) MarshalJSON() ([]byte, error) { return tick.Price(d).Append(nil), nil }

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	p, err := tick.ParsePrice(b)
	*d = Decimal(p)
	return err
}

// Instant is a time that JSON holds as an RFC 3339 string in UTC.
type Instant tick.Nanos

// MarshalJSON writes a string such as "2025-07-14T09:15:00.005Z".
func (t Instant) MarshalJSON() ([]byte, error) {
	return append(tick.Nanos(t).Append([]byte{'"'}), '"'), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Instant) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	n, _, err := tick.ParseTime([]byte(s), tick.Zone{})
	*t = Instant(n)
	return err
}
