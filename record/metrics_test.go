package record_test

import (
	"bytes"
	"strings"
	"testing"

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
	if line := s.Line(); !strings.HasPrefix(line, "lab-42 recv ") || !strings.Contains(line, " sync p99 ") {
		t.Errorf("line: %s", line)
	}
	var text bytes.Buffer
	if err := s.WriteMetrics(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`holdfast_record_packets_received_total{session="lab-42"} `,
		"# TYPE holdfast_record_held gauge\n",
		`holdfast_record_fsync_seconds_bucket{session="lab-42",le="+Inf"} `,
		`holdfast_record_fsync_seconds_count{session="lab-42"} `,
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if s.Syncs.Count == 0 || s.Syncs.P99() == 0 {
		t.Errorf("syncs: %+v", s.Syncs)
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
