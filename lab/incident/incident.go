// Package incident writes an incident that lab/racers plays: the three files
// that an investigator gets, and beside them, in truth/, what really happened.
//
//	raw_tick_events.log     {"event_id":"evt_0000000","timestamp":"2025-07-14T09:15:00Z","symbol":"TCS","price":1305.75,"source":"stream-1"}
//	worker_logs.csv         event_id,worker_id,start_time,end_time,status
//	                        evt_0000000,worker-1,2025-07-14T09:15:00,2025-07-14T09:15:00.007000,success
//	final_output.csv        symbol,timestamp,price
//	                        TCS,2025-07-14T09:15:00Z,1305.75
//	truth/rows.csv          row,event_id,attempt,duplicate,canonical,cause
//	truth/attempts.csv      event_id,attempt,worker_id,start,end,commit,fate
//	truth/lost.csv          event_id,reason
//	truth/rejected.csv      file,line,reason
//	truth/interventions.csv safeguard,parameter,duplicates,prevented,false_rejections,events_lost
//	truth/params.json       what was asked for
//
// Times have six digits of fraction, or none when it is zero; the worker log
// has no zone, as many do not, and means UTC. An attempt without an end has an
// empty field. In truth/ times have no trailing zeros, skew is taken out, and
// an attempt's commit is when the sink was asked, empty if it never was. The
// hostile-format preset is spelled otherwise (see [Spellings]); its truth is
// not.
//
// It promises that a seed gives the same bytes everywhere, and that the files
// appear all together or not at all. It does not read incidents (see
// replay/ingest), but for the truth.
//
// Call [Write], and [ReadTruth] to judge an answer.
package incident

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"holdfast/internal/vfs"
	"holdfast/lab/racers"
)

// The files, within the folder of the incident.
const (
	eventsFile   = "raw_tick_events.log"
	workersFile  = "worker_logs.csv"
	outputFile   = "final_output.csv"
	rowsFile     = "truth/rows.csv"
	attemptsFile = "truth/attempts.csv"
	lostFile     = "truth/lost.csv"
	rejectedFile = "truth/rejected.csv"
	paramsFile   = "truth/params.json"
)

// Options are what can be asked for beside the parameters. The zero value is
// an incident as it happens, on the real file system.
type Options struct {
	Safeguard racers.Safeguard // on while it happens
	// Interventions also plays the incident with each safeguard on, and writes
	// what becomes of the duplicates; it takes about 25 times as long.
	Interventions bool
	FS            vfs.FS // nil: vfs.OS
	Progress      func(events int64)
}

// Report is what was written, as `lab incident --json` prints it.
type Report struct {
	Preset     string            `json:"preset"`
	Seed       uint64            `json:"seed"`
	Safeguard  string            `json:"safeguard,omitempty"`
	Events     int64             `json:"events"`     // records of the source
	Attempts   int64             `json:"attempts"`   // of the worker log
	Rows       int64             `json:"rows"`       // of the output; bad records not counted
	Duplicates int64             `json:"duplicates"` // rows too many
	Lost       int64             `json:"lost"`       // events without a row
	Files      map[string]string `json:"files"`      // SHA-256 by name within the folder
}

// progressStep is how many events pass between two reports of progress.
const progressStep = 1 << 16

// Write plays the incident and writes its files into dir, which it makes if
// need be. When ctx ends, or a write fails, it leaves what was there.
func Write(ctx context.Context, dir string, p racers.Params, o Options) (Report, error) {
	if o.FS == nil {
		o.FS = vfs.OS{}
	}
	if err := os.MkdirAll(filepath.Join(dir, "truth"), 0o777); err != nil {
		return Report{}, err
	}
	f := newFolder(o.FS, dir)
	defer f.set.Abort()
	w, err := newWriter(f, p)
	if err != nil {
		return Report{}, err
	}
	totals := racers.RunWhile(p, o.Safeguard, func(fact racers.Fact) bool {
		w.write(fact)
		if fact.Kind == racers.EventFact && fact.Event.Number%progressStep == 0 {
			if o.Progress != nil {
				o.Progress(fact.Event.Number)
			}
			return f.err == nil && ctx.Err() == nil
		}
		return true
	})
	if err := ctx.Err(); err != nil {
		return Report{}, err
	}
	if err := w.end(); err != nil {
		return Report{}, err
	}
	if err := w.params(p, o.Safeguard); err != nil {
		return Report{}, err
	}
	if o.Interventions && o.Safeguard == (racers.Safeguard{}) {
		if err := f.interventions(ctx, p, totals); err != nil {
			return Report{}, err
		}
	}
	sums, err := f.commit()
	if err != nil {
		return Report{}, err
	}
	return Report{
		Preset: p.Preset, Seed: p.Seed, Safeguard: o.Safeguard.String(), Events: totals.Events, Attempts: totals.Attempts,
		Rows: totals.Rows, Duplicates: totals.Duplicates, Lost: totals.Lost, Files: sums,
	}, nil
}

// params writes what was asked for.
func (w *writer) params(p racers.Params, s racers.Safeguard) error {
	text, err := json.MarshalIndent(struct {
		racers.Params
		Safeguard string `json:"safeguard"`
	}{p, s.String()}, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", paramsFile, err)
	}
	file, err := w.folder.create(paramsFile)
	if err != nil {
		return err
	}
	file.write(append(text, '\n'))
	return nil
}
