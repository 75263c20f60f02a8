// Package dedupe writes an output file again without its duplicates, every
// kept line byte for byte as it was read.
//
// [ByKey] groups rows by the values of some columns and decides which row of
// each group stays; [Copy] carries out decisions that somebody else made. Both
// read the input as often as they need, keep no more in memory than
// Config.Memory, and replace their output files only when all is done.
//
// They promise that rows in = kept + removed + rejected, that a row is removed
// only after its real key was compared with that of the row kept instead (a
// hash collision can never remove a row), and that the bytes written do not
// depend on jobs, memory or the way the input is compressed. They do not know
// events: equal keys may be two real events, of which grouping by key loses
// one (see Result.Suspected).
package dedupe

import (
	"context"
	"io"
	"iter"

	"holdfast/internal/vfs"
	"holdfast/replay/ingest"
	"holdfast/replay/tick"
)

// Config says what to read, what to write and how. Only In is needed.
type Config struct {
	In       string // path, or "-" for Stdin
	Out      string // path, "-" for Stdout, or "" for none; .gz and .zst compress
	Removed  string // path of the list of removed and rejected rows, or ""
	Analysis string // path of duplication_analysis.csv, key view, or ""; ByKey only

	Key  []string // column names; nil: symbol, timestamp
	Keep string   // first last lowest highest median mean; "": last

	Read ingest.Options // how the input is read (R3-R12); OnReject is not called

	CSVSafe  bool // prefix text that a spreadsheet would run, in Removed and Analysis
	Required bool // only the columns of Analysis that the requirement names

	Memory int64  // bytes of working memory; 0: 512 MiB
	Jobs   int    // parallel scans; 0: all cores
	Tmp    string // folder of temporary files; "": the system's

	FS     vfs.FS    // nil: the real one
	Set    *vfs.Set  // the files appear when the caller commits it; nil: at once
	Stdout io.Writer // nil: the process's own; standard input is Read.Stdin

	// Progress is told now and then how much is done, in bytes; nil: nobody is.
	// It is called by one goroutine at a time.
	Progress func(done, total int64)

	// For tests.
	chunk int                 // bytes of a chunk; 0: by the size of the file
	hash  func([]byte) uint64 // of a key; nil: a good one
}

// Result is the JSON object of R63, and beside it what the command tells the
// reader.
type Result struct {
	RowsIn    int64 `json:"rows_in"`
	Kept      int64 `json:"kept"`
	Removed   int64 `json:"removed"`
	Rejected  int64 `json:"rejected"`
	Rewritten int64 `json:"rewritten"` // kept rows whose price was replaced by a mean

	Groups    int64      `json:"groups"`               // of two or more rows
	Suspected int64      `json:"suspected_collisions"` // R64: groups whose price shift exceeds 1 % of their lowest price
	Grouping  string     `json:"grouping"`             // key, event or near
	Key       []string   `json:"key"`
	Keep      string     `json:"keep"`
	Tolerance *Tolerance `json:"tolerance"`
	// AccidentalExpected is how many pairs chance would have put within the
	// tolerance; nil without one.
	AccidentalExpected *float64 `json:"accidental_expected"`

	Rejects  []ingest.Reject  `json:"-"` // the first ten, in file order
	Notes    map[string]int64 `json:"-"` // how often reading had to assume something, as ingest.Stats names it
	Warnings []string         `json:"-"` // one line each
}

// Tolerance is the band of R31 as the JSON spells it.
type Tolerance struct {
	EarlyMS float64 `json:"early_ms"`
	LateMS  float64 `json:"late_ms"`
	Price   float64 `json:"price"`
}

// Action is what becomes of a row.
type Action uint8

// The actions of a Decision. A row without a decision is kept as it is.
const (
	Remove Action = iota
	Reject
	Rewrite // keep, with another price
)

// Decision is what becomes of one row.
type Decision struct {
	Row     int64 // 1-based data record number
	Action  Action
	Reason  string     // for Removed
	KeptRow int64      // the row kept instead; 0: none
	EventID string     // for Removed
	Match   string     // for Removed: the label of the match
	Price   tick.Price // Rewrite only
}

// ByKey keeps one row of each group of equal key values (R60-R66). Errors are
// *ingest.UsageError (exit 2: a column or keep that is not there, In = Out),
// *ingest.InputError (exit 3), or those of the file system.
func ByKey(ctx context.Context, c Config) (Result, error) { return byKey(ctx, c) }

// Copy writes Out and Removed from decisions in ascending order of rows. Key,
// Keep and Analysis are not used, and of the result only the five row counts,
// Rejects and Warnings are set. An error that stands in *failed when the
// decisions end (nil pointer: never) is returned, and nothing is written.
func Copy(ctx context.Context, c Config, decisions iter.Seq[Decision], failed *error) (Result, error) {
	return copyRows(ctx, c, decisions, failed)
}
