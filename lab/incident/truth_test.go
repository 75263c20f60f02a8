package incident_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/lab/incident"
	"holdfast/replay"
	"holdfast/replay/ingest"
	"holdfast/replay/tick"

	"github.com/google/go-cmp/cmp"
)

const (
	smallParams   = `{"preset":"zombie","seed":18446744073709551615}`
	smallRows     = "row,event_id,attempt,duplicate,canonical,cause\n1,evt_0000000,1,0,1,\n3,evt_0000000,2,1,1,short-lease\n"
	smallAttempts = "event_id,attempt,worker_id,start,end,commit,fate\n" +
		"evt_0000000,1,worker-1,1970-01-01T00:00:00Z,1970-01-01T00:00:01Z,1970-01-01T00:00:00.5Z,emitted\n" +
		"evt_0000000,2,worker-2,1970-01-01T00:00:00.25Z,,,none\n"
	smallLost          = "event_id,reason\nevt_0000001,never-attempted\n"
	smallInterventions = "safeguard,parameter,duplicates,prevented,false_rejections,events_lost\nlease,2m,1,2,3,4\n"
)

func small() map[string]string {
	return map[string]string{
		"params.json": smallParams, "rows.csv": smallRows, "attempts.csv": smallAttempts, "lost.csv": smallLost,
		"interventions.csv": smallInterventions,
	}
}

func putTruth(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "truth"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, "truth", name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadTruth(t *testing.T) {
	want := replay.Truth{
		Preset: "zombie", Seed: 1<<64 - 1,
		Rows: []replay.TruthRow{
			{Row: 1, Event: "evt_0000000", Attempt: 1, Canonical: 1},
			{Row: 3, Event: "evt_0000000", Attempt: 2, Duplicate: true, Canonical: 1, Cause: "short-lease"},
		},
		Attempts: []replay.TruthAttempt{
			{Event: "evt_0000000", Attempt: 1, Worker: "worker-1", End: tick.Scale, Commit: tick.Scale / 2, Committed: true, Fate: "emitted"},
			{Event: "evt_0000000", Attempt: 2, Worker: "worker-2", Start: tick.Scale / 4, Open: true, Fate: "none"},
		},
		Lost:          []replay.LostEvent{{Event: "evt_0000001", Reason: "never-attempted"}},
		Interventions: []replay.Intervention{{Safeguard: "lease", Parameter: "2m", Duplicates: 1, Prevented: 2, FalseRejections: 3, EventsLost: 4}},
	}
	got, err := incident.ReadTruth(putTruth(t, small()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	files := small()
	delete(files, "interventions.csv")
	if got, err = incident.ReadTruth(putTruth(t, files)); err != nil || len(got.Interventions) > 0 {
		t.Errorf("without interventions: %v, %v", got.Interventions, err)
	}
}

func TestReadTruthErrors(t *testing.T) {
	for _, tt := range []struct {
		file, text string // "-" removes it
		want       string
	}{
		{"params.json", "-", "truth/params.json: no such file"},
		{"params.json", `{"preset":"zombie"}`, "truth/params.json: no preset and seed in it"},
		{"params.json", `preset`, "truth/params.json: no preset and seed in it"},
		{"rows.csv", "-", "truth/rows.csv: no such file"},
		{"rows.csv", "", "truth/rows.csv: the file is empty"},
		{"rows.csv", "\n", "truth/rows.csv:1: the header is not row,event_id,attempt,duplicate,canonical,cause"},
		{"rows.csv", strings.Replace(smallRows, "cause", "why", 1), "truth/rows.csv:1: the header is not row,"},
		{"rows.csv", smallRows + "4,evt_0000000\n", "truth/rows.csv:4: want 6 fields"},
		{"rows.csv", smallRows + "x,evt_0000000,1,0,1,\n", `truth/rows.csv:4: field 1 of row,event_id,attempt,duplicate,canonical,cause: "x" is not a count`},
		{"rows.csv", smallRows + "4,evt_0000000,1,no,1,\n", `truth/rows.csv:4: field 4 of row,event_id,attempt,duplicate,canonical,cause: "no" is not 0 or 1`},
		{"attempts.csv", smallAttempts + "e,1,w,now,,,none\n", `truth/attempts.csv:4: field 4 of event_id,attempt,worker_id,start,end,commit,fate: "now" is not a time`},
		{"attempts.csv", "-", "truth/attempts.csv: no such file"},
		{"lost.csv", "-", "truth/lost.csv: no such file"},
		{"interventions.csv", smallInterventions + "lease,2m,-1,2,3,4\n", `truth/interventions.csv:3: field 3 of safeguard,parameter,duplicates,prevented,false_rejections,events_lost: "-1" is not a count`},
	} {
		files := small()
		if files[tt.file] = tt.text; tt.text == "-" {
			delete(files, tt.file)
		}
		dir := putTruth(t, files)
		_, err := incident.ReadTruth(dir)
		var input *ingest.InputError
		if !errors.As(err, &input) {
			t.Errorf("%s: %v is no *ingest.InputError", tt.want, err)
			continue
		}
		got := strings.TrimPrefix(filepath.ToSlash(err.Error()), filepath.ToSlash(dir)+"/")
		if !strings.HasPrefix(got, tt.want) || !strings.HasSuffix(got, ": name a folder that holdfast lab incident wrote") {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}
