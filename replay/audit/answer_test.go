package audit

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/replay"
	"holdfast/replay/ingest"
	"holdfast/replay/tick"
)

// answerFiles are what an audit writes of an output with three rows, one of
// which is a copy, and a record that cannot be read.
func answerFiles() map[string]string {
	return map[string]string{
		"findings.json": `{"mode":"full","rows":{"in":4,"kept":2,"removed":1,"rejected":1}}`,
		"duplicates.csv": "row,event_id,canonical_row,symbol,timestamp,price,time_shift_ms,price_shift,cause,also,alternatives,grade,match,posterior,event_alternatives,attempts,evidence\n" +
			"2,evt_1|evt_2,1,TCS,2025-07-14T09:15:00.003Z,100.25,3,0.25,short-lease,,hedged-attempt|crash-replay,consistent,likely,0.95,,2,\"gap, 30 s\"\n",
		"timeline.csv": "event_id,attempt,worker_id,start_time,end_time,status,duration_ms,lane,retry,retry_kind,gap_ms,overlap_group,overlaps_with,fate,rows,symbol,event_time,notes\n" +
			"evt_1,1,worker-1,2025-07-14T09:15:00Z,,success,,0,0,first,,,,one-of,1|2,TCS,2025-07-14T09:15:00Z,\n" +
			"evt_3,1,worker-1,2025-07-14T09:15:01Z,,timeout,,0,0,first,,,,none,,TCS,2025-07-14T09:15:01Z,\n" +
			"evt_4,1,worker-1,2025-07-14T09:15:02Z,,success,,0,0,first,,,,emitted,4,TCS,2025-07-14T09:15:02Z,\n",
		"removed.csv": "row,line,disposition,reason,kept_row,event_id,match,raw\n" +
			"2,3,removed,duplicate,1,evt_1,likely,\"TCS,2025-07-14T09:15:00.003Z,100.25\"\n" +
			"3,4,rejected,bad-price,,,,\"TCS,2025-07-14T09:15:01Z,NaN\"\n",
		"deduplicated_output.csv": "symbol,timestamp,price\nTCS,2025-07-14T09:15:00Z,100.0\nTCS,2025-07-14T09:15:02Z,101.5\n",
		"whatif.csv": "safeguard,parameter,loop,prevented_lo,prevented_hi,prevented_expected,verdict\n" +
			"window-fixed,1s,open,0,1,0.5,partial\n",
	}
}

func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadAnswer(t *testing.T) {
	t.Parallel()
	got, err := ReadAnswer(writeFiles(t, answerFiles()), ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const start tick.Nanos = 1_752_484_500_000_000_000 // 2025-07-14T09:15:00Z
	want := replay.Answer{
		RowsIn: 4,
		Claims: []replay.Claim{{
			Row: 2, Values: replay.Values{Symbol: "TCS", Time: start + 3_000_000, Price: 100_250_000_000},
			Events: []string{"evt_1", "evt_2"}, Canonical: 1, Cause: "short-lease", Alternatives: []string{"hedged-attempt", "crash-replay"},
			Label: replay.Likely, Posterior: 0.95, HasPosterior: true,
		}},
		Links:    []replay.Link{{Row: 1, Event: "evt_1"}, {Row: 2, Event: "evt_1"}, {Row: 4, Event: "evt_4"}},
		Removed:  []int64{2},
		Rejected: []int64{3},
		Kept: []replay.Values{
			{Symbol: "TCS", Time: start, Price: 100_000_000_000}, {Symbol: "TCS", Time: start + 2_000_000_000, Price: 101_500_000_000},
		},
		WhatIf: []replay.Promise{{Safeguard: "window-fixed", Parameter: "1s", Hi: 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// whatif.csv is the only file that may be missing; all others, and every
// field, are checked with file and line.
func TestReadAnswerRefusesWhatNoAuditWrote(t *testing.T) {
	t.Parallel()
	replaceIn := func(file, old, new string) func(map[string]string) {
		return func(files map[string]string) {
			if !strings.Contains(files[file], old) {
				panic(file + " has no " + old)
			}
			files[file] = strings.Replace(files[file], old, new, 1)
		}
	}
	without := func(file string) func(map[string]string) {
		return func(files map[string]string) { delete(files, file) }
	}
	for name, c := range map[string]struct {
		change func(map[string]string)
		want   string // in the error; empty: none
	}{
		"no what-if":     {without("whatif.csv"), ""},
		"no findings":    {without("findings.json"), "findings.json: no such file"},
		"no duplicates":  {without("duplicates.csv"), "duplicates.csv: no such file"},
		"no timeline":    {without("timeline.csv"), "timeline.csv: no such file"},
		"no removed":     {without("removed.csv"), "removed.csv: no such file"},
		"no clean":       {without("deduplicated_output.csv"), "deduplicated_output.csv: no such file"},
		"broken JSON":    {replaceIn("findings.json", `{"mode"`, `"mode"`), "no number in .rows.in"},
		"no rows.in":     {replaceIn("findings.json", `"in":4,`, ``), "no number in .rows.in"},
		"empty table":    {func(f map[string]string) { f["removed.csv"] = "" }, "removed.csv: has no header"},
		"missing column": {replaceIn("timeline.csv", ",rows,", ",lines,"), "timeline.csv:1: no column rows"},
		"short record":   {replaceIn("removed.csv", "2,3,removed", "2,removed"), "removed.csv:2: not a record of 8 fields"},
		"row number":     {replaceIn("duplicates.csv", "\n2,evt", "\nx,evt"), `duplicates.csv:2: row is "x"`},
		"time":           {replaceIn("duplicates.csv", "2025-07-14T09:15:00.003Z", "soon"), `duplicates.csv:2: timestamp is "soon"`},
		"price":          {replaceIn("duplicates.csv", ",100.25,", ",NaN,"), `duplicates.csv:2: price is "NaN"`},
		"label":          {replaceIn("duplicates.csv", ",likely,", ",sure,"), `duplicates.csv:2: match is "sure"`},
		"posterior":      {replaceIn("duplicates.csv", ",0.95,", ",NaN,"), `duplicates.csv:2: posterior is "NaN"`},
		"rows":           {replaceIn("timeline.csv", "1|2", "1|-2"), `timeline.csv:2: rows is "1|-2"`},
		"disposition":    {replaceIn("removed.csv", "rejected", "gone"), `removed.csv:3: disposition is "gone"`},
		"promise":        {replaceIn("whatif.csv", "open,0", "open,?"), `whatif.csv:2: prevented_lo is "?"`},
	} {
		files := answerFiles()
		c.change(files)
		_, err := ReadAnswer(writeFiles(t, files), ingest.Options{})
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var input *ingest.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want an InputError with %q", name, err, c.want)
		}
	}
}

func TestReadIncident(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"raw_tick_events.log": `{"event_id":"evt_1","timestamp":"2025-07-14T09:15:00Z","symbol":"TCS","price":100.0,"source":"stream-1"}` + "\n",
		"final_output.csv":    "symbol,timestamp,price\nTCS,soon,100.0\nTCS,2025-07-14T09:15:00Z,100.0\n",
	}
	got, err := ReadIncident(writeFiles(t, files), ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := replay.Values{Symbol: "TCS", Time: 1_752_484_500_000_000_000, Price: 100_000_000_000}
	want := replay.Incident{
		Events: []replay.Event{{ID: "evt_1", Symbol: v.Symbol, Time: v.Time, Price: v.Price}},
		Rows:   []replay.Row{{N: 2, Symbol: v.Symbol, Time: v.Time, Price: v.Price}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	delete(files, "raw_tick_events.log")
	if _, err := ReadIncident(writeFiles(t, files), ingest.Options{}); err == nil || !strings.Contains(err.Error(), "no events file") {
		t.Errorf("without events: %v", err)
	}
}
