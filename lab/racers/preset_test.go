package racers_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/lab/racers"
	"holdfast/replay/tick"

	"github.com/google/go-cmp/cmp"
)

// R82, the shape of dmr2025, for many seeds.
func TestRow42DMR2025(t *testing.T) {
	t.Parallel()
	keyGroups := 0
	const seeds = 8
	for seed := range uint64(seeds) {
		y := play(preset(t, "dmr2025", seed, 0), racers.Safeguard{})
		want := racers.Totals{Events: 70_000, Attempts: 70_250, Rows: 70_250, Duplicates: 250}
		if diff := cmp.Diff(want, y.totals); diff != "" {
			t.Fatalf("seed %d: totals (-want +got):\n%s", seed, diff)
		}
		timeouts, pairs, same := 0, 0, 0
		for event, as := range y.attemptsOf {
			v := y.events[event]
			for _, a := range as {
				if took := time.Duration(a.End - a.Start); a.Start != v.Time || took < 3*time.Millisecond || took > 12*time.Millisecond {
					t.Fatalf("seed %d: %+v of %+v: want a start at the event's time, and 3 to 12 ms", seed, a, v)
				}
				if a.Open {
					timeouts++
					if len(as) != 1 || len(y.rowsOf[event]) != 1 {
						t.Fatalf("seed %d: the timeout %+v is not a single attempt with a row", seed, a)
					}
				}
			}
			if len(as) < 2 {
				continue
			}
			pairs++
			rows := y.rowsOf[event]
			if len(as) != 2 || len(rows) != 2 || rows[1].N != rows[0].N+1 || !rows[1].Duplicate {
				t.Fatalf("seed %d: event %d: want its copy on the next line, have %+v", seed, event, rows)
			}
			if as[0].Worker == as[1].Worker {
				same++
			}
		}
		if timeouts != 100 || pairs != 250 {
			t.Errorf("seed %d: %d timeouts and %d pairs, want 100 and 250", seed, timeouts, pairs)
		}
		if same < 55 || same > 112 { // a third of 250, four standard deviations
			t.Errorf("seed %d: %d of 250 pairs on one worker, want about 83", seed, same)
		}
		if got := y.causes(); got["same-worker-double-claim"] != same || got["concurrent-double-claim"] != 250-same {
			t.Errorf("seed %d: causes %v, but %d pairs on one worker", seed, got, same)
		}
		keyGroups += countRepeatedKeys(y)
		for i, v := range y.events {
			if int64(v.Time-y.params.Start) != int64(i)*int64(5*time.Millisecond) || v.Price < 1000e9 || v.Price > 3000e9 {
				t.Fatalf("seed %d: event %+v", seed, v)
			}
		}
	}
	if mean := float64(keyGroups) / seeds; mean < 4 || mean > 11 {
		t.Errorf("%.1f repeated keys a seed, want about 7.5", mean)
	}
}

func countRepeatedKeys(y *story) int {
	type key struct {
		symbol string
		time   tick.Nanos
	}
	count, groups := make(map[key]int, len(y.rows)), 0
	for _, r := range y.rows {
		k := key{r.Symbol, r.Time}
		if count[k]++; count[k] == 2 {
			groups++
		}
	}
	return groups
}

// R83: what each of the other presets is about, counted.
func TestPresetCounts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		events         int64
		attempts, rows int64 // 0: varies
		causes         map[string]int
		fates          map[string]int
	}{
		{"zombie", 20_000, 20_200, 20_160, map[string]int{"timeout-then-late-commit": 160}, map[string]int{"emitted": 20_160, "none": 40}},
		{"ack-lost", 20_000, 20_100, 20_100, map[string]int{"retry-after-success": 100}, map[string]int{"emitted": 20_100}},
		{"source-double", 20_100, 20_100, 20_100, map[string]int{"source-double-emit": 100}, map[string]int{"emitted": 20_100}},
		{"clean", 20_000, 20_000, 20_000, map[string]int{}, map[string]int{"emitted": 20_000}},
		{"skewed-clocks", 20_000, 20_200, 20_200, nil, map[string]int{"emitted": 20_200}},
		{"dense-walk", 70_000, 73_500, 73_500, nil, map[string]int{"emitted": 73_500}},
		{"lease-short", 20_000, 0, 0, nil, nil},
		{"replay-burst", 20_000, 20_500, 0, nil, nil},
		{"mixed", 20_020, 0, 0, nil, nil},
		{"hostile-format", 20_020, 0, 0, nil, nil},
	} {
		for seed := range uint64(3) {
			y := play(preset(t, tt.name, seed, 0), racers.Safeguard{})
			if y.totals.Events != tt.events {
				t.Errorf("%s, seed %d: %d events, want %d", tt.name, seed, y.totals.Events, tt.events)
			}
			if tt.attempts != 0 && y.totals.Attempts != tt.attempts || tt.rows != 0 && y.totals.Rows != tt.rows {
				t.Errorf("%s, seed %d: %+v, want %d attempts and %d rows", tt.name, seed, y.totals, tt.attempts, tt.rows)
			}
			if diff := cmp.Diff(tt.causes, y.causes()); tt.causes != nil && diff != "" {
				t.Errorf("%s, seed %d: causes (-want +got):\n%s", tt.name, seed, diff)
			}
			if diff := cmp.Diff(tt.fates, y.fates()); tt.fates != nil && diff != "" {
				t.Errorf("%s, seed %d: fates (-want +got):\n%s", tt.name, seed, diff)
			}
		}
	}
}

func TestZombieTimes(t *testing.T) {
	y := play(preset(t, "zombie", 5, 0), racers.Safeguard{})
	for _, as := range y.attemptsOf {
		if len(as) == 1 {
			continue
		}
		first, second := as[0], as[1]
		if first.Number == 2 {
			first, second = second, first
		}
		gap := time.Duration(second.Start - first.Start)
		if !first.Open || !second.Success || gap < 90*time.Millisecond || gap > 190*time.Millisecond {
			t.Fatalf("%+v, %+v: want a timeout at 40 ms, and a retry 50 to 150 ms later", first, second)
		}
		if late := time.Duration(first.Commit - first.Start); first.Asked && late <= 40*time.Millisecond {
			t.Fatalf("%+v commits after %v, before it was given up", first, late)
		}
	}
}

func TestAckLostTimes(t *testing.T) {
	y := play(preset(t, "ack-lost", 5, 0), racers.Safeguard{})
	for _, as := range y.attemptsOf {
		if len(as) == 2 && time.Duration(as[1].Start-as[0].Start) != 500*time.Millisecond {
			t.Fatalf("%+v, %+v: want the second 500 ms after the first", as[0], as[1])
		}
	}
}

// Row 30 of the test list rests on this: all gaps are the lease, and all overlap.
func TestRow30LeaseShort(t *testing.T) {
	for seed := range uint64(5) {
		y := play(preset(t, "lease-short", seed, 0), racers.Safeguard{})
		slow, most := 0, 0
		for event, as := range y.attemptsOf {
			if len(as) == 1 {
				continue
			}
			slow++
			most = max(most, len(as))
			slices.SortFunc(as, func(a, b racers.Attempt) int { return a.Number - b.Number })
			for i, a := range as {
				took := time.Duration(a.End - a.Start)
				if took < 35*time.Second || took > 100*time.Second || a.Fate != racers.FateEmitted {
					t.Fatalf("seed %d: %+v: want 35 to 100 s and a row", seed, a)
				}
				if i > 0 && (a.Start-as[i-1].Start != 30e9 || a.Start >= as[i-1].End) {
					t.Fatalf("seed %d: %+v after %+v: want a start 30 s later, while it runs", seed, a, as[i-1])
				}
			}
			if len(as) > 4 || len(y.rowsOf[event]) != len(as) {
				t.Fatalf("seed %d: event %d has %d attempts and %d rows", seed, event, len(as), len(y.rowsOf[event]))
			}
		}
		if slow != 40 || most < 3 {
			t.Errorf("seed %d: %d slow events with at most %d attempts, want 40 and up to 4", seed, slow, most)
		}
		if got := y.causes(); len(got) != 1 || got["short-lease"] != int(y.totals.Duplicates) {
			t.Errorf("seed %d: causes %v", seed, got)
		}
	}
}

// Row 31: after 5 s of silence 500 events come again, in order and fast.
func TestRow31ReplayBurst(t *testing.T) {
	for seed := range uint64(5) {
		y := play(preset(t, "replay-burst", seed, 0), racers.Safeguard{})
		var again []racers.Attempt
		killed := 0
		for _, a := range y.attempts {
			if a.Number == 2 {
				again = append(again, a)
			}
			if a.Fate == racers.FateKilled {
				killed++
			}
		}
		slices.SortFunc(again, func(a, b racers.Attempt) int { return int(a.Start - b.Start) })
		for i := 1; i < len(again); i++ {
			if again[i].Event != again[i-1].Event+1 || again[i].Start != again[i-1].Start+1e6 {
				t.Fatalf("seed %d: %+v after %+v: want the next event 1 ms later", seed, again[i], again[i-1])
			}
		}
		last := y.events[again[len(again)-1].Event].Time // the last that was handed out before the crash
		silence := time.Duration(again[0].Start - last)
		if len(again) != 500 || silence < 5*time.Second || silence > 5005*time.Millisecond || killed == 0 {
			t.Errorf("seed %d: %d events again after %v, %d attempts killed", seed, len(again), silence, killed)
		}
		if got := y.causes(); got["restart-burst"] != 500-killed || len(got) != 1 {
			t.Errorf("seed %d: causes %v with %d killed", seed, got, killed)
		}
	}
}

func TestSourceDoubleIDs(t *testing.T) {
	y := play(preset(t, "source-double", 5, 0), racers.Safeguard{})
	for _, r := range y.rows {
		if !r.Duplicate {
			continue
		}
		second, first := y.events[r.Event], y.events[y.rows[r.Canonical-1].Event]
		apart := time.Duration(second.Time - first.Time)
		if second.Symbol != first.Symbol || second.Price != first.Price || apart < time.Millisecond || apart > 20*time.Millisecond {
			t.Fatalf("%+v is called a second id of %+v", second, first)
		}
	}
}

// What the causes say of double claims is what the true times say (R50), and
// in skewed-clocks the log of worker-2 is 40 ms ahead of them.
func TestRow33CausesOfDoubleClaims(t *testing.T) {
	for _, name := range []string{"dmr2025", "skewed-clocks", "dense-walk"} {
		y := play(preset(t, name, 9, 0), racers.Safeguard{})
		staggered := 0
		for event, rows := range y.rowsOf {
			if len(rows) == 1 {
				continue
			}
			a, b := y.attemptsOf[event][0], y.attemptsOf[event][1]
			if a.Number == 2 {
				a, b = b, a
			}
			want := "concurrent-double-claim"
			switch {
			case b.Start >= a.End:
				want = "retry-after-success"
			case a.Worker == b.Worker:
				want = "same-worker-double-claim"
			}
			if rows[1].Cause != want {
				t.Fatalf("%s: %+v, %+v: %s, want %s", name, a, b, rows[1].Cause, want)
			}
			if gap := time.Duration(b.Start - a.Start); gap >= 5*time.Millisecond && gap <= 20*time.Millisecond {
				staggered++
			}
		}
		if name == "skewed-clocks" && staggered != 100 {
			t.Errorf("%d claims 5 to 20 ms after another, want 100", staggered)
		}
	}
}

func TestMixedHasEveryFault(t *testing.T) {
	for seed := range uint64(5) {
		p := preset(t, "mixed", seed, 0)
		y := play(p, racers.Safeguard{})
		got := y.causes()
		for _, cause := range []string{
			"source-double-emit", "sink-double-emit", "restart-burst", "short-lease", "same-worker-double-claim",
			"concurrent-double-claim", "timeout-then-late-commit", "retry-after-success",
		} {
			if got[cause] == 0 {
				t.Errorf("seed %d: no %s in %v", seed, cause, got)
			}
		}
		if got["source-double-emit"] != 20 || got["sink-double-emit"] != 20 {
			t.Errorf("seed %d: %v, want 20 of source-double-emit and of sink-double-emit", seed, got)
		}
		h := preset(t, "hostile-format", seed, 0)
		h.Preset, h.Hostile = p.Preset, false
		if diff := cmp.Diff(p, h); diff != "" {
			t.Errorf("seed %d: hostile-format is not the incident of mixed:\n%s", seed, diff)
		}
	}
}

// --events keeps rates.
func TestEventsScale(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name               string
		events             int64
		duplicates, opened int64
	}{
		{"dmr2025", 1, 0, 0}, {"dmr2025", 139, 0, 0}, {"dmr2025", 140, 1, 0}, {"dmr2025", 350, 1, 1}, {"dmr2025", 1000, 4, 1},
		{"dmr2025", 7_000, 25, 10}, {"dmr2025", 7_139, 25, 10}, {"dmr2025", 7_140, 26, 10}, {"dmr2025", 140_000, 500, 200},
		{"ack-lost", 1_000, 5, 0}, {"zombie", 1_000, 8, 10}, {"dense-walk", 1_000, 50, 0}, {"source-double", 3_000, 15, 0},
		{"clean", 12_345, 0, 0}, {"replay-burst", 1, 0, 1}, {"replay-burst", 2_000, 48, 2},
	} {
		y := play(preset(t, tt.name, 1, tt.events), racers.Safeguard{})
		opened := int64(0)
		for _, a := range y.attempts {
			if a.Open {
				opened++
			}
		}
		if y.totals.Duplicates != tt.duplicates || opened != tt.opened {
			t.Errorf("%s of %d: %d duplicates and %d timeouts, want %d and %d", tt.name, tt.events, y.totals.Duplicates, opened, tt.duplicates, tt.opened)
		}
		if err := y.check(); err != nil {
			t.Errorf("%s of %d: %v", tt.name, tt.events, err)
		}
	}
}

func TestPresetErrors(t *testing.T) {
	if _, err := racers.Preset("dmr2026", 1, 0); err == nil || !strings.HasPrefix(err.Error(), `unknown preset "dmr2026": use one of dmr2025 zombie`) {
		t.Errorf("unknown preset: %v", err)
	}
	for _, events := range []int64{-1, racers.MaxEvents + 1} {
		if _, err := racers.Preset("clean", 1, events); err == nil {
			t.Errorf("%d events are accepted", events)
		}
	}
}

func TestRateCount(t *testing.T) {
	for _, tt := range []struct{ part, of, n, want int64 }{
		{1, 280, 70_000, 250}, {1, 280, 139, 0}, {1, 280, 140, 1}, {1, 700, 70_000, 100}, {25, 1000, 20_000, 500},
		{2, 3, 1, 1}, {1, 3, 1, 0}, {8, 1000, racers.MaxEvents, 80_000_000}, {5, 1000, 0, 0},
	} {
		if got := (racers.Rate{Part: tt.part, Of: tt.of}).Count(tt.n); got != tt.want {
			t.Errorf("%d/%d of %d is %d, want %d", tt.part, tt.of, tt.n, got, tt.want)
		}
	}
}
