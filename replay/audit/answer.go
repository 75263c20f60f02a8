package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"holdfast/replay"
	"holdfast/replay/ingest"
	"holdfast/replay/report"
)

// ReadIncident reads the events and the output of an incident folder, for
// [replay.Score]. Rejected records are left out.
func ReadIncident(dir string, o ingest.Options) (replay.Incident, error) {
	var in replay.Incident
	roles, err := ingest.Find(dir)
	if err != nil {
		return in, err
	}
	if roles.Events == "" {
		return in, &ingest.InputError{File: dir, Reason: "no events file", Hint: "a score needs raw_tick_events.log, final_output.csv and truth/"}
	}
	events, err := ingest.OpenEvents(context.Background(), roles.Events, o)
	if err != nil {
		return in, err
	}
	err = collect(events, func(v replay.Event) { in.Events = append(in.Events, v) })
	if err != nil {
		return in, err
	}
	rows, err := ingest.OpenRows(context.Background(), roles.Output, o)
	if err != nil {
		return in, err
	}
	err = collect(rows, func(v ingest.Record) {
		v.TimeText = "" // not judged, and it would hold on to the text of every row
		in.Rows = append(in.Rows, v.Row)
	})
	return in, err
}

// ReadAnswer reads back, out of the folder that an audit wrote, what it said:
// duplicates.csv, timeline.csv, removed.csv, deduplicated_output.csv, the
// number of rows in findings.json, and whatif.csv if it is there. The options
// are those of the audit: the clean output is spelled like the output. Errors
// about files that are not there or not as an audit writes them are
// *ingest.InputError.
func ReadAnswer(dir string, o ingest.Options) (replay.Answer, error) {
	r := answerReader{dir: dir, options: o}
	for _, read := range []func() error{r.findings, r.duplicates, r.timeline, r.removed, r.clean, r.whatIf} {
		if err := read(); err != nil {
			return replay.Answer{}, err
		}
	}
	return r.answer, nil
}

type answerReader struct {
	dir     string
	options ingest.Options
	answer  replay.Answer
}

const answerHint = "name the folder that holdfast audit wrote"

func (r *answerReader) findings() error {
	path := filepath.Join(r.dir, "findings.json")
	b, err := os.ReadFile(path)
	if err != nil {
		return answerError(path, err)
	}
	var f struct {
		Rows struct {
			In *int64 `json:"in"`
		} `json:"rows"`
	}
	if err := json.Unmarshal(b, &f); err != nil || f.Rows.In == nil {
		return &ingest.InputError{File: path, Reason: "no number in .rows.in", Hint: answerHint, Err: err}
	}
	r.answer.RowsIn = *f.Rows.In
	return nil
}

func (r *answerReader) duplicates() error {
	times, err := ingest.NewTimeColumn("timestamp", r.options)
	if err != nil {
		return err
	}
	names := []string{"row", "event_id", "canonical_row", "symbol", "timestamp", "price", "cause", "alternatives", "match", "posterior"}
	return r.table("duplicates.csv", names, func(f *answerFields) {
		c := replay.Claim{
			Row: f.int("row"), Events: report.SplitList(f.text("event_id")), Canonical: f.optionalInt("canonical_row"),
			Cause: f.text("cause"), Alternatives: report.SplitList(f.text("alternatives")), Label: f.label("match"),
		}
		c.Symbol, c.Time, c.Price = f.text("symbol"), f.time("timestamp", times), f.price("price")
		c.Posterior, c.HasPosterior = f.probability("posterior")
		r.answer.Claims = append(r.answer.Claims, c)
	})
}

func (r *answerReader) timeline() error {
	return r.table("timeline.csv", []string{"event_id", "rows"}, func(f *answerFields) {
		for _, n := range f.ints("rows") {
			r.answer.Links = append(r.answer.Links, replay.Link{Row: n, Event: f.text("event_id")})
		}
	})
}

func (r *answerReader) removed() error {
	return r.table("removed.csv", []string{"row", "disposition"}, func(f *answerFields) {
		switch n := f.int("row"); f.text("disposition") {
		case "removed":
			r.answer.Removed = append(r.answer.Removed, n)
		case "rejected":
			r.answer.Rejected = append(r.answer.Rejected, n)
		default:
			f.fail("disposition", "removed or rejected")
		}
	})
}

func (r *answerReader) clean() error {
	path := filepath.Join(r.dir, "deduplicated_output.csv")
	if _, err := os.Stat(path); err != nil {
		return answerError(path, err)
	}
	rows, err := ingest.OpenRows(context.Background(), path, r.options)
	if err != nil {
		return err
	}
	return collect(rows, func(v ingest.Record) {
		r.answer.Kept = append(r.answer.Kept, replay.Values{Symbol: v.Symbol, Time: v.Time, Price: v.Price})
	})
}

func (r *answerReader) whatIf() error {
	if _, err := os.Stat(filepath.Join(r.dir, "whatif.csv")); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	names := []string{"safeguard", "parameter", "prevented_lo", "prevented_hi"}
	return r.table("whatif.csv", names, func(f *answerFields) {
		r.answer.WhatIf = append(r.answer.WhatIf, replay.Promise{
			Safeguard: f.text("safeguard"), Parameter: f.text("parameter"),
			Lo: f.int("prevented_lo"), Hi: f.int("prevented_hi"),
		})
	})
}

// table reads one CSV file of the audit, of which the named columns are needed.
func (r *answerReader) table(name string, columns []string, each func(*answerFields)) error {
	path := filepath.Join(r.dir, name)
	file, err := ingest.Open(context.Background(), path)
	if err != nil {
		return answerError(path, err)
	}
	defer file.Close()
	s := ingest.NewScanner(file, ',')
	f := answerFields{path: path, at: make(map[string]int, len(columns))}
	if !s.Scan() {
		return answerError(path, cmp.Or(s.Err(), io.ErrUnexpectedEOF))
	}
	if err := f.header(s.Fields(), columns); err != nil {
		return err
	}
	width := len(s.Fields())
	s.Want(width)
	for s.Scan() {
		f.line, f.fields = s.Line(), s.Fields()
		if s.Fault() != "" || len(f.fields) != width {
			return &ingest.InputError{File: path, Line: f.line, Reason: fmt.Sprintf("not a record of %d fields", width), Hint: answerHint}
		}
		if each(&f); f.err != nil {
			return f.err
		}
	}
	if s.Err() != nil {
		return answerError(path, s.Err())
	}
	return nil
}

// collect reads a file to its end and closes it.
func collect[T any](r reader[T], each func(T)) (err error) {
	defer func() {
		if e := r.Close(); err == nil {
			err = e
		}
	}()
	for {
		x, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Changed()
		}
		if err != nil {
			return err
		}
		each(x)
	}
}
