// Package audit runs the whole judgement of an incident over its three files,
// whatever their size: read, sort, match, join, judge, write.
//
// It promises that memory is bounded by Config.Memory (but for the largest
// single event and a few bytes a symbol), that equal inputs give byte-identical
// files whatever the order of events and worker log, the memory, the processors
// and the time zone, that every record is used or listed as rejected, and that
// the files of a run appear all together or not at all. It decides nothing
// itself: what a row is, why it exists and which one stays is said by packages
// match and replay.
//
// Start with [Run]; [Dedupe] writes the clean output alone.
package audit

import (
	"context"
	"errors"
	"holdfast/internal/stream"
	"io"
	"os"
	"path/filepath"

	"holdfast/internal/extsort"
	"holdfast/internal/vfs"
	"holdfast/replay"
	"holdfast/replay/ingest"
	"holdfast/replay/match"
	"holdfast/replay/tick"
	"holdfast/replay/whatif"
)

// Config says what to audit and how. Only Output and Out are needed; the zero
// value of the rest is the documented default.
type Config struct {
	Events, Workers, Output string // paths; "" if there is none, "-" for Stdin
	Out                     string // folder of the results

	Read       ingest.Options // OnReject and Stdin are set by the audit
	Tolerance  match.Tolerance
	NoPosition bool // the output's order is no clock (R34a)
	Adjacency  bool // neighbouring lines are evidence (R34)

	Closed          bool       // touching attempts overlap (R22)
	Lease           tick.Nanos // as configured; 0: not known
	ReplayGap       tick.Nanos // 0: 1 s
	SourceWindow    tick.Nanos // how much later a second id of an event may be (D10); 0: read off the events
	NoTwins         bool       // do not look for second ids
	CollapseSource  bool       // remove the row of an event's second id (D10)
	RequiredColumns bool       // duplication_analysis.csv with the four required columns alone
	CSVSafe         bool
	Around          string             // an event: trace.json shows only what lies around it
	Pad             tick.Nanos         // how far; 0: 100 ms
	NotebookKernel  string             // python3 (""), or gonb
	ReportMax       int64              // bytes of report.html; 0: 5 MiB
	Safeguards      []whatif.Safeguard // weighed beside the standard ones

	Memory int64  // bytes; 0: 512 MiB
	Tmp    string // "": the system's folder
	Jobs   int    // 0: all processors
	FS     vfs.FS // nil: the real one
	Stdin  io.Reader

	Progress func(phase string, done, total int64) // nil: nobody is told
}

// DefaultMemory is what an audit may use when nobody says otherwise, in bytes.
const DefaultMemory = 512 << 20

// audit is one run: what each phase leaves for the next.
type audit struct {
	cfg Config
	w   *workspace

	in            inputs
	rejects       *builder[reject]
	rejectsDone   *table[reject]
	events        int64                    // known ones
	joined        *table[replay.EventCase] // events with attempts, by id
	byWorker      *table[replay.Timed]     // attempts by worker and start
	link_         linked
	case_         caseTables
	out           judged
	closedLoop    bool // of the what-if
	needTolerance bool // a tolerance was asked for by name: without one there is no answer
}

// newAudit checks the configuration and makes the workspace.
func newAudit(ctx context.Context, c Config) (*audit, error) {
	if c.Memory <= 0 {
		c.Memory = DefaultMemory
	}
	if c.FS == nil {
		c.FS = vfs.OS{}
	}
	if c.Tmp == "" {
		c.Tmp = os.TempDir()
	}
	w := &workspace{ctx: ctx, sort: extsort.Config{Memory: c.Memory / sortShare, Dir: c.Tmp, Jobs: c.Jobs, FS: c.FS}}
	a := &audit{cfg: c, w: w}
	a.rejects = newTable(w, func(e *encoder, r reject) { e.keyInt(int64(r.role)); e.keyInt(r.Line); e.keyInt(r.Row) }, encodeReject, decodeReject)
	return a, a.spoolStdin()
}

// sortShare is the part of the memory that one sort may hold: at the widest
// point of the pipeline seven of them are alive, some reading, some writing.
const sortShare = 12

// spoolStdin keeps an output that comes from standard input: it is read twice.
func (a *audit) spoolStdin() error {
	if a.cfg.Output != "-" {
		return nil
	}
	in := a.cfg.Stdin
	if in == nil {
		in = os.Stdin
	}
	f, err := os.CreateTemp(a.cfg.Tmp, "holdfast-stdin-*")
	if err != nil {
		return err
	}
	a.w.closes = append(a.w.closes, func() error { return os.Remove(f.Name()) })
	if _, err := io.Copy(f, stream.Reader(a.w.ctx, in)); err != nil {
		return errors.Join(err, f.Close())
	}
	a.cfg.Output = f.Name()
	return f.Close()
}

// analyse runs every phase up to the findings.
func (a *audit) analyse() error {
	phases := []func() error{a.read, a.join, a.link, a.gather, a.judge, a.weigh}
	if a.cfg.Events == "" {
		phases = []func() error{a.read, a.join, a.near, a.judge, a.weigh}
	}
	for _, phase := range phases {
		if err := phase(); err != nil {
			return err
		}
		if a.w.err != nil {
			return a.w.err
		}
	}
	return nil
}

// mode tells which of the three files there are (R1).
func (a *audit) mode() string {
	switch {
	case a.cfg.Events != "" && a.cfg.Workers != "":
		return replay.ModeFull
	case a.cfg.Events != "":
		return replay.ModeNoWorkers
	case a.cfg.Workers != "":
		return replay.ModeNoTruth
	default:
		return replay.ModeOutputOnly
	}
}

func (a *audit) step(phase string, done, total int64) {
	if a.cfg.Progress != nil {
		a.cfg.Progress(phase, done, total)
	}
}

func (a *audit) path(name string) string { return filepath.Join(a.cfg.Out, name) }
