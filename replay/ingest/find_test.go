package ingest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/replay/ingest"
)

// R1: which file of a folder is what.
func TestFind(t *testing.T) {
	t.Parallel()
	tests := []struct {
		files string
		named ingest.Roles
		want  ingest.Roles // without the folder
		fail  []string
	}{
		{"raw_tick_events.log worker_logs.csv final_output.csv", ingest.Roles{}, ingest.Roles{Events: "raw_tick_events.log", Workers: "worker_logs.csv", Output: "final_output.csv"}, nil},
		{"1_raw_tick_events.jsonl.gz 2-worker_logs.csv.zst _03_final_output.csv", ingest.Roles{}, ingest.Roles{Events: "1_raw_tick_events.jsonl.gz", Workers: "2-worker_logs.csv.zst", Output: "_03_final_output.csv"}, nil},
		{"final_output.csv.bak old_final_output.csv final_output.csv.gz.zst Final_output.csv raw_tick_events.csv deduplicated_output.csv", ingest.Roles{}, ingest.Roles{}, nil},
		{"final_output.csv final_output.csv.gz", ingest.Roles{}, ingest.Roles{}, []string{"final_output.csv", "final_output.csv.gz", "--output"}},
		{"raw_tick_events.log raw_tick_events.jsonl", ingest.Roles{}, ingest.Roles{}, []string{"raw_tick_events.jsonl", "raw_tick_events.log", "--events"}},
		{"final_output.csv 1final_output.csv worker_logs.csv", ingest.Roles{Output: "x"}, ingest.Roles{Workers: "worker_logs.csv", Output: "x"}, nil},
		{"", ingest.Roles{}, ingest.Roles{}, nil},
	}
	for _, tt := range tests {
		dir := t.TempDir()
		for _, name := range strings.Fields(tt.files) {
			write(t, filepath.Join(dir, name), "")
		}
		for _, sub := range []string{"truth", "2_worker_logs.csv"} { // folders are not looked at
			if err := os.Mkdir(filepath.Join(dir, sub), 0o777); err != nil {
				t.Fatal(err)
			}
		}
		write(t, filepath.Join(dir, "truth", "final_output.csv"), "")
		got, err := tt.named.Fill(dir)
		if tt.fail != nil {
			checkError[*ingest.UsageError](t, tt.files, err, tt.fail...)
			continue
		}
		for _, p := range []*string{&got.Events, &got.Workers, &got.Output} {
			if rel, err := filepath.Rel(dir, *p); err == nil {
				*p = rel
			}
		}
		if d := cmp.Diff(tt.want, got); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", tt.files, err, d)
		}
	}
	_, err := ingest.Find(filepath.Join(t.TempDir(), "none"))
	checkError[*ingest.InputError](t, "no folder", err, "no such file")
}
