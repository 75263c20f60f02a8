package replay

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCauses(t *testing.T) {
	t.Parallel()
	silent := plain()
	silent.Workers = []WorkerFacts{
		{Name: "worker-1", Judged: true, Silences: []Silence{{From: at(0), To: at(5000)}}},
		{Name: "worker-2", Judged: true, Deaths: []Death{{From: at(0), To: at(3), Attempts: 2}}},
		{Name: "worker-3", Judged: true},
	}
	leased := func(near int64, configured bool) *Population {
		p := plain()
		p.Lease = Lease{Known: true, L: 30_000 * millisecond, Gaps: near, Near: near, Configured: configured}
		return p
	}
	hedging := leased(40, false)
	hedging.Durations.P95 = 29_000 * millisecond
	configured := plain()
	configured.Options.Lease = 30_000 * millisecond
	bursting := plain()
	bursting.Bursts = []Burst{{FirstRank: 0, LastRank: 99, FirstEvent: "e", LastEvent: "f", Start: at(400), End: at(900), Attempts: 100, Silence: 5000 * millisecond}}
	skewed := plain()
	skewed.Skewed = true
	skewed.Workers = []WorkerFacts{{Name: "worker-2", Skew: 40 * millisecond, HasSkew: true}}
	ahead := plain()
	ahead.Skewed = true
	ahead.Workers = []WorkerFacts{{Name: "worker-2", Skew: -40 * millisecond, HasSkew: true}}
	batched := plain()
	batched.Batches = []RowRun{{2, 30}}
	closed := plain()
	closed.Closed = true
	restamped := plain()
	restamped.Restamp.Significant = true

	slow := []Attempt{ok("worker-1", 0, 40_000), ok("worker-2", 30_010, 75_000)}
	for _, tc := range []struct {
		name     string
		pop      *Population
		c        EventCase
		want     string
		evidence string
	}{
		{"row 21, equal start", plain(), caseOf("e", 0, 2, ok("worker-1", 0, 11), ok("worker-2", 0, 7)),
			"concurrent-double-claim proved", "start gap 0 ms, overlap 7 ms"},
		{"row 22, same worker", plain(), caseOf("e", 0, 2, ok("worker-1", 0, 11), ok("worker-1", 0, 7)),
			"same-worker-double-claim proved", "overlap 7 ms; same worker"},
		{"row 23, touching", plain(), caseOf("e", 0, 2, ok("worker-1", 0, 10), ok("worker-2", 10, 20)),
			"retry-after-success proved", "0 ms after the end of a success"},
		{"row 23, touching, closed", closed, caseOf("e", 0, 2, ok("worker-1", 0, 10), ok("worker-2", 10, 20)),
			"concurrent-double-claim proved", "overlap 0 ms"},
		{"row 26", plain(), exactRows(caseOf("e", 0, 2, ok("worker-1", 0, 5))),
			"sink-double-emit proved", "1 attempt, 2 rows; same text as row 1 (sent again)"},
		{"one attempt, other bytes", plain(), caseOf("e", 0, 2, ok("worker-1", 0, 5)),
			"sink-double-emit proved", "values differ from row 1"},
		{"one open attempt, two rows", plain(), caseOf("e", 0, 2, hung("worker-1", 0)), "sink-double-emit consistent", ""},
		{"never attempted, two rows", plain(), caseOf("e", 0, 2), "sink-double-emit consistent", "0 attempts, 2 rows"},
		{"row 28", plain(), caseOf("e", 0, 2, did("worker-1", 0, 40, StatusTimeout), ok("worker-2", 100, 105)),
			"timeout-then-late-commit consistent", "60 ms after the end of a timeout"},
		{"failed then success", plain(), caseOf("e", 0, 2, did("worker-1", 0, 40, StatusFailed), ok("worker-2", 100, 105)),
			"timeout-then-late-commit consistent", ""},
		{"open, silence not judged", plain(), caseOf("e", 0, 2, hung("worker-1", 0), ok("worker-2", 100, 105)),
			"timeout-then-late-commit or [crash-replay] consistent", "too few gaps"},
		{"open, judged, no silence", silent, caseOf("e", 0, 2, hung("worker-3", 0), ok("worker-2", 100, 105)),
			"timeout-then-late-commit consistent", "no silence after it"},
		{"open, gap near the lease", leased(40, false), caseOf("e", 0, 2, hung("worker-1", 0), ok("worker-2", 30_000, 30_005)),
			"timeout-then-late-commit or [short-lease crash-replay] consistent", "lease 30000 ms"},
		{"open, silence", silent, caseOf("e", 0, 2, hung("worker-1", 0), ok("worker-2", 100, 105)),
			"crash-replay consistent", "no end, then 5000 ms of silence"},
		{"open, died together", silent, caseOf("e", 0, 2, hung("worker-2", 2), ok("worker-1", 100, 105)),
			"crash-replay consistent", "like 1 more in flight"},
		{"open within the claim window", plain(), caseOf("e", 0, 2, hung("worker-1", 0), ok("worker-2", 1, 5)),
			"concurrent-double-claim consistent", "overlap of unknown length"},
		{"row 29", plain(), caseOf("e", 0, 2, ok("worker-1", 0, 5), ok("worker-1", 505, 511)),
			"retry-after-success proved", "500 ms after the end of a success; same worker"},
		{"unknown status", plain(), caseOf("e", 0, 2, did("worker-1", 0, 5, StatusUnknown), ok("worker-2", 100, 105)),
			"unexplained suspected", ""},
		{"overlap, unknown status", plain(), caseOf("e", 0, 2, did("worker-1", 0, 5, StatusUnknown), ok("worker-2", 2, 6)),
			"concurrent-double-claim consistent", ""},
		{"end before start", plain(), caseOf("e", 0, 2, ok("worker-1", 10, 5), ok("worker-2", 12, 16)),
			"unexplained suspected", ""},
		{"zero length inside", plain(), caseOf("e", 0, 2, ok("worker-1", 0, 10), ok("worker-2", 5, 5)),
			"unexplained suspected", ""},
		{"k < n", plain(), caseOf("e", 0, 2, ok("worker-1", 0, 9), ok("worker-2", 2, 8), ok("worker-3", 4, 9)),
			"concurrent-double-claim consistent", ""},
		{"lease", leased(40, false), caseOf("e", 0, 2, slow...),
			"short-lease also [concurrent-double-claim] consistent", "lease 30000 ms (40 of 40 overlapping gaps); start gap 30010 ms, overlap 9990 ms"},
		{"lease from few gaps", leased(9, false), caseOf("e", 0, 2, slow...), "short-lease also [concurrent-double-claim] suspected", ""},
		{"lease as configured", leased(40, true), caseOf("e", 0, 2, slow...), "short-lease also [concurrent-double-claim] proved", ""},
		{"lease configured only", configured, caseOf("e", 0, 2, slow...), "short-lease also [concurrent-double-claim] consistent", "configured lease"},
		{"lease or hedge", hedging, caseOf("e", 0, 2, slow...),
			"short-lease also [concurrent-double-claim] or [hedged-attempt] consistent", "95 % of attempts take at most 29000 ms"},
		{"gap beyond 5 % of the lease", leased(40, false), caseOf("e", 0, 2, ok("worker-1", 0, 40_000), ok("worker-2", 31_600, 75_000)),
			"concurrent-double-claim proved", ""},
		{"burst", bursting, caseOf("e", 0, 2, ok("worker-1", 0, 5), ok("worker-2", 500, 505)),
			"restart-burst also [retry-after-success] consistent", "burst of 100 re-attempts from e to f after 5000 ms of silence"},
		{"source id repeat", plain(), func() EventCase {
			c := caseOf("e", 0, 2, ok("worker-1", 0, 5), ok("worker-2", 500, 505))
			c.Repeats = 2
			return c
		}(), "source-id-repeat proved", "the source has the id 2 times"},
		{"clock hides an overlap", skewed, caseOf("e", 0, 2, ok("worker-1", 0, 10), ok("worker-2", 45, 53)),
			"concurrent-double-claim also [clock-suspect] suspected", "start gap 5 ms, overlap 5 ms; by clocks corrected"},
		{"clock fakes an overlap", skewed, caseOf("e", 0, 2, ok("worker-1", 100, 110), ok("worker-2", 105, 109)),
			"retry-after-success also [clock-suspect] suspected", "31 ms after the end of a success"},
		{"clock hides an overlap, the skewed one first", ahead, caseOf("e", 0, 2, ok("worker-2", 0, 10), ok("worker-1", 45, 53)),
			"concurrent-double-claim also [clock-suspect] suspected", "start gap 5 ms, overlap 5 ms"},
		{"in a batch", batched, caseOf("e", 0, 2, ok("worker-1", 0, 5), ok("worker-2", 500, 505)),
			"retry-after-success also [batch-replay] proved", ""},
		{"restamped", restamped, caseOf("e", 0, 2, ok("worker-1", 0, 5), ok("worker-2", 500, 505)),
			"retry-after-success also [restamped-emission] proved", ""},
		{"row 20, lines equal", plain(), caseOf("e", 0, 2, ok("worker-1", 0, 5), ok("worker-1", 0, 5)),
			"sink-double-emit or [same-worker-double-claim] consistent", "more than one line"},
		{"row 41, no worker log", &Population{Options: Options{Mode: ModeNoWorkers}}, caseOf("e", 0, 2), "unknown suspected", "no worker log"},
		{"no events", &Population{Options: Options{Mode: ModeNoTruth}}, caseOf("e", 0, 2), "unknown suspected", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := Classify(tc.c, tc.pop)
			if got := causeOf(f); got != tc.want {
				t.Errorf("cause %q, want %q", got, tc.want)
			}
			if len(f.Duplicates) == 0 || !strings.Contains(f.Duplicates[0].Evidence, tc.evidence) {
				t.Errorf("evidence %+v, want %q", f.Duplicates, tc.evidence)
			}
		})
	}
}

func TestGradeFollowsTheMatch(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		label Label
		want  Grade
	}{{Certain, Proved}, {Likely, Consistent}, {Ambiguous, Suspected}} {
		c := caseOf("e", 0, 2, ok("worker-1", 0, 11), ok("worker-2", 0, 7))
		c.Rows[1].Label = tc.label
		f := Classify(c, plain())
		if got := f.Duplicates[0].Grade; got != tc.want {
			t.Errorf("%s: grade %s, want %s", tc.label, got, tc.want)
		}
		if got, want := f.Duplicates[0].Removed, tc.label != Ambiguous; got != want {
			t.Errorf("%s: removed %t", tc.label, got)
		}
		c.Rows[1].Covered = true
		if f := Classify(c, plain()); !f.Duplicates[0].Removed {
			t.Errorf("%s: covered, but not removed", tc.label)
		}
	}
}

func TestSourceTwin(t *testing.T) {
	t.Parallel()
	c := caseOf("late", 7, 1, ok("worker-1", 7, 12))
	c.Twin, c.TwinRow = "early", 41
	for _, collapse := range []bool{false, true} {
		p := plain()
		p.CollapseSource = collapse
		f := Classify(c, p)
		if got := causeOf(f); got != "source-double-emit consistent" {
			t.Fatalf("cause %q", got)
		}
		if d := f.Duplicates[0]; d.CanonicalRow != 41 || d.Row.N != 1 || d.Removed != collapse || !strings.Contains(d.Evidence, "early") {
			t.Errorf("collapse %t: %+v", collapse, d)
		}
	}
}

func TestOtherFindings(t *testing.T) {
	t.Parallel()
	jittered := caseOf("e", 0, 1, ok("worker-1", 0, 5))
	jittered.Rows[0] = rowOf(&jittered.Event, 1, 3, 0.2)
	corrupted := caseOf("e", 0, 1, ok("worker-1", 0, 5))
	corrupted.Rows[0] = rowOf(&corrupted.Event, 1, 0, 0.2)
	reused := caseOf("e#1", 0, 1, ok("worker-1", 0, 5))
	reused.IDReused, reused.Repeats = true, 2
	usual := plain()
	usual.UsualWorkers = true
	for _, tc := range []struct {
		name string
		c    EventCase
		want []string
	}{
		{"row 27, timeout, one row", caseOf("e", 0, 1, hung("worker-1", 0)), []string{"ghost-commit:1"}},
		{"row 27, timeout, no row", caseOf("e", 0, 0, hung("worker-1", 0)), []string{"lost-all-attempts-failed:1"}},
		{"row 27, success, no row", caseOf("e", 0, 0, ok("worker-1", 0, 5)), []string{"lost-despite-success:1"}},
		{"row 32, never attempted", caseOf("e", 0, 1), []string{"never-attempted:1"}},
		{"never attempted, no row", caseOf("e", 0, 0), []string{"never-attempted:1"}},
		{"row 2, success without end", caseOf("e", 0, 1, Attempt{Worker: "worker-1", Start: at(0), Open: true, Status: StatusSuccess}),
			[]string{"success-without-end:1"}},
		{"row 3, end before start", caseOf("e", 0, 1, ok("worker-1", 10, 4)), []string{"bad-interval:1", "impossible-time:1"}},
		{"row 3, zero length", caseOf("e", 0, 1, ok("worker-1", 4, 4)), nil},
		{"start before the event", caseOf("e", 10, 1, ok("worker-1", 9, 14)), []string{"impossible-time:1"}},
		{"timeout, then success, one row", caseOf("e", 0, 1, hung("worker-1", 0), ok("worker-2", 50, 55)), []string{"harmless-race:1"}},
		{"race, one row", caseOf("e", 0, 1, ok("worker-1", 0, 5), ok("worker-2", 0, 6)), []string{"harmless-race:1"}},
		{"jittered single", jittered, []string{"jittered-single:1"}},
		{"price corrupted", corrupted, []string{"price-corrupted:1"}},
		{"id reused and repeated", reused, []string{"id-reuse:1", "source-id-repeat:1"}},
		{"unknown status twice", caseOf("e", 0, 2, did("worker-1", 0, 5, StatusUnknown), did("worker-2", 0, 6, StatusUnknown)), []string{"unknown-status:2"}},
		{"unknown event", EventCase{Event: Event{ID: "x"}, Unknown: true, Attempts: []Attempt{ok("worker-1", 0, 5), ok("worker-1", 10, 15)}},
			[]string{"unknown-event-attempt:2"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := Classify(tc.c, usual)
			if diff := cmp.Diff(tc.want, otherOf(f)); diff != "" {
				t.Error(diff)
			}
			if want := len(tc.c.Rows) == 0 && !tc.c.Unknown; f.Lost != want {
				t.Errorf("lost %t", f.Lost)
			}
		})
	}
	f := Classify(caseOf("e", 0, 0), &Population{Options: Options{Mode: ModeNoWorkers}})
	if got := otherOf(f); !slices.Equal(got, []string{"lost-unexplained:1"}) {
		t.Errorf("no workers, no row: %v", got)
	}
}

func TestUnknownWorkerIsNoted_Row32(t *testing.T) {
	t.Parallel()
	c := caseOf("e", 0, 1, ok("worker-9", 0, 5))
	p := plain()
	if f := Classify(c, p); len(f.Timeline[0].Notes) != 0 {
		t.Errorf("log of other names: %v", f.Timeline[0].Notes)
	}
	p.UsualWorkers = true
	if f := Classify(c, p); !slices.Equal(f.Timeline[0].Notes, []string{UnknownWorker}) {
		t.Errorf("notes %v", f.Timeline[0].Notes)
	}
}

func TestThreeAttemptsThreeRows_Row25(t *testing.T) {
	t.Parallel()
	f := Classify(caseOf("e", 0, 3, ok("worker-1", 0, 9), ok("worker-2", 0, 8), ok("worker-1", 20, 25)), plain())
	if len(f.Duplicates) != 2 {
		t.Fatalf("%d duplicates", len(f.Duplicates))
	}
	a, b := f.Duplicates[0], f.Duplicates[1]
	if a.Cause != ConcurrentDoubleClaim || !slices.Equal(a.Attempts, []int{1, 2}) {
		t.Errorf("first: %+v", a)
	}
	if b.Cause != RetryAfterSuccess || !slices.Equal(b.Attempts, []int{2, 3}) || b.Grade != Proved {
		t.Errorf("second: %+v", b)
	}
	four := Classify(caseOf("e", 0, 5, ok("worker-1", 0, 9), ok("worker-2", 0, 8), ok("worker-1", 20, 25), ok("worker-1", 30, 35)), plain())
	for i, want := range []string{"concurrent-double-claim", "retry-after-success", "retry-after-success", "sink-double-emit"} {
		if d := four.Duplicates[i]; d.Cause.String() != want || !slices.Contains(d.Also, RetryStorm) || d.Grade != Consistent {
			t.Errorf("extra %d: %s also %v %s", i+1, d.Cause, d.Also, d.Grade)
		}
	}
}

func TestMutableStateReread(t *testing.T) {
	t.Parallel()
	c := caseOf("e", 0, 2, ok("worker-1", 0, 9), ok("worker-2", 0, 8))
	c.Rows[1] = rowOf(&c.Event, 2, 4, 0.25)
	c.Quotes = []Quote{{}, {Event: "f", Price: units(100.25)}}
	p := plain()
	if f := Classify(c, p); len(f.Duplicates[0].Also) != 0 {
		t.Errorf("not tested in this file: %v", f.Duplicates[0].Also)
	}
	p.Reread.Significant = true
	if f := Classify(c, p); !slices.Equal(f.Duplicates[0].Also, []Cause{MutableStateReread}) {
		t.Errorf("also %v", f.Duplicates[0].Also)
	}
	c.Quotes[1].Price++
	if f := Classify(c, p); len(f.Duplicates[0].Also) != 0 {
		t.Errorf("another price: %v", f.Duplicates[0].Also)
	}
}

func TestFates_R27(t *testing.T) {
	t.Parallel()
	type fates = []string
	for _, tc := range []struct {
		name string
		c    EventCase
		want fates
		rows [][]int64
	}{
		{"one and one", caseOf("e", 0, 1, ok("worker-1", 0, 5)), fates{"emitted"}, [][]int64{{1}}},
		{"one and three", caseOf("e", 0, 3, ok("worker-1", 0, 5)), fates{"emitted×3"}, [][]int64{{1, 2, 3}}},
		{"none", caseOf("e", 0, 0, ok("worker-1", 0, 5)), fates{"none"}, [][]int64{nil}},
		{"k = n, by ends", caseOf("e", 0, 2, ok("worker-1", 0, 9), ok("worker-2", 0, 5)), fates{"emitted", "emitted"}, [][]int64{{1}, {2}}},
		{"k = n, later start first to end", caseOf("e", 0, 2, ok("worker-1", 0, 9), ok("worker-2", 1, 5)), fates{"emitted", "emitted"}, [][]int64{{2}, {1}}},
		{"k = n, one without end", caseOf("e", 0, 2, hung("worker-1", 0), ok("worker-2", 1, 5)), fates{"emitted", "emitted"}, [][]int64{{1, 2}, {1, 2}}},
		{"singled out", caseOf("e", 0, 1, hung("worker-1", 0), ok("worker-2", 50, 55)), fates{"none", "emitted"}, [][]int64{nil, {1}}},
		{"undecidable", caseOf("e", 0, 1, ok("worker-1", 0, 5), ok("worker-2", 1, 6)), fates{"one-of", "one-of"}, [][]int64{{1}, {1}}},
		{"unknown status may have written", caseOf("e", 0, 1, did("worker-1", 0, 5, StatusUnknown), ok("worker-2", 1, 6)), fates{"one-of", "one-of"}, [][]int64{{1}, {1}}},
		{"unknown event", EventCase{Unknown: true, Attempts: []Attempt{ok("worker-1", 0, 5)}}, fates{"unknown"}, [][]int64{nil}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := plain()
			p.CommitOrder = true
			f := Classify(tc.c, p)
			var got fates
			var rows [][]int64
			for i := range f.Timeline {
				got, rows = append(got, f.Timeline[i].FateText()), append(rows, f.Timeline[i].Rows)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.rows, rows); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAttemptsStandInCorrectedOrder(t *testing.T) {
	t.Parallel()
	p := plain()
	p.Skewed = true
	p.Workers = []WorkerFacts{{Name: "worker-2", Skew: 40 * millisecond, HasSkew: true}}
	c := caseOf("e", 0, 2, did("worker-1", 100, 110, StatusSuccess), did("worker-2", 105, 109, StatusTimeout))
	f := Classify(c, p)
	if d := f.Duplicates[0]; !slices.Equal(d.Attempts, []int{2, 1}) || d.Cause != TimeoutThenLateCommit {
		t.Errorf("%s by attempts %v", d.Cause, d.Attempts)
	}
	early := caseOf("e", 0, 1, ok("worker-2", -30, 5))
	if f := Classify(early, p); len(f.Other) != 0 {
		t.Errorf("30 ms early on a clock that is 40 ms off: %v", f.Other)
	}
	early.Attempts[0].Worker = "worker-1"
	if f := Classify(early, p); len(f.Other) != 1 {
		t.Errorf("30 ms early on a good clock: %v", f.Other)
	}
}

func TestRowsWithoutCommitOrder(t *testing.T) {
	t.Parallel()
	f := Classify(caseOf("e", 0, 2, ok("worker-1", 0, 9), ok("worker-2", 1, 5)), plain())
	for i := range f.Timeline {
		if !slices.Equal(f.Timeline[i].Rows, []int64{1, 2}) {
			t.Errorf("attempt %d: rows %v", i+1, f.Timeline[i].Rows)
		}
	}
}

func TestRowsWhereEndsDoNotTell(t *testing.T) {
	t.Parallel()
	same := caseOf("e", 0, 2, ok("worker-1", 0, 9), ok("worker-2", 1, 9))
	p := plain()
	p.CommitOrder = true
	if f := Classify(same, p); !slices.Equal(f.Timeline[0].Rows, []int64{1, 2}) {
		t.Errorf("equal ends: %v", f.Timeline[0].Rows)
	}
	p.Skewed = true
	other := caseOf("e", 0, 2, ok("worker-1", 0, 9), ok("worker-2", 1, 5))
	if f := Classify(other, p); !slices.Equal(f.Timeline[0].Rows, []int64{1, 2}) {
		t.Errorf("clocks that differ: %v", f.Timeline[0].Rows)
	}
}

func TestRetriesAndGaps_R23(t *testing.T) {
	t.Parallel()
	f := Classify(caseOf("e", 0, 1, ok("worker-1", 0, 10), ok("worker-2", 5, 8), hung("worker-1", 20), ok("worker-3", 90, 95)), plain())
	var got []string
	for _, e := range f.Timeline {
		got = append(got, e.Kind.String()+" "+ms(e.Gap))
	}
	want := []string{"first 0 ms", "overlapping -5 ms", "sequential 12 ms", "sequential 70 ms"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if f.Retries != 3 || f.RetriesOverlapping != 1 || f.RetriesSequential != 2 || f.CrashesNullEnd != 1 {
		t.Errorf("%+v", f)
	}
	if f.Span != (Window{at(0), at(95)}) {
		t.Errorf("span %v", f.Span)
	}
	if !slices.Contains(f.Timeline[3].Notes, PossibleOverlap) {
		t.Errorf("notes %v", f.Timeline[3].Notes)
	}
}

func TestHealthyEventAllocatesNothing(t *testing.T) {
	c := caseOf("e", 0, 1, ok("worker-1", 0, 5))
	p, _ := survey(healthy(300, 0), Options{CommitOrder: true})
	var f Findings
	ClassifyInto(&f, &c, &p)
	if n := testing.AllocsPerRun(100, func() { ClassifyInto(&f, &c, &p) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestReuseLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	busy := caseOf("b", 0, 3, ok("worker-1", 0, 9), ok("worker-2", 0, 8), hung("worker-1", 20))
	calm := caseOf("e", 0, 1, ok("worker-1", 0, 5))
	p := plain()
	var f Findings
	for _, c := range []EventCase{busy, calm, busy, calm} {
		ClassifyInto(&f, &c, p)
		if diff := cmp.Diff(Classify(c, p), f, cmpEmpty); diff != "" {
			t.Fatalf("%s: %s", c.Event.ID, diff)
		}
	}
}

func BenchmarkClassify(b *testing.B) {
	c := caseOf("e", 0, 1, ok("worker-1", 0, 5))
	p, _ := survey(healthy(300, 0), Options{CommitOrder: true})
	var f Findings
	b.ReportAllocs()
	for b.Loop() {
		ClassifyInto(&f, &c, &p)
	}
}
