package replay

import "holdfast/replay/tick"

// Slugs of the findings that are not duplicates (R51), and of the flags that
// records get while they are read and judged.
const (
	LostAllAttemptsFailed = "lost-all-attempts-failed" // N1
	LostDespiteSuccess    = "lost-despite-success"     // N2
	NeverAttempted        = "never-attempted"          // N3, with or without a row
	GhostCommit           = "ghost-commit"             // N4
	OrphanRow             = "orphan-row"               // N5
	UnknownEventAttempt   = "unknown-event-attempt"    // N6
	LateRow               = "late-row"                 // N7
	ForeignRow            = "foreign-row"              // N8
	PriceCorrupted        = "price-corrupted"          // N9
	JitteredSingle        = "jittered-single"          // N10
	HarmlessRace          = "harmless-race"            // N11
	ImpossibleTime        = "impossible-time"          // N12

	LostUnexplained   = "lost-unexplained"    // no row, and no worker log to say why
	SuccessWithoutEnd = "success-without-end" // R21
	BadIntervalFlag   = "bad-interval"        // R21
	IDReuse           = "id-reuse"            // R40
	SourceRepeat      = "source-id-repeat"    // R40: of the event, whether or not it was written twice
	ClockSuspectFlag  = "clock-suspect"       // R25: of an attempt that overlaps only with, or only without, the correction
	UnknownWorker     = "unknown-worker"      // R26
	UnknownStatus     = "unknown-status"
	DuplicatedLine    = "duplicated-line"  // R20
	NoEnd             = "no-end"           // R24: a crash by the requirement
	BackedBySilence   = "crash"            // R24: no end, backed by silence
	PossibleOverlap   = "possible-overlap" // R22: an earlier attempt without end may still be running
)

// Count is how often a finding was made.
type Count struct {
	Slug string
	N    int
}

// Duplicate is a row that should not be there, and why it is: a line of
// duplicates.csv.
type Duplicate struct {
	Row          Row
	EventIDs     []string // the event, or the set of events that nothing tells apart
	Owner        string   // the one of them that the row is counted for
	CanonicalRow int64    // the row that is kept instead
	TimeShift    tick.Nanos
	PriceShift   tick.Price // both: row minus event

	Cause        Cause
	Also         []Cause // modifiers, and the general causes that a special one implies; table order
	Alternatives []Cause // rivals that fit too
	Grade        Grade
	Attempts     []int  // 1-based numbers of the attempts that explain it, earlier first
	Evidence     string // short, with figures

	Label             Label
	Posterior         float64
	EventAlternatives []Alt

	// Removed reports that the row is not in the clean output: false for an
	// ambiguous row that some event may need, and for the row of an event that
	// the source emitted twice (D10) unless Options.CollapseSource.
	Removed bool
}

// RetryKind tells how an attempt relates to those before it (R23).
type RetryKind uint8

// The kinds.
const (
	FirstAttempt     RetryKind = iota
	OverlappingRetry           // an earlier attempt certainly still ran
	SequentialRetry
)

var retryNames = [...]string{"first", "overlapping", "sequential"}

// String is first, overlapping or sequential.
func (k RetryKind) String() string { return retryNames[k] }

// Fate tells what became of an attempt's work (R27).
type Fate uint8

// The fates.
const (
	FateUnknown  Fate = iota // no events or no output to tell
	FateNone                 // the event has no row
	FateEmitted              // it wrote
	FateOneOf                // some attempts wrote; the records do not say which
	FateRepeated             // it wrote more than once: emitted×k
)

var fateNames = [...]string{"unknown", "none", "emitted", "one-of", "emitted"}

// String is the fate without the count of FateRepeated, which
// TimelineEntry.FateText adds.
func (f Fate) String() string { return fateNames[f] }

// TimelineEntry is one attempt in its context: a line of timeline.csv but for
// the lane, which needs all attempts of the worker (see LaneAssigner).
type TimelineEntry struct {
	Attempt             // Attempt.Event is the event id
	Number    int       // 1-based among the event's attempts
	Retry     int       // Number - 1
	Kind      RetryKind //
	Gap       tick.Nanos
	HasGap    bool // false for a first attempt
	Symbol    string
	EventTime tick.Nanos
	HasEvent  bool // false: Symbol and EventTime are not known

	// OverlapGroup numbers the event's groups of overlapping attempts from 1;
	// 0 if the attempt overlaps none.
	OverlapGroup int
	// OverlapsWith lists the attempts, by number, that this one certainly
	// overlaps; at most 64, then OverlapsMore says how many are left out.
	OverlapsWith []int
	OverlapsMore int

	Fate Fate
	// Rows are the rows that the attempt wrote or, where the records do not
	// say which of several, all that it may have written; at most 64, then
	// RowsMore says how many are left out.
	Rows     []int64
	RowsMore int
	Notes    []string // slugs, in a fixed order
}

// Findings is what Classify says of one event.
type Findings struct {
	Duplicates []Duplicate // in file order
	Timeline   []TimelineEntry
	Other      []Count // sorted by slug

	Lost   bool // the event has no row
	Failed bool // it was attempted and no attempt succeeded (R23)

	OverlapPairs       int // certain ones (R22)
	OverlapGroups      int
	MaxConcurrency     int // of certain overlaps; 1 if it was attempted at all
	Retries            int
	RetriesOverlapping int
	RetriesSequential  int
	CrashesNullEnd     int // attempts without end: crashes by the requirement (R24)
	CrashesSilence     int // those backed by silence
	DuplicatedLines    int
	BadIntervals       int
	Span               Window // of all attempts, first start to last end known

}

// Window is a stretch of time. Empty: To before From.
type Window struct{ From, To tick.Nanos }
