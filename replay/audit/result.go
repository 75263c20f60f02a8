package audit

import (
	"fmt"
	"path/filepath"
	"strings"

	"holdfast/replay"
	"holdfast/replay/dedupe"
	"holdfast/replay/ingest"
)

// result completes the summary with what only the run knows: the inputs, the
// tolerance and the balance of rows.
func (a *audit) result(copied dedupe.Result) *Result {
	s := a.out.tally.Summary()
	s.Inputs = replay.SummaryInputs{
		Events:  input(a.in.eventStats, a.cfg.Events, &a.in.prints.events),
		Workers: input(a.in.workerStats, a.cfg.Workers, &a.in.prints.workers),
		Output:  input(a.in.outputStats, a.cfg.Output, &a.in.prints.output),
	}
	s.Rows = replay.SummaryRows{In: copied.RowsIn, Kept: copied.Kept, Removed: copied.Removed, Rejected: copied.Rejected}
	s.Tolerance = a.tolerance()
	s.ByEvent.Rescued = a.link_.totals.Rescued
	warnings := a.warn()
	s.Warnings = append(s.Warnings, warnings...)
	return &Result{Summary: s, WhatIf: a.out.whatif, Warnings: s.Warnings}
}

func input(s ingest.Stats, path string, f *fingerprint) replay.SummaryInput {
	if path == "" {
		return replay.SummaryInput{}
	}
	return replay.SummaryInput{
		Rows: s.Records - s.Rejected, Rejected: s.Rejected, Fingerprint: f.String(), Notes: s.Notes, MissingEnds: s.MissingEnds,
	}
}

func (a *audit) tolerance() replay.SummaryTolerance {
	t := a.link_.totals
	s := replay.SummaryTolerance{Null: t.Null}
	if t.Null != "none" {
		early, late, price := replay.Millis(t.Band.Early), replay.Millis(t.Band.Late), replay.Decimal(t.Band.Price)
		s.EarlyMS, s.LateMS, s.Price = &early, &late, &price
	}
	if t.AccidentalKnown {
		s.AccidentalExpected = &t.Accidental
	}
	return s
}

// warn lists what the reader of the results should know, in a fixed order.
func (a *audit) warn() []string {
	list := warnings(a.in.eventStats, a.in.workerStats, a.in.outputStats)
	list = append(list, ingest.NearSymbols(a.in.eventStats, a.in.outputStats)...)
	list = append(list, a.link_.totals.Notes...)
	if a.cfg.Around != "" && !a.out.found {
		list = append(list, fmt.Sprintf("no attempt at event %q: trace.json, which was to lie around it, shows nothing", a.cfg.Around))
	}
	return list
}

// warnings are those of reading files, which go by their names alone: where they
// lie is nobody's finding.
func warnings(files ...ingest.Stats) (list []string) {
	for _, s := range files {
		for _, w := range s.Warnings {
			list = append(list, strings.Replace(w, s.File, filepath.Base(s.File), 1))
		}
	}
	return list
}
