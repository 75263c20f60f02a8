package record_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"holdfast/record"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

// A status is told while a session runs, and reads as Prometheus text.
func TestStatus(t *testing.T) {
	t.Parallel()
	var told []record.Status
	r := newRig(t, 42)
	r.lab.TerminationProb = 0
	r.c.Journal.Level = journal.Always
	r.c.Status = func(s record.Status) { told = append(told, s) }
	r.finish()
	if len(told) == 0 {
		t.Fatal("no status was told")
	}
	s := told[0]
	line := regexp.MustCompile(`^lab-42 recv [0-9,]+ written [0-9,]+ hi [0-9]+ gaps [0-9,]+ \([0-9]+ runs\) held [0-9]+ asked [0-9,]+ sync p99 [0-9.µm]+s$`)
	if !line.MatchString(s.Line()) {
		t.Errorf("line: %s", s.Line())
	}
	if s.Syncs.Count == 0 || s.Syncs.P99() == 0 {
		t.Errorf("syncs: %+v", s.Syncs)
	}
}

// Section 10.6: names, types and text of what is served.
func TestMetricsText(t *testing.T) {
	t.Parallel()
	s := record.Status{Session: "a\"b\\c\nd", Held: 4, Unsynced: 512, Progress: seq.Progress{Begun: true, Hi: 1<<53 + 2, Extent: 7, SRTT: 1500 * time.Microsecond}}
	s.Total.PacketsReceived, s.Total.Gaps = 1234567, 3
	s.Total.Extra = map[string]int64{"gap_runs": 2, "conflicts": 5, "max_held": 9}
	s.Syncs.Buckets[0], s.Syncs.Buckets[2], s.Syncs.Sum, s.Syncs.Count = 1, 2, 1250*time.Microsecond, 3
	if line := s.Line(); line != "a\"b\\c\nd recv 1,234,567 written 0 hi 9007199254740994 gaps 3 (2 runs) held 4 asked 0 sync p99 500µs" {
		t.Errorf("line: %s", line)
	}
	var text bytes.Buffer
	if err := s.WriteMetrics(&text); err != nil {
		t.Fatal(err)
	}
	label := `{session="a\"b\\c\nd"`
	for _, want := range []string{
		"# TYPE holdfast_record_packets_received_total counter\nholdfast_record_packets_received_total" + label + "} 1234567\n",
		"# TYPE holdfast_record_conflicts_total counter\nholdfast_record_conflicts_total" + label + "} 5\n",
		"# TYPE holdfast_record_held gauge\nholdfast_record_held" + label + "} 4\n",
		"# TYPE holdfast_record_gap_sequences gauge\nholdfast_record_gap_sequences" + label + "} 3\n",
		"# TYPE holdfast_record_gap_runs gauge\nholdfast_record_gap_runs" + label + "} 2\n",
		"# TYPE holdfast_record_hi gauge\nholdfast_record_hi" + label + "} 9007199254740994\n",
		"# TYPE holdfast_record_reorder_extent gauge\nholdfast_record_reorder_extent" + label + "} 7\n",
		"# TYPE holdfast_record_srtt_seconds gauge\nholdfast_record_srtt_seconds" + label + "} 0.0015\n",
		"# TYPE holdfast_record_unsynced_bytes gauge\nholdfast_record_unsynced_bytes" + label + "} 512\n",
		"# TYPE holdfast_record_fsync_seconds histogram\n",
		"holdfast_record_fsync_seconds_bucket" + label + `,le="0.0001"} 1` + "\n",
		"holdfast_record_fsync_seconds_bucket" + label + `,le="0.00025"} 1` + "\n",
		"holdfast_record_fsync_seconds_bucket" + label + `,le="0.0005"} 3` + "\n",
		"holdfast_record_fsync_seconds_bucket" + label + `,le="+Inf"} 3` + "\n",
		"holdfast_record_fsync_seconds_sum" + label + "} 0.00125\n",
		"holdfast_record_fsync_seconds_count" + label + "} 3\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q", want)
		}
	}
	names := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n") {
		name, isType := strings.CutPrefix(line, "# TYPE ")
		if isType && names[name] || !isType && !strings.Contains(line, label) {
			t.Errorf("line %q", line)
		}
		names[name] = true
	}
	if t.Failed() {
		t.Log(text.String())
	}
}

// Section 8, trade-off table: a row of the classic logger and the journal.
func TestTradeoffRow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy  seq.Config
		written int64
	}{{seq.Config{JournalOff: true, BufferSize: 10}, 921}, {seq.Config{}, 977}} {
		o, err := trial(t, 42, c.policy)
		if err != nil || o.Score.Logged != c.written {
			t.Errorf("%+v: %+v, %v", c.policy, o.Score, err)
		}
	}
}
