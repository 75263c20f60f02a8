package replay

import (
	"math"
	"strconv"
)

// Report is the score sheet of an answer; its JSON is that of R91. A figure
// that is undefined, such as the precision of an answer that claims nothing,
// is null, never a number.
type Report struct {
	Preset string `json:"preset"`
	Seed   uint64 `json:"seed"`
	Rows   int64  `json:"rows"`
	// Duplicates is the number of rows that really are duplicates.
	Duplicates int64 `json:"duplicates"`
	// SourceTwins are those of them that the source made: rows of a tick that it
	// emitted again under a second id. Whoever leaves them in has doubled nothing.
	SourceTwins int64 `json:"source_twins"`

	Detection   Detection           `json:"detection"`
	Linking     Linking             `json:"linking"`
	Canonical   CanonicalScore      `json:"canonical"`
	Dedupe      DedupeScore         `json:"dedupe"`
	Pairwise    PrecisionRecall     `json:"pairwise"`
	BCubed      PrecisionRecall     `json:"bcubed"`
	Cause       CauseScore          `json:"cause"`
	Calibration Calibration         `json:"calibration"`
	WhatIf      WhatIfScore         `json:"whatif"`
	Baselines   map[string]Baseline `json:"baselines"`
	Floors      FloorsResult        `json:"floors"`
}

// Detection counts rows: claimed and a duplicate, claimed and none, missed.
type Detection struct {
	TP int64 `json:"tp"`
	FP int64 `json:"fp"`
	FN int64 `json:"fn"`
	PrecisionRecall
}

// PrecisionRecall is the usual triple.
type PrecisionRecall struct {
	Precision Ratio `json:"precision"`
	Recall    Ratio `json:"recall"`
	F1        Ratio `json:"f1"`
}

// Linking says how often a row is tied to the event that it reports.
type Linking struct {
	// Accuracy is over the true duplicates: the share whose event is named. A
	// set of m events earns 1/m, an ambiguous match nothing.
	Accuracy Ratio `json:"accuracy"`
	// BestGuess is the same with the first choice of ambiguous matches counted.
	BestGuess Ratio `json:"best_guess"`
	// Decided is the share of the true duplicates that are claimed likely or
	// certain, DecidedAccuracy the accuracy among these.
	Decided         Ratio `json:"decided"`
	DecidedAccuracy Ratio `json:"decided_accuracy"`
	// AllRows is Accuracy over every row that reports an event.
	AllRows Ratio `json:"all_rows"`
}

// CanonicalScore says how often the right row of an event is kept.
type CanonicalScore struct {
	// Accuracy is over the true duplicates: the share for which the answer
	// names the true canonical row and does not itself call that a duplicate.
	Accuracy Ratio `json:"accuracy"`
}

// DedupeScore judges deduplicated_output.csv.
type DedupeScore struct {
	Removed           int64 `json:"removed"`
	DuplicatesRemoved int64 `json:"duplicates_removed"`
	EventsLost        int64 `json:"events_lost"`
	EventsDoubled     int64 `json:"events_doubled"`
}

// CauseScore judges the causes given to the true duplicates.
type CauseScore struct {
	// Credit is the mean of 1/|set| where the true cause is in the set of the
	// cause and its alternatives, and of 0 elsewhere.
	Credit  Ratio `json:"credit"`
	MacroF1 Ratio `json:"macro_f1"`
	// Confusion counts rows by true cause, then first answered cause; "none"
	// stands for no duplicate.
	Confusion map[string]map[string]int64 `json:"confusion"`
}

// Calibration says whether stated probabilities can be believed, over the
// claims that state one; Coverage is the share of the true duplicates on which
// the answer commits itself, to an event and to a cause.
type Calibration struct {
	Brier    Ratio `json:"brier"`
	ECE      Ratio `json:"ece"`
	Coverage Ratio `json:"coverage"`
}

// WhatIfScore compares promised with observed effects of safeguards (R74).
type WhatIfScore struct {
	Checked  int64 `json:"checked"`
	Inside   int64 `json:"inside"`
	MaxError Ratio `json:"max_error"` // duplicates outside the promised interval, the worst case
}

// Baseline is what a usual rule achieves on the same output.
type Baseline struct {
	Removed           int64 `json:"removed"`
	DuplicatesRemoved int64 `json:"duplicates_removed"`
	EventsDoubled     int64 `json:"events_doubled"`
	EventsLost        int64 `json:"events_lost"`
	Linking           Ratio `json:"linking"`
}

// FloorsResult says whether the answer reaches what is asked of its preset
// (R93). Met is nil if nothing is.
type FloorsResult struct {
	Met    *bool    `json:"met"`
	Failed []string `json:"failed"` // one line each: figure, value, floor
}

// Ratio is a number that may be undefined. The zero value is undefined.
type Ratio struct {
	Value   float64
	Defined bool
}

func ratioOf(part, whole float64) Ratio {
	if whole == 0 {
		return Ratio{}
	}
	return Ratio{part / whole, true}
}

// String is the value with three decimals, cut rather than rounded so that
// 1.000 means all, or "-".
func (r Ratio) String() string {
	if !r.Defined {
		return "-"
	}
	return strconv.FormatFloat(math.Floor(r.Value*1000+1e-9)/1000, 'f', 3, 64)
}

// MarshalJSON writes a number of at most nine decimals, or null.
func (r Ratio) MarshalJSON() ([]byte, error) {
	if !r.Defined {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, math.Round(r.Value*1e9)/1e9, 'f', -1, 64), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Ratio) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*r = Ratio{}
		return nil
	}
	v, err := strconv.ParseFloat(string(b), 64)
	*r = Ratio{v, err == nil}
	return err
}
