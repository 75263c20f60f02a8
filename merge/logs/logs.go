// Package logs merges sorted log files into one, whatever their size: CSV,
// JSON lines or lines of text, by one or more columns.
//
// It promises: the output is what a stable sort of the files, one behind the
// other, would give, and records are copied byte for byte; for text it equals
// LC_ALL=C sort -m -s of the same key. A file that is not sorted is named with
// its line and never merged as if it were. Memory is bounded by Config.Memory
// and one record a file. The output file appears complete and synced, or not
// at all. Deduplication is exact over the whole stream, within the same memory.
//
// It does not promise that records are valid beyond what the format needs, nor
// anything about files that change while they are read. Temporary files survive
// nothing and are gone when the process is, killed or not, where the system
// lets an open file be removed.
//
// Call [Merge].
package logs

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"holdfast/internal/vfs"
)

// Config says what to merge and how. Files, By and Out must be given; zero
// values of the others are their defaults.
type Config struct {
	Files []string // "-" is standard input
	By    string   // COL[:type][,COL[:type]...]; "" is the whole line, of text
	Out   string   // "-" is standard output; .gz and .zst are compressed

	Format    string // auto, csv, jsonl, text; "" means auto
	Delimiter byte   // of CSV (0: a comma, a tab in .tsv) and text (0: GNU's blanks)
	NoHeader  bool   // CSV files begin with data; columns are numbers
	Align     bool   // CSV columns are matched by name, not by position
	Missing   string // "" (an error), first or last: where records without a key stand
	Sort      bool   // the files need not be sorted
	Dedupe    string // columns, or "line"; "" keeps all
	MaxRecord int64  // bytes of the longest record; 0 means DefaultMaxRecord

	Memory  int64  // bytes for buffers; 0 means DefaultMemory
	Temp    string // folder for temporary files; "" means the system's
	FanIn   int    // files merged at once; 0: as many as descriptors and memory allow
	NoBatch bool   // do not look for runs: for measurements

	batch int // bytes of a batch, for tests; 0: what memory allows

	Stdin    io.Reader
	Stdout   io.Writer
	FS       vfs.FS                                // of outputs and temporary files; nil means vfs.OS
	Progress func(phase string, done, total int64) // bytes; total is 0 if it is not known; may be nil
}

// The defaults of a Config, and the least memory, in bytes.
const (
	DefaultMemory    = 256 << 20
	DefaultMaxRecord = 16 << 20
	MinMemory        = 1 << 20
	maxMaxRecord     = 1 << 29 // so that positions and sorted records fit
)

// Report is what a merge did.
type Report struct {
	Files             int    `json:"files"`
	Records           int64  `json:"records"` // read
	Written           int64  `json:"written"` // = Records - DuplicatesRemoved
	DuplicatesRemoved int64  `json:"duplicates_removed"`
	Bytes             int64  `json:"bytes"`  // written, before compression
	Passes            int    `json:"passes"` // 1 unless there were more files than can be merged at once
	Format            string `json:"format"`
	KeyType           string `json:"key_type"`    // bytes, int, decimal or time; one for each column
	Comparisons       int64  `json:"comparisons"` // of two sources; beside them each key is compared with the one before it
}

// InputError is an input that cannot be used, or not as asked.
type InputError struct {
	File   string
	Line   int64  // 0: the file as a whole
	Reason string // what is wrong, in words
	Hint   string // what to do about it; may be empty
}

// Error is one line: file:line: reason: hint.
func (e *InputError) Error() string {
	s := e.File
	if e.Line > 0 {
		s += ":" + strconv.FormatInt(e.Line, 10)
	}
	s += ": " + e.Reason
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	return s
}

// UsageError is a request that cannot be meant.
type UsageError struct{ Reason string }

func (e *UsageError) Error() string { return e.Reason }

func usage(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

// clip is text out of a file, made fit for a message.
func clip(b []byte) string {
	const most = 60
	more := ""
	if len(b) > most {
		b, more = b[:most], "…"
	}
	for _, r := range string(b) {
		if r == utf8.RuneError || !strconv.IsPrint(r) || r == '"' {
			return strconv.Quote(string(b)) + more
		}
	}
	return `"` + string(b) + `"` + more
}

// Merge merges the files.
func Merge(ctx context.Context, c Config) (Report, error) {
	if err := c.complete(); err != nil {
		return Report{}, err
	}
	m := &merge{Config: c, ctx: ctx}
	if err := m.run(); err != nil {
		return Report{}, err
	}
	return m.report, nil
}
