package dedupe

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/replay/ingest"
)

func (f folder) copy(c Config, decisions ...Decision) Result {
	f.Helper()
	r, err := Copy(context.Background(), c, slices.Values(decisions), nil)
	if err != nil {
		f.Fatal(err)
	}
	return r
}

func TestCopy(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	text := "\xef\xbb\xbf" + header + at("A", "000", "1") + "\n" + at("A", "001", "2") + "# no row\nrubbish\n" + at("=A", "002", "3") + at("B", "003", "4")
	c := Config{In: f.write("in.csv", []byte(text)), Out: f.path("out.csv"), Removed: f.path("removed.csv"), CSVSafe: true, FS: unsynced{}}
	got := f.copy(c,
		Decision{Row: 1, Action: Rewrite, Price: 1.25e9},
		Decision{Row: 2, Action: Remove, Reason: "duplicate-event", KeptRow: 1, EventID: "evt_1|evt_2", Match: "certain"},
		Decision{Row: 3, Action: Reject, Reason: ingest.FieldCount},
		Decision{Row: 4, Action: Remove, Reason: "a, \"b\"", KeptRow: 5},
	)
	if diff := cmp.Diff(Result{RowsIn: 5, Kept: 2, Removed: 2, Rejected: 1, Rewritten: 1}, got, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Notes" }, cmp.Ignore())); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(header+at("A", "000", "1.25")+at("B", "003", "4"), f.read("out.csv")); diff != "" {
		t.Errorf("out (-want +got):\n%s", diff)
	}
	want := removedHeader +
		`2,4,removed,duplicate-event,1,evt_1|evt_2,certain,"A,2025-07-14T09:15:00.001Z,2"` + "\n" +
		`3,6,rejected,field-count,,,,rubbish` + "\n" +
		`4,7,removed,"a, ""b""",5,,,"'=A,2025-07-14T09:15:00.002Z,3"` + "\n"
	if diff := cmp.Diff(want, f.read("removed.csv")); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
}

// Copy counts records as ByKey and the general reader do, in any file.
func TestCopyIsItsTwin(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	for seed := uint64(0); seed < rounds(300); seed++ {
		g := newGenerator(seed)
		c := Config{
			In: f.write("in.csv", g.mutate(g.file(g.IntN(40)))), Out: f.path("out.csv"), Removed: f.path("removed.csv"),
			Read: ingest.Options{MaxBad: allowBad}, FS: unsynced{}, chunk: []int{40, 400, 4000}[g.IntN(3)],
		}
		r, err := ByKey(context.Background(), c)
		if err != nil {
			continue // a header that cannot be used
		}
		out, removed := f.read("out.csv"), f.read("removed.csv")
		got := f.copy(c, parseRemoved(t, removed)...)
		if out != f.read("out.csv") || removed != f.read("removed.csv") || got.Kept != r.Kept {
			t.Fatalf("seed %d: Copy differs from ByKey: %+v, %+v", seed, got, r)
		}
	}
}

// parseRemoved makes the decisions of a list of removed rows.
func parseRemoved(t *testing.T, text string) (all []Decision) {
	for _, r := range twinRecords(text, ',')[1:] {
		var d Decision
		d.Reason = r.fields[3]
		if _, err := fmt.Sscan(r.fields[0], &d.Row); err != nil {
			t.Fatal(err)
		}
		fmt.Sscan(r.fields[4], &d.KeptRow)
		if r.fields[2] == "rejected" {
			d.Action = Reject
		}
		all = append(all, d)
	}
	return all
}

func TestCopyRefusesWrongDecisions(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	c := Config{In: f.write("in.csv", []byte(header+strings.Repeat(at("A", "000", "1"), 3))), Out: f.path("out.csv")}
	for name, decisions := range map[string][]Decision{
		"backwards": {{Row: 2}, {Row: 1}}, "twice": {{Row: 2}, {Row: 2}}, "beyond": {{Row: 4}}, "zero": {{Row: 0}},
	} {
		if _, err := Copy(context.Background(), c, slices.Values(decisions), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	broken := errors.New("spill file is gone")
	var failed error
	decisions := iter.Seq[Decision](func(yield func(Decision) bool) {
		yield(Decision{Row: 1})
		failed = broken
	})
	if _, err := Copy(context.Background(), c, decisions, &failed); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	if names := f.names(); len(names) != 1 {
		t.Errorf("files: %v", names)
	}
}
