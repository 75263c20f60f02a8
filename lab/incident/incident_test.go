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
		"raw_tick_events.log": "",
		"worker_logs.csv":     "",
		"final_output.csv":    "",
		"truth/rows.csv":      "",
		"truth/attempts.csv":  "",
		"truth/lost.csv":      "event_id,reason\n",
	} {
		if diff := cmp.Diff(want, readFile(t, dir, file)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "truth/rejected.csv")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("truth/rejected.csv without rejected records: %v", err)
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
			delete(notes, "naive-times")
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
	s, err := racers.ParseSafeguard("mark-before-deliver=2m")
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
	if !bytes.HasPrefix(text, []byte(want)) || len(r.Files) != 7 {
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
				write2(t, old, preset(t, "clean", 1, 5))
				continue
			}
			if diff := cmp.Diff(before, after); diff != "" {
				t.Fatalf("call %d failed with %v, and the folder changed:\n%s", n, err, diff)
			}
		}
	}
}

func write2(t *testing.T, dir string, p racers.Params) {
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
