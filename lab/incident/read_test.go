package incident_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"holdfast/lab/incident"
	"holdfast/lab/racers"
	"holdfast/replay"
	"holdfast/replay/ingest"
)

func preset(t testing.TB, name string, seed uint64, events int64) racers.Params {
	t.Helper()
	p, err := racers.Preset(name, seed, events)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// write makes an incident in a folder of its own.
func write(t testing.TB, p racers.Params, o incident.Options) (dir string, r incident.Report) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "incident")
	r, err := incident.Write(context.Background(), dir, p, o)
	if err != nil {
		t.Fatal(err)
	}
	return dir, r
}

func readFile(t testing.TB, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// files is what an audit would read.
type files struct {
	events   []replay.Event
	attempts []replay.Attempt
	rows     []replay.Row
	rejects  []reject
	notes    [3]map[string]int64 // of events, workers, output
}

type reject struct {
	file   string
	line   int64
	reason string
}

type reader[T any] interface {
	Next() (T, error)
	Stats() ingest.Stats
	Close() error
}

func read(t testing.TB, dir string) files {
	t.Helper()
	var f files
	o := ingest.Options{OnReject: func(r ingest.Reject) error {
		f.rejects = append(f.rejects, reject{filepath.Base(r.File), r.Line, r.Reason})
		return nil
	}}
	roles, err := ingest.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	events, err := ingest.OpenEvents(t.Context(), roles.Events, o)
	f.notes[0] = readAll(t, events, err, func(v replay.Event) { f.events = append(f.events, v) })
	rows, err := ingest.OpenRows(t.Context(), roles.Output, o)
	f.notes[2] = readAll(t, rows, err, func(r ingest.Record) {
		r.TimeText = ""
		f.rows = append(f.rows, r.Row)
	})
	attempts, err := ingest.OpenAttempts(t.Context(), roles.Workers, o)
	f.notes[1] = readAll(t, attempts, err, func(a replay.Attempt) { f.attempts = append(f.attempts, a) })
	return f
}

func readAll[T any](t testing.TB, r reader[T], err error, each func(T)) map[string]int64 {
	t.Helper()
	for err == nil {
		var v T
		if v, err = r.Next(); err == nil {
			each(v)
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	stats := r.Stats()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return stats.Notes
}

// told is what racers says that the files should say. Rows are numbered as
// they happened.
func told(p racers.Params, s racers.Safeguard) files {
	var f files
	racers.Run(p, s, func(fact racers.Fact) {
		switch fact.Kind {
		case racers.EventFact:
			v := fact.Event
			f.events = append(f.events, replay.Event{ID: racers.EventID(v.Number), Time: v.Time, Symbol: v.Symbol, Price: v.Price})
		case racers.AttemptFact:
			a := fact.Attempt
			status := replay.StatusTimeout
			if a.Success {
				status = replay.StatusSuccess
			}
			f.attempts = append(f.attempts, replay.Attempt{
				Event: racers.EventID(a.Event), Worker: a.Worker, Start: a.LogStart, End: a.LogEnd, Open: a.Open, Status: status, Lines: 1,
			})
		case racers.RowFact:
			r := fact.Row
			f.rows = append(f.rows, replay.Row{N: r.N, Symbol: r.Symbol, Time: r.Time, Price: r.Price})
		}
	})
	return f
}
