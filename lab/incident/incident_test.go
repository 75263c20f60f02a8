package incident_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/lab/incident"
	"holdfast/lab/racers"
	"holdfast/replay"
	"holdfast/replay/whatif"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden checksums")

// The bytes of every preset at seed 1 are fixed: an incident that somebody
// reports by its seed must be the same next year.
func TestGolden(t *testing.T) {
	var got strings.Builder
	for _, name := range racers.Presets() {
		dir, r := write(t, preset(t, name, 1, 0), incident.Options{})
		for _, file := range slices.Sorted(maps.Keys(r.Files)) {
			sum := sha256.Sum256([]byte(readFile(t, dir, file)))
			if hex.EncodeToString(sum[:]) != r.Files[file] {
				t.Errorf("%s/%s: the report's checksum is not the file's", name, file)
			}
			fmt.Fprintf(&got, "%s  %s/%s\n", r.Files[file], name, file)
		}
	}
	const golden = "testdata/sha256sums"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("other bytes (-want +got):\n%s", diff)
	}
}

func TestRow57SameBytesOnAnyHost(t *testing.T) {
	p := preset(t, "hostile-format", 7, 3000)
	_, want := write(t, p, incident.Options{})
	t.Setenv("TZ", "Asia/Kathmandu")
	t.Setenv("LANG", "de_DE.UTF-8")
	for _, procs := range []int{1, 8} {
		before := runtime.GOMAXPROCS(procs)
		_, got := write(t, p, incident.Options{})
		runtime.GOMAXPROCS(before)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("with GOMAXPROCS=%d:\n%s", procs, diff)
		}
	}
}

// R81, to the letter.
func TestFormats(t *testing.T) {
	p := preset(t, "zombie", 1, 4)
	p.Faults = []racers.FaultRate{{Fault: racers.Zombie, Rate: racers.Rate{Part: 1, Of: 4}}}
	dir, _ := write(t, p, incident.Options{})
	for file, want := range map[string]string{
		"raw_tick_events.log": `{"event_id":"evt_0000000","timestamp":"2025-07-14T09:15:00Z","symbol":"ICICIBANK","price":1599.24,"source":"stream-1"}
{"event_id":"evt_0000001","timestamp":"2025-07-14T09:15:00.005000Z","symbol":"ICICIBANK","price":2080.92,"source":"stream-1"}
{"event_id":"evt_0000002","timestamp":"2025-07-14T09:15:00.010000Z","symbol":"ITC","price":2895.78,"source":"stream-1"}
{"event_id":"evt_0000003","timestamp":"2025-07-14T09:15:00.015000Z","symbol":"RELIANCE","price":1305.79,"source":"stream-1"}
`,
		"worker_logs.csv": `event_id,worker_id,start_time,end_time,status
evt_0000000,worker-3,2025-07-14T09:15:00,2025-07-14T09:15:00.008000,success
evt_0000002,worker-3,2025-07-14T09:15:00.010000,2025-07-14T09:15:00.015000,success
evt_0000003,worker-1,2025-07-14T09:15:00.015000,2025-07-14T09:15:00.026000,success
evt_0000001,worker-1,2025-07-14T09:15:00.005000,,timeout
evt_0000001,worker-1,2025-07-14T09:15:00.114000,2025-07-14T09:15:00.122000,success
`,
		"final_output.csv": `symbol,timestamp,price
ICICIBANK,2025-07-14T09:15:00Z,1599.24
ITC,2025-07-14T09:15:00.010000Z,2895.78
RELIANCE,2025-07-14T09:15:00.015000Z,1305.79
ICICIBANK,2025-07-14T09:15:00.005000Z,2080.92
ICICIBANK,2025-07-14T09:15:00.010000Z,2081.33
`,
		"truth/rows.csv": `row,event_id,attempt,duplicate,canonical,cause
1,evt_0000000,1,0,1,
2,evt_0000002,1,0,2,
3,evt_0000003,1,0,3,
4,evt_0000001,1,0,4,
5,evt_0000001,2,1,4,timeout-then-late-commit
`,
		"truth/attempts.csv": `event_id,attempt,worker_id,start,end,commit,fate
evt_0000000,1,worker-3,2025-07-14T09:15:00Z,2025-07-14T09:15:00.008Z,2025-07-14T09:15:00.008Z,emitted
evt_0000002,1,worker-3,2025-07-14T09:15:00.01Z,2025-07-14T09:15:00.015Z,2025-07-14T09:15:00.015Z,emitted
evt_0000003,1,worker-1,2025-07-14T09:15:00.015Z,2025-07-14T09:15:00.026Z,2025-07-14T09:15:00.026Z,emitted
evt_0000001,1,worker-1,2025-07-14T09:15:00.005Z,2025-07-14T09:15:00.056Z,2025-07-14T09:15:00.056Z,emitted
evt_0000001,2,worker-1,2025-07-14T09:15:00.114Z,2025-07-14T09:15:00.122Z,2025-07-14T09:15:00.122Z,emitted
`,
		"truth/lost.csv":     "event_id,reason\n",
		"truth/rejected.csv": "file,line,reason\n",
	} {
		if diff := cmp.Diff(want, readFile(t, dir, file)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// Reading the files gives what happened; there is nothing odd in them.
func TestFilesSayWhatHappened(t *testing.T) {
	for _, name := range racers.Presets() {
		p := preset(t, name, 5, 3000)
		if p.Hostile {
			continue
		}
		dir, _ := write(t, p, incident.Options{})
		got := read(t, dir)
		for i, notes := range got.notes {
			if i == 1 { // the worker log is naive, and its timeouts are open
				delete(notes, "naive-times")
				delete(notes, "missing-ends")
			}
			if len(notes) > 0 {
				t.Errorf("%s: file %d is noted for %v", name, i, notes)
			}
		}
		got.notes = [3]map[string]int64{}
		if diff := cmp.Diff(told(p, racers.Safeguard{}), got, cmp.AllowUnexported(files{})); diff != "" {
			t.Errorf("%s (-told +read):\n%s", name, diff)
		}
	}
}

// The truth speaks of the rows that stand in the output, and has the same
// attempts as the log but for the clocks.
func TestTruthFitsTheFiles(t *testing.T) {
	for _, name := range racers.Presets() {
		p := preset(t, name, 6, 3000)
		dir, report := write(t, p, incident.Options{})
		got := read(t, dir)
		truth, err := incident.ReadTruth(dir)
		if err != nil {
			t.Fatal(err)
		}
		if truth.Preset != name || truth.Seed != 6 || int64(len(truth.Lost)) != report.Lost {
			t.Errorf("%s: truth of %s, seed %d, %d lost", name, truth.Preset, truth.Seed, len(truth.Lost))
		}
		if len(truth.Rows) != len(got.rows) || len(truth.Attempts) != len(got.attempts) {
			t.Fatalf("%s: truth of %d rows and %d attempts, files of %d and %d", name, len(truth.Rows), len(truth.Attempts), len(got.rows), len(got.attempts))
		}
		events := map[string]replay.Event{}
		for _, v := range got.events {
			events[v.ID] = v
		}
		duplicates := int64(0)
		for i, r := range truth.Rows {
			row, event := got.rows[i], events[r.Event]
			exact := row.Symbol == event.Symbol && row.Time == event.Time && row.Price == event.Price
			if r.Row != row.N || row.Symbol != event.Symbol || !r.Duplicate && !exact {
				t.Fatalf("%s: %+v is called the row of %+v: %+v", name, row, event, r)
			}
			if r.Duplicate {
				duplicates++
			}
		}
		if duplicates != report.Duplicates {
			t.Errorf("%s: %d duplicates in truth, %d in the report", name, duplicates, report.Duplicates)
		}
		for i, a := range truth.Attempts {
			skew := int64(0)
			if name == "skewed-clocks" && a.Worker == "worker-2" {
				skew = 40e6
			}
			if line := got.attempts[i]; line.Event != a.Event || line.Worker != a.Worker || int64(line.Start-a.Start) != skew {
				t.Fatalf("%s: %+v is called the truth of %+v", name, a, line)
			}
		}
	}
}

func TestSafeguardIsWrittenDown(t *testing.T) {
	s, err := whatif.ParseSafeguard("mark-before-deliver=2m")
	if err != nil {
		t.Fatal(err)
	}
	p := preset(t, "zombie", 1, 2000)
	dir, r := write(t, p, incident.Options{Safeguard: s})
	if r.Safeguard != "mark-before-deliver=2m" || r.Duplicates != 0 || r.Lost != 4 {
		t.Errorf("report %+v", r)
	}
	if !strings.Contains(readFile(t, dir, "truth/params.json"), `"safeguard": "mark-before-deliver=2m"`) {
		t.Error("params.json does not name the safeguard")
	}
	truth, err := incident.ReadTruth(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range truth.Lost {
		if l.Reason != "lost-all-attempts-failed" {
			t.Errorf("lost %+v", l)
		}
	}
	if len(truth.Lost) != 4 {
		t.Errorf("%d lost, want 4", len(truth.Lost))
	}
}

// The object of `lab incident --json`.
func TestReportJSON(t *testing.T) {
	_, r := write(t, preset(t, "clean", 3, 10), incident.Options{})
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"preset":"clean","seed":3,"events":10,"attempts":10,"rows":10,"duplicates":0,"lost":0,"files":{"final_output.csv":"`
	if !bytes.HasPrefix(text, []byte(want)) || len(r.Files) != 8 {
		t.Errorf("%s with %d files", text, len(r.Files))
	}
}

func TestProgress(t *testing.T) {
	var steps []int64
	write(t, preset(t, "clean", 1, 200_000), incident.Options{Progress: func(n int64) { steps = append(steps, n) }})
	if diff := cmp.Diff([]int64{0, 65_536, 131_072, 196_608}, steps); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Row 53: whatever fails, the old files stand and nothing else is left.
func TestRow53NoHalfIncident(t *testing.T) {
	old, _ := write(t, preset(t, "clean", 1, 5), incident.Options{})
	before := tree(t, old)
	p := preset(t, "hostile-format", 2, 600)
	count := vfs.NewFaulty(vfs.OS{}, nil)
	write(t, p, incident.Options{FS: count})
	if count.Calls() < 20 {
		t.Fatalf("only %d calls", count.Calls())
	}
	for n := 1; n <= count.Calls(); n++ {
		for _, plan := range []vfs.Plan{vfs.FailAt(n, syscall.EIO), vfs.FullFrom(n, syscall.ENOSPC)} {
			_, err := incident.Write(context.Background(), old, p, incident.Options{FS: vfs.NewFaulty(vfs.OS{}, plan)})
			after := tree(t, old)
			if err == nil { // the call was one of those that may fail
				restore(t, old, preset(t, "clean", 1, 5))
				continue
			}
			if diff := cmp.Diff(before, after); diff != "" {
				t.Fatalf("call %d failed with %v, and the folder changed:\n%s", n, err, diff)
			}
		}
	}
}

func restore(t *testing.T, dir string, p racers.Params) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := incident.Write(context.Background(), dir, p, incident.Options{}); err != nil {
		t.Fatal(err)
	}
}

// tree is what lies in a folder.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, dir)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A disk that is full ends the run, however long it would have been.
func TestFullDiskEndsTheRun(t *testing.T) {
	var last int64
	_, err := incident.Write(context.Background(), t.TempDir(), preset(t, "clean", 1, 10_000_000), incident.Options{
		FS: vfs.NewFaulty(vfs.OS{}, func(o vfs.Op) error {
			if o.Call == "write" {
				return syscall.ENOSPC
			}
			return nil
		}),
		Progress: func(n int64) { last = n },
	})
	if !errors.Is(err, syscall.ENOSPC) || last > 1<<17 {
		t.Errorf("%v after %d events", err, last)
	}
}

func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	dir := t.TempDir()
	_, err := incident.Write(ctx, dir, preset(t, "dmr2025", 1, 10_000_000), incident.Options{
		Progress: func(n int64) {
			if n > 0 {
				cancel()
			}
		},
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if left := tree(t, dir); len(left) > 0 {
		t.Errorf("%d files are left", len(left))
	}
}
