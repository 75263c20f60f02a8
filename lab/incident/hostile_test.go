package incident_test

import (
	"strings"
	"testing"

	"holdfast/lab/incident"

	"github.com/google/go-cmp/cmp"
)

// Whoever keeps the reading rules reads of hostile-format what mixed says, and
// rejects the bad records and no others.
func TestHostileIsMixed(t *testing.T) {
	for seed := range uint64(3) {
		plain, _ := write(t, preset(t, "mixed", seed, 0), incident.Options{})
		hostile, report := write(t, preset(t, "hostile-format", seed, 0), incident.Options{})
		want, got := read(t, plain), read(t, hostile)

		if diff := cmp.Diff(want.events, got.events); diff != "" {
			t.Errorf("seed %d: events (-mixed +hostile):\n%s", seed, diff)
		}
		if diff := cmp.Diff(want.attempts, got.attempts); diff != "" {
			t.Errorf("seed %d: attempts (-mixed +hostile):\n%s", seed, diff)
		}
		if len(want.rows) != len(got.rows) || int64(len(got.rows)) != report.Rows {
			t.Fatalf("seed %d: %d rows, mixed has %d", seed, len(got.rows), len(want.rows))
		}
		last := int64(0)
		for i, r := range got.rows {
			if r.N <= last || r.N < want.rows[i].N {
				t.Fatalf("seed %d: row %d stands at %d, after %d", seed, i+1, r.N, last)
			}
			last = r.N
			if r.N = want.rows[i].N; r != want.rows[i] {
				t.Fatalf("seed %d: row %+v, mixed has %+v", seed, r, want.rows[i])
			}
		}
		if diff := cmp.Diff(listed(t, hostile), got.rejects, cmp.AllowUnexported(reject{})); diff != "" {
			t.Errorf("seed %d: rejects (-truth +read):\n%s", seed, diff)
		}
	}
}

// listed reads truth/rejected.csv.
func listed(t *testing.T, dir string) []reject {
	t.Helper()
	var all []reject
	for i, line := range strings.Split(strings.TrimSpace(readFile(t, dir, "truth/rejected.csv")), "\n") {
		f := strings.Split(line, ",")
		if i == 0 {
			continue
		}
		n := int64(0)
		for _, c := range f[1] {
			n = n*10 + int64(c-'0')
		}
		all = append(all, reject{f[0], n, f[2]})
	}
	return all
}

// Every spelling occurs, and every reason to reject a record that can without
// a time zone.
func TestHostileHasEverything(t *testing.T) {
	dir, _ := write(t, preset(t, "hostile-format", 1, 0), incident.Options{})
	events, workers, output := readFile(t, dir, "raw_tick_events.log"), readFile(t, dir, "worker_logs.csv"), readFile(t, dir, "final_output.csv")
	for _, tt := range []struct {
		spelling int // of incident.Spellings, from 1
		in       string
		some     []string
	}{
		{1, events[:3] + workers[:3] + output[:3], []string{"\ufeff\ufeff\ufeff"}},
		{2, output, []string{"TCS\n", "TCS\r\n", "TCS\r1", `TCS"` + "\r"}},
		{2, events, []string{"}\n{", "}\r\n{"}},
		{3, workers, []string{"\n\n", "\r\r", "\n# this"}},
		{4, workers, []string{"Status\";End_Time;"}},
		{5, output, []string{`"a;b,c"`}}, {5, workers, []string{"\"two\nlines\"", `"he said ""twice"""`, `"worker-1"`}},
		{6, output, []string{"Price, note ,\"TIMESTAMP\",Symbol\r\n"}}, {6, workers, []string{"; EVENT_ID ;host;"}},
		{7, workers, []string{"; worker-2  ", " success  ;"}}, {7, output, []string{"Z  ,"}},
		{8, workers, []string{";null;", ";NaT;", `;\N;`, ";-;", ";n/a;", ";None;", ";;", "OK;", "done;", "Completed;", "timed_out;", "Timed-Out;"}},
		{9, output, []string{".000", "5000000000Z", ",005000", ".01Z", "00Z"}},
		{10, output, []string{"z,", "+00:00,", "-00:00,", "+0000,", "+00,", "+05:30,", "+0545,", "-04:00,", "-0930,", "+13,", "-11,", "14t", "14 1"}},
		{10, workers, []string{";17524845", "-14 09:15:0", "-14t09:15:0"}},
		{11, output, []string{"e3", "E3", "e+3", "e-2", "+1", "+2"}}, {11, events, []string{"e3,", "e-2,"}},
		{12, events, []string{
			`{"price":1.0, "`, `{"symbol":"WRONG"`, `\u00`, `"price":"`, "{\n  \"", `"note":"a \"quoted\" brace } and bracket ]"`, `"halted":false`,
			`{"event_id`, `{"timestamp`, `{"symbol`, `{"price`, `{"source`,
		}},
	} {
		for _, text := range tt.some {
			if !strings.Contains(tt.in, text) {
				t.Errorf("spelling %d, %s: no %q", tt.spelling, incident.Spellings[tt.spelling-1], text)
			}
		}
	}
	rejected := readFile(t, dir, "truth/rejected.csv")
	for _, reason := range []string{
		"bad-text", "field-size", "field-count", "truncated-tail", "bad-json", "missing-field", "bad-time", "time-range", "bad-price",
		"price-precision", "price-range",
	} {
		if !strings.Contains(rejected, ","+reason+"\n") {
			t.Errorf("no record is rejected for %s", reason)
		}
	}
}

// With 1 % of bad records a reader gives up: there are fewer, at any size.
func TestHostileStaysReadable(t *testing.T) {
	for _, events := range []int64{1, 2, 499, 500, 501, 60_000} {
		dir, report := write(t, preset(t, "hostile-format", 3, events), incident.Options{})
		got := read(t, dir)
		if int64(len(got.rows)) != report.Rows || int64(len(got.events)) != report.Events || int64(len(got.attempts)) != report.Attempts {
			t.Errorf("%d events: read %d events, %d attempts, %d rows; wrote %+v", events, len(got.events), len(got.attempts), len(got.rows), report)
		}
		if diff := cmp.Diff(listed(t, dir), got.rejects, cmp.AllowUnexported(reject{})); diff != "" {
			t.Errorf("%d events: rejects (-truth +read):\n%s", events, diff)
		}
	}
}
