package replay

import "strings"

// Cause is why a duplicate exists (R50): which race, retry or repetition made it.
type Cause uint8

// The causes in the order of the table of R50, of which the first that fires is
// the cause; after them the modifiers, which only ever stand beside a cause.
const (
	NoCause               Cause = iota
	SourceIDRepeat              // D10b
	SourceDoubleEmit            // D10
	SinkDoubleEmit              // D9
	RestartBurst                // D7
	ShortLease                  // D3
	HedgedAttempt               // D8
	SameWorkerDoubleClaim       // D2
	ConcurrentDoubleClaim       // D1
	CrashReplay                 // D6
	TimeoutThenLateCommit       // D4
	RetryAfterSuccess           // D5
	RestampedEmission           // D11, modifier
	MutableStateReread          // D12, modifier
	RetryStorm                  // D14, modifier
	BatchReplay                 // D15, modifier
	ClockSuspect                // D16, modifier
	KeyCollision                // D13, of a key group: not a duplicate at all
	UnexplainedCause            // no row of the table fires
	UnknownCause                // there is no worker log to tell
	causes                      // how many there are
)

var causeNames = [causes]struct{ code, slug string }{
	NoCause:               {"", ""},
	SourceIDRepeat:        {"D10b", "source-id-repeat"},
	SourceDoubleEmit:      {"D10", "source-double-emit"},
	SinkDoubleEmit:        {"D9", "sink-double-emit"},
	RestartBurst:          {"D7", "restart-burst"},
	ShortLease:            {"D3", "short-lease"},
	HedgedAttempt:         {"D8", "hedged-attempt"},
	SameWorkerDoubleClaim: {"D2", "same-worker-double-claim"},
	ConcurrentDoubleClaim: {"D1", "concurrent-double-claim"},
	CrashReplay:           {"D6", "crash-replay"},
	TimeoutThenLateCommit: {"D4", "timeout-then-late-commit"},
	RetryAfterSuccess:     {"D5", "retry-after-success"},
	RestampedEmission:     {"D11", "restamped-emission"},
	MutableStateReread:    {"D12", "mutable-state-reread"},
	RetryStorm:            {"D14", "retry-storm"},
	BatchReplay:           {"D15", "batch-replay"},
	ClockSuspect:          {"D16", "clock-suspect"},
	KeyCollision:          {"D13", "key-collision"},
	UnexplainedCause:      {"", "unexplained"},
	UnknownCause:          {"", "unknown"},
}

// String is the slug, such as short-lease; empty for NoCause.
func (c Cause) String() string { return causeNames[c].slug }

// Code is the short code of the table, such as D3; empty where there is none.
func (c Cause) Code() string { return causeNames[c].code }

// Modifier reports a cause that only ever stands beside another.
func (c Cause) Modifier() bool { return c >= RestampedEmission && c <= ClockSuspect }

// inferred reports a mechanism that the records suggest but cannot show: its
// grade is never above Consistent (R52).
func (c Cause) inferred() bool {
	switch c {
	case SourceDoubleEmit, RestartBurst, ShortLease, HedgedAttempt, CrashReplay, TimeoutThenLateCommit:
		return true
	}
	return false
}

// ParseCause is the inverse of String.
func ParseCause(slug string) (Cause, bool) {
	for c := range causes {
		if causeNames[c].slug == slug {
			return c, true
		}
	}
	return NoCause, false
}

// CauseSet holds causes: the copies of one event may each have another.
type CauseSet uint32

// Causes is the set of those given. NoCause is none.
func Causes(list ...Cause) (s CauseSet) {
	for _, c := range list {
		s = s.With(c)
	}
	return s
}

// With is the set and c.
func (s CauseSet) With(c Cause) CauseSet {
	if c == NoCause {
		return s
	}
	return s | 1<<c
}

// String is the slugs joined by |, in the order of the table of R50.
func (s CauseSet) String() string {
	var slugs []string
	for c := range causes {
		if s&(1<<c) != 0 {
			slugs = append(slugs, causeNames[c].slug)
		}
	}
	return strings.Join(slugs, "|")
}

// Grade is the strength of a cause (R52).
type Grade uint8

// From weak evidence to what follows from the records.
const (
	NoGrade Grade = iota
	Suspected
	Consistent
	Proved
)

var gradeNames = [...]string{"", "suspected", "consistent", "proved"}

// String is suspected, consistent or proved; empty for NoGrade.
func (g Grade) String() string { return gradeNames[g] }

// ParseGrade is the inverse of String.
func ParseGrade(s string) (Grade, bool) {
	for g, name := range gradeNames {
		if name == s {
			return Grade(g), true
		}
	}
	return NoGrade, false
}

var (
	labelNames  = [...]string{"orphan", "ambiguous", "likely", "certain"}
	statusNames = [...]string{"unknown", "success", "timeout", "failed"}
)

// String is orphan, ambiguous, likely or certain.
func (l Label) String() string { return labelNames[l] }

// ParseLabel is the inverse of String.
func ParseLabel(s string) (Label, bool) {
	for l, name := range labelNames {
		if name == s {
			return Label(l), true
		}
	}
	return Orphan, false
}

// String is success, timeout, failed or unknown.
func (s Status) String() string { return statusNames[s] }
