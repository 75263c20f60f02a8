package ingest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/replay"
	"holdfast/replay/ingest"
	"holdfast/replay/tick"
)

// Rows 1 and 2: a missing end leaves an attempt open, whatever its status; any
// other text that is no time does not.
func TestRow1And2MissingEnds(t *testing.T) {
	t.Parallel()
	r := readAttempts(table(attemptHeader,
		"a,worker-1,2025-07-14T09:15:00,,timeout",
		"b,worker-1,2025-07-14T09:15:00,null,timeout",
		"c,worker-1,2025-07-14T09:15:00,NaT,timeout",
		`d,worker-1,2025-07-14T09:15:00,\N,timeout`,
		"e,worker-1,2025-07-14T09:15:00, - ,success",
		"f,worker-1,2025-07-14T09:15:00,null,timeout",
		"g,worker-1,2025-07-14T09:15:00,soon,timeout",
	), ingest.Options{})
	r.check(t, "ends", []string{
		"a worker-1 2025-07-14T09:15:00Z open 2",
		"b worker-1 2025-07-14T09:15:00Z open 2",
		"c worker-1 2025-07-14T09:15:00Z open 2",
		"d worker-1 2025-07-14T09:15:00Z open 2",
		"e worker-1 2025-07-14T09:15:00Z open 1",
		"f worker-1 2025-07-14T09:15:00Z open 2",
	}, []string{"8 bad-time"})
	if d := cmp.Diff(map[string]int64{"": 1, "null": 2, "NaT": 1, `\N`: 1, "-": 1}, r.stats.MissingEnds); d != "" {
		t.Errorf("spellings (-want +got)\n%s", d)
	}
	r.checkNote(t, "ends", "missing-ends", 6)
	r.checkNote(t, "ends", "naive-times", 6)
}

// Row 3: intervals are not judged here.
func TestRow3Intervals(t *testing.T) {
	t.Parallel()
	readAttempts(table(attemptHeader,
		"a,worker-1,2025-07-14T09:15:01Z,2025-07-14T09:15:00Z,success",
		"a,worker-1,2025-07-14T09:15:01Z,2025-07-14T09:15:01Z,success",
	), ingest.Options{}).check(t, "intervals", []string{
		"a worker-1 2025-07-14T09:15:01Z 2025-07-14T09:15:00Z 1",
		"a worker-1 2025-07-14T09:15:01Z 2025-07-14T09:15:01Z 1",
	}, nil)
}

// Row 6: times without a zone, in UTC and elsewhere.
func TestRow6NaiveTimes(t *testing.T) {
	t.Parallel()
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	text := table(attemptHeader, "a,worker-1,2025-07-14T14:45:00,2025-07-14T09:15:00.010Z,success")
	r := readAttempts(text, ingest.Options{})
	r.check(t, "UTC", []string{"a worker-1 2025-07-14T14:45:00Z 2025-07-14T09:15:00.01Z 1"}, nil)
	if d := cmp.Diff([]string{"standard input: 1 times name no zone and are read as UTC: --assume-tz sets another"}, r.stats.Warnings); d != "" {
		t.Errorf("warnings (-want +got)\n%s", d)
	}
	readAttempts(text, ingest.Options{Zone: tick.Zone{Loc: kolkata}}).
		check(t, "Kolkata", []string{"a worker-1 2025-07-14T09:15:00Z 2025-07-14T09:15:00.01Z 1"}, nil)
}

// The two time columns have a unit each.
func TestAttemptEpochUnits(t *testing.T) {
	t.Parallel()
	readAttempts(table(attemptHeader, "a,worker-1,1752484500,1752484500123,success"), ingest.Options{}).
		check(t, "a unit each", []string{"a worker-1 2025-07-14T09:15:00Z 2025-07-14T09:15:00.123Z 1"}, nil)
	r := readAttempts(table(attemptHeader, "a,w,1752484500,,success", "a,w,1752484500,1752484501,success", "a,w,1752484500,1752484500123,success"), ingest.Options{})
	checkError[*ingest.InputError](t, "mixed", r.err, ":4: column end_time mixes epoch units: ms here, s on line 3")
}

func TestStatusesAndWorkers(t *testing.T) {
	t.Parallel()
	want := map[string]replay.Status{
		"success": replay.StatusSuccess, " OK ": replay.StatusSuccess, "Done": replay.StatusSuccess, "completed": replay.StatusSuccess,
		"timeout": replay.StatusTimeout, "TIMED_OUT": replay.StatusTimeout, "timed-out": replay.StatusTimeout, "timedout": replay.StatusTimeout,
		"failed": replay.StatusFailed, "failure": replay.StatusFailed, "error": replay.StatusFailed, "Crashed": replay.StatusFailed, "killed": replay.StatusFailed,
		"": replay.StatusUnknown, "null": replay.StatusUnknown, "successful": replay.StatusUnknown, "?": replay.StatusUnknown,
	}
	for text, status := range want {
		r := readAttempts(table(attemptHeader, "a, worker-2 ,2025-07-14T09:15:00Z,,"+text), ingest.Options{})
		r.check(t, text, []string{"a worker-2 2025-07-14T09:15:00Z open " + string('0'+rune(status))}, nil)
	}
	r := readAttempts(table(attemptHeader,
		"a,worker-9,2025-07-14T09:15:00Z,,?",
		"a,worker-3,2025-07-14T09:15:00Z,,",
		"a,null,2025-07-14T09:15:00Z,,?",
		"a,worker-11,2025-07-14T09:15:00Z,,success",
	), ingest.Options{})
	r.check(t, "workers", []string{
		"a worker-9 2025-07-14T09:15:00Z open 0", "a worker-3 2025-07-14T09:15:00Z open 0",
		"a  2025-07-14T09:15:00Z open 0", "a worker-11 2025-07-14T09:15:00Z open 1",
	}, nil)
	r.checkNote(t, "workers", "missing-workers", 1)
	r.checkNote(t, "workers", "missing-statuses", 1)
	if d := cmp.Diff(map[string]int64{"worker-9": 1, "worker-11": 1}, r.stats.OtherWorkers); d != "" {
		t.Errorf("workers (-want +got)\n%s", d)
	}
	if d := cmp.Diff(map[string]int64{"?": 2}, r.stats.OtherStatuses); d != "" {
		t.Errorf("statuses (-want +got)\n%s", d)
	}
}

func TestAttemptMissingFields(t *testing.T) {
	t.Parallel()
	readAttempts(table(attemptHeader,
		",worker-1,2025-07-14T09:15:00Z,,success",
		"null,worker-1,2025-07-14T09:15:00Z,,success",
		"a,worker-1,n/a,,success",
		"a,worker-1,never,,success",
		"a,worker\x00,2025-07-14T09:15:00Z,,success",
		"a,worker-1,2025-07-14T09:15:00Z,success",
	), ingest.Options{}).check(t, "missing", nil, []string{"2 missing-field", "3 missing-field", "4 missing-field", "5 bad-time", "6 bad-text", "7 field-count"})
}
