package audit

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"holdfast/internal/vfs"
	"holdfast/replay"
	"holdfast/replay/dedupe"
	"holdfast/replay/ingest"
	"holdfast/replay/report"
	"holdfast/replay/tick"
	"holdfast/replay/whatif"
)

// Result is what an audit found, in figures.
type Result struct {
	Summary  replay.Summary
	WhatIf   *whatif.Result
	Warnings []string
}

// WriteText writes the result for people.
func (r *Result) WriteText(w io.Writer) error { return report.WriteSummary(w, &r.Summary, r.WhatIf) }

// Duplicates is the number of duplicates, or of rows too many where no events tell.
func (r *Result) Duplicates() int64 { return r.Summary.ByEvent.Duplicates + r.Summary.Near.ExtraRows }

// Run audits the files of c and writes everything it finds into c.Out. Errors
// are those of package ingest for inputs, and of the file system; after any
// error c.Out holds what it held before, except that an input with too many
// bad records leaves rejected.csv there.
func Run(ctx context.Context, c Config) (*Result, error) {
	a, err := newAudit(ctx, c)
	defer a.w.close()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.Out, 0o777); err != nil {
		return nil, err
	}
	if err := a.analyse(); err != nil {
		if errors.Is(err, ingest.ErrMaxBad) {
			return nil, errors.Join(err, a.writeRejected())
		}
		return nil, err
	}
	return a.write()
}

// Dedupe groups the rows of c.Output by event or, without events, by nearness,
// keeps of each group the row that out.Keep names ("": truth by event, first by
// nearness), and writes out.Out and out.Removed.
func Dedupe(ctx context.Context, c Config, out dedupe.Config) (dedupe.Result, error) {
	c.Out = ""
	a, err := newAudit(ctx, c)
	defer a.w.close()
	if err != nil {
		return dedupe.Result{}, err
	}
	a.needTolerance = true
	if err := a.analyse(); err != nil {
		return dedupe.Result{}, err
	}
	by, keep := replay.ByEvent, replay.KeepTruth
	if c.Events == "" {
		by, keep = replay.ByNear, replay.KeepFirst
	}
	if out.Keep != "" {
		keep, _ = replay.ParseKeep(out.Keep)
	}
	decisions := newTable(a.w, keyDecision, encodeDecision, decodeDecision)
	for d := range replay.Dedupe(a.groups(by), keep) {
		decisions.add(d)
	}
	out.In = a.cfg.Output
	result, err := dedupe.Copy(ctx, out, a.actions(decisions.done().all()), &a.w.err)
	result.Grouping, result.Keep = groupingNames[by], keep.String()
	a.describe(&result, by)
	return result, err
}

var groupingNames = map[replay.Grouping]string{replay.ByEvent: "event", replay.ByNear: "near"}

// describe fills in what Copy cannot know.
func (a *audit) describe(r *dedupe.Result, by replay.Grouping) {
	for g := range a.groups(by) {
		r.Groups++
		if g.SuspectedCollision() {
			r.Suspected++
		}
	}
	t := a.link_.totals
	if t.Null != "none" {
		r.Tolerance = &dedupe.Tolerance{
			EarlyMS: millis(t.Band.Early), LateMS: millis(t.Band.Late), Price: float64(t.Band.Price) / tick.Scale,
		}
	}
	if t.AccidentalKnown {
		r.AccidentalExpected = &t.Accidental
	}
	r.Warnings = append(warnings(a.in.eventStats, a.in.workerStats), append(r.Warnings, t.Notes...)...)
}

func millis(n tick.Nanos) float64 { return float64(n) / 1e6 }

// actions spells decisions and rejected records as package dedupe carries them
// out, by row.
func (a *audit) actions(decisions iter.Seq[replay.Decision]) iter.Seq[dedupe.Decision] {
	return merge(a.outputRejects(), decisions,
		func(r reject) dedupe.Decision {
			return dedupe.Decision{Row: r.Row, Action: dedupe.Reject, Reason: r.Reason}
		},
		spellDecision,
		func(r reject, d replay.Decision) bool { return d.Row < r.Row })
}

func spellDecision(d replay.Decision) dedupe.Decision {
	x := dedupe.Decision{Row: d.Row, Reason: d.Reason, KeptRow: d.KeptRow}
	if len(d.EventIDs) > 0 {
		x.EventID, x.Match = report.JoinList(d.EventIDs), d.Label.String()
	}
	if !d.Removed {
		x.Action, x.Price = dedupe.Rewrite, d.Price
	}
	return x
}

// outputRejects are the bad records of the output, by row.
func (a *audit) outputRejects() iter.Seq[reject] {
	return func(yield func(reject) bool) {
		for r := range a.rejectTable().all() {
			if r.role == roleOutput && !yield(r) {
				return
			}
		}
	}
}

// write makes all files of the audit and lets them appear together.
func (a *audit) write() (*Result, error) {
	a.step("write", 0, 0)
	set := vfs.NewSet(a.cfg.FS)
	defer set.Abort()
	copied, err := dedupe.Copy(a.w.ctx, dedupe.Config{
		In: a.cfg.Output, Out: a.path("deduplicated_output.csv"), Removed: a.path("removed.csv"), Read: a.cfg.Read,
		CSVSafe: a.cfg.CSVSafe, Memory: a.cfg.Memory, Jobs: a.cfg.Jobs, Tmp: a.cfg.Tmp, FS: a.cfg.FS, Set: set,
	}, a.actions(a.out.decisions.all()), &a.w.err)
	if err != nil {
		return nil, err
	}
	r := a.result(copied)
	symbols := a.symbolLines()
	document := &report.Incident{
		Summary: &r.Summary, Symbols: symbols, Facts: &a.out.pop, Matching: a.link_.totals,
		Examples: a.out.gallery.Examples(), Collision: a.out.collision,
	}
	page := report.PageSource{
		Incident: document, WhatIf: a.out.whatif, Stories: &a.out.stories, Fates: a.fates(), Bars: a.bars, MaxBytes: a.cfg.ReportMax,
	}
	o := report.CSVOptions{Safe: a.cfg.CSVSafe, Required: a.cfg.RequiredColumns}
	files := []struct {
		name  string
		write func(io.Writer) error
	}{
		{"duplication_analysis.csv", func(w io.Writer) error { return writeTable(report.NewAnalysis(w, o), a.out.analyses.all()) }},
		{"duplication_summary.csv", func(w io.Writer) error { return writeTable(report.NewSymbols(w, o), each(symbols)) }},
		{"duplicates.csv", func(w io.Writer) error { return writeTable(report.NewDuplicates(w, o), a.out.duplicates.all()) }},
		{"timeline.csv", func(w io.Writer) error { return writeTable(report.NewTimeline(w, o), a.bars()) }},
		{"rejected.csv", func(w io.Writer) error { return writeTable(report.NewRejected(w, o), a.rejected()) }},
		{"whatif.csv", a.writeWhatIf},
		{"findings.json", func(w io.Writer) error { return report.WriteFindings(w, &r.Summary) }},
		{"incident.md", func(w io.Writer) error { return report.WriteIncident(w, document) }},
		{"future_improvements.md", func(w io.Writer) error {
			return report.WriteImprovements(w, document, report.Effects(a.out.whatif))
		}},
		{"report.html", func(w io.Writer) error { return report.WritePage(w, page) }},
		{"timeline_visualization.ipynb", func(w io.Writer) error {
			return report.WriteNotebook(w, report.NotebookSource{PageSource: page, Kernel: a.cfg.NotebookKernel})
		}},
		{"trace.json", func(w io.Writer) error {
			return report.WriteTrace(w, report.TraceSource{Bars: a.bars, Around: a.cfg.Around, Pad: a.cfg.Pad})
		}},
		{report.ScriptName, func(w io.Writer) error { _, err := w.Write(report.Script); return err }},
	}
	for _, f := range files {
		if err := a.file(set, f.name, f.write); err != nil {
			return nil, err
		}
	}
	if a.w.err != nil {
		return nil, a.w.err
	}
	return r, set.Commit()
}

// symbolLines are those of every symbol of the output, in both views.
func (a *audit) symbolLines() []replay.SymbolLine {
	view := replay.ViewEvent
	if a.cfg.Events == "" {
		view = replay.ViewNear
	}
	a.out.symbols.Fill(a.in.outputStats.Symbols, replay.ViewKey, view)
	return a.out.symbols.Lines()
}

// file writes one member of the set.
func (a *audit) file(set *vfs.Set, name string, write func(io.Writer) error) error {
	out, err := set.Create(a.path(name))
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 1<<16)
	return cmp.Or(write(w), w.Flush(), a.w.err)
}

func writeTable[T any](t *report.Table[T], records iter.Seq[T]) error {
	for x := range records {
		if err := t.Write(x); err != nil {
			return err
		}
	}
	return t.Flush()
}

func each[T any](list []T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, x := range list {
			if !yield(x) {
				return
			}
		}
	}
}

// bars puts the attempts, in the order of their starts, into lanes.
func (a *audit) bars() iter.Seq[report.Bar] {
	return func(yield func(report.Bar) bool) {
		lanes := replay.NewLaneAssigner(a.out.pop.ClaimWindow)
		for t := range a.out.entries.all() {
			if !yield(report.Bar{TimelineEntry: t, Lane: lanes.Push(t.Attempt)}) {
				return
			}
		}
	}
}

// fates are what the safeguards would have done to the duplicates, by row.
func (a *audit) fates() iter.Seq2[int64, whatif.Fate] {
	return func(yield func(int64, whatif.Fate) bool) {
		for f := range a.out.fates.all() {
			if !yield(f.row, f.Fate) {
				return
			}
		}
	}
}

func (a *audit) rejected() iter.Seq[ingest.Reject] {
	return func(yield func(ingest.Reject) bool) {
		for r := range a.rejectTable().all() {
			r.File = filepath.Base(r.File)
			if !yield(r.Reject) {
				return
			}
		}
	}
}

// rejectTable ends the collecting of rejects, once.
func (a *audit) rejectTable() *table[reject] {
	if a.rejectsDone == nil {
		a.rejectsDone = a.rejects.done()
	}
	return a.rejectsDone
}

// writeRejected leaves the list of bad records when there are too many of them.
func (a *audit) writeRejected() error {
	set := vfs.NewSet(a.cfg.FS)
	defer set.Abort()
	err := a.file(set, "rejected.csv", func(w io.Writer) error {
		return writeTable(report.NewRejected(w, report.CSVOptions{Safe: a.cfg.CSVSafe}), a.rejected())
	})
	if err != nil {
		return fmt.Errorf("and rejected.csv could not be written: %w", err)
	}
	return set.Commit()
}
