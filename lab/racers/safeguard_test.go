package racers_test

import (
	"testing"
	"time"

	"holdfast/lab/racers"
	"holdfast/replay/tick"
	"holdfast/replay/whatif"
)

func TestParseSafeguard(t *testing.T) {
	for _, text := range append([]string{
		"", "lease=1h", "lease=1h30m", "lease=1m5s", "window-fixed=100ms", "window-sliding=1h0m1s", "tolerance-dedupe=1s,0",
	}, everySafeguard...) {
		if got := guard(t, text).String(); got != text {
			t.Errorf("%q is told as %q", text, got)
		}
	}
	if got := guard(t, "window-fixed=120s").String(); got != "window-fixed=2m" {
		t.Errorf("120s is told as %q", got)
	}
	if len(whatif.Safeguards()) != len(everySafeguard) {
		t.Errorf("the tests run %d safeguards of %d", len(everySafeguard), len(whatif.Safeguards()))
	}
}

func TestParseSafeguardErrors(t *testing.T) {
	for text, want := range map[string]string{
		"fence":                    `unknown safeguard "fence": use one of unique-event-id unique-symbol-timestamp unique-symbol-timestamp-price window-fixed window-sliding lru mark-before-deliver lease heartbeat-lease fencing-token upsert-event-id partition-symbol partition-event transactional-sink in-flight-set tolerance-dedupe source-dedupe`,
		"fencing-token=1":          `safeguard "fencing-token=1": it takes no parameter`,
		"lease":                    `safeguard "lease": it takes a positive duration, such as =10s`,
		"lease=0s":                 `safeguard "lease=0s": it takes a positive duration, such as =10s`,
		"lease=soon":               `safeguard "lease=soon": it takes a positive duration, such as =10s`,
		"lru=-1":                   `safeguard "lru=-1": it takes a positive number of keys, such as =1000`,
		"lru=1e3":                  `safeguard "lru=1e3": it takes a positive number of keys, such as =1000`,
		"tolerance-dedupe=10ms":    `safeguard "tolerance-dedupe=10ms": it takes a positive duration and a price, such as =10ms,0.50`,
		"tolerance-dedupe=1ms,-1":  `safeguard "tolerance-dedupe=1ms,-1": it takes a positive duration and a price, such as =10ms,0.50`,
		"tolerance-dedupe=0ms,0.5": `safeguard "tolerance-dedupe=0ms,0.5": it takes a positive duration and a price, such as =10ms,0.50`,
	} {
		if _, err := whatif.ParseSafeguard(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// What R70 says that each safeguard prevents, and what it does not.
func TestSafeguardsPrevent(t *testing.T) {
	t.Parallel()
	const (
		all  = 0
		none = 100
	)
	for _, tt := range []struct {
		safeguard, preset string
		left              int // percent of the duplicates, at most
		atLeast           int
		lost              bool
	}{
		{"unique-event-id", "dmr2025", all, all, false},
		{"unique-event-id", "replay-burst", all, all, false},
		{"unique-event-id", "source-double", none, none, false},
		{"unique-symbol-timestamp", "dmr2025", none, 95, true},
		{"window-fixed=1s", "dmr2025", all, all, false},
		{"window-fixed=1s", "ack-lost", all, all, false},
		{"window-fixed=500ms", "ack-lost", 60, 40, false}, // the second commits 500 ms after the first, plus or minus
		{"window-fixed=1s", "lease-short", none, 90, false},
		{"window-sliding=1h", "lease-short", all, all, false},
		{"lru=1000", "zombie", all, all, false},
		{"mark-before-deliver=10s", "ack-lost", all, all, false},
		{"mark-before-deliver=10s", "zombie", all, all, true}, // the 40 that never write are not tried again
		{"lease=2m", "lease-short", all, all, false},
		{"lease=31s", "lease-short", none, 80, false},
		{"lease=2m", "dmr2025", none, none, false},
		{"heartbeat-lease", "lease-short", all, all, false},
		{"heartbeat-lease", "ack-lost", none, none, false},
		{"fencing-token", "dmr2025", 65, 45, false}, // the older commits first in half of them
		{"fencing-token", "ack-lost", none, none, false},
		{"upsert-event-id", "mixed", 15, 10, false}, // second ids
		{"partition-symbol", "dmr2025", 45, 22, false},
		{"partition-event", "dmr2025", 45, 22, false},
		{"partition-event", "replay-burst", none, none, false},
		{"transactional-sink", "zombie", all, all, false},
		{"transactional-sink", "ack-lost", all, all, false},
		{"transactional-sink", "replay-burst", all, all, false},
		{"transactional-sink", "dmr2025", none, none, false},
		{"in-flight-set", "dmr2025", all, all, false},
		{"in-flight-set", "lease-short", all, all, false},
		{"in-flight-set", "ack-lost", none, none, false},
		{"tolerance-dedupe=10ms,0.5", "dmr2025", all, all, true},
		{"source-dedupe", "source-double", all, all, false},
		{"source-dedupe", "dmr2025", none, none, false},
	} {
		p := preset(t, tt.preset, 3, 20_000)
		before := racers.Run(p, racers.Safeguard{}, func(racers.Fact) {})
		after := racers.Run(p, guard(t, tt.safeguard), func(racers.Fact) {})
		left := int(after.Duplicates * 100 / before.Duplicates)
		if left < tt.atLeast || left > tt.left {
			t.Errorf("%s on %s leaves %d of %d duplicates, want %d to %d %%", tt.safeguard, tt.preset, after.Duplicates, before.Duplicates, tt.atLeast, tt.left)
		}
		if (after.Lost > 0) != tt.lost {
			t.Errorf("%s on %s loses %d events", tt.safeguard, tt.preset, after.Lost)
		}
		if after.FalseRefusals < after.Lost && tt.safeguard != "mark-before-deliver=10s" {
			t.Errorf("%s on %s: %+v: an event is lost without a false refusal", tt.safeguard, tt.preset, after)
		}
	}
}

// Common random numbers: a safeguard changes what it prevents and nothing else.
// What is left are the same attempts and the same rows.
func TestSafeguardsChangeNothingElse(t *testing.T) {
	t.Parallel()
	type row struct {
		event int64
		time  tick.Nanos
		price tick.Price
	}
	for _, text := range []string{
		"unique-event-id", "unique-symbol-timestamp", "window-fixed=1s", "lru=1000", "in-flight-set", "heartbeat-lease", "lease=2m", "fencing-token",
	} {
		p := preset(t, "mixed", 4, 0)
		before, after := play(p, racers.Safeguard{}), play(p, guard(t, text))
		attempts := map[racers.Attempt]bool{}
		rows := map[row]bool{}
		for _, a := range before.attempts {
			a.Number, a.Fate = 0, "" // a later one may now be the second, or be refused
			attempts[a] = true
		}
		for _, r := range before.rows {
			rows[row{r.Event, r.Time, r.Price}] = true
		}
		for _, a := range after.attempts {
			a.Number, a.Fate = 0, ""
			if !attempts[a] {
				t.Fatalf("%s makes another attempt: %+v", text, a)
			}
		}
		first := map[int64]bool{}
		for _, r := range after.rows {
			if !rows[row{r.Event, r.Time, r.Price}] && first[r.Event] {
				t.Fatalf("%s makes another row: %+v", text, r)
			}
			first[r.Event] = true
		}
		for i, v := range before.events {
			if after.events[i] != v {
				t.Fatalf("%s makes another event: %+v, was %+v", text, after.events[i], v)
			}
		}
	}
}

// A worker never runs more than its slots; who waits begins late.
func TestSlots(t *testing.T) {
	p := preset(t, "clean", 1, 3000)
	p.Slots = 1
	p.Interval = 2 // 3 workers of 7.5 ms: busier than they can be
	y := play(p, racers.Safeguard{})
	if err := y.check(); err != nil {
		t.Fatal(err)
	}
	end := map[string]time.Duration{}
	late := 0
	for _, a := range y.attempts { // in the order of their ends
		start := time.Duration(a.Start - p.Start)
		if start < end[a.Worker] {
			t.Fatalf("%+v begins before %s is free at %v", a, a.Worker, end[a.Worker])
		}
		end[a.Worker] = time.Duration(a.End - p.Start)
		if a.Start > y.events[a.Event].Time {
			late++
		}
	}
	if late < 1000 {
		t.Errorf("%d of 3000 attempts waited, want most", late)
	}
}

func TestRunWhileStops(t *testing.T) {
	p := preset(t, "mixed", 1, 0)
	n := 0
	totals := racers.RunWhile(p, racers.Safeguard{}, func(racers.Fact) bool { n++; return n < 100 })
	if n != 100 || totals.Events > 100 {
		t.Errorf("%d facts were told, %d events counted; want 100 and fewer", n, totals.Events)
	}
}

func TestRunRefusesNonsense(t *testing.T) {
	p := preset(t, "clean", 1, 10)
	p.Workers = nil
	defer func() {
		if got := recover(); got != "racers: 7 symbols, 0 workers of 64 slots: want at least one of each" {
			t.Errorf("panic %v", got)
		}
	}()
	racers.Run(p, racers.Safeguard{}, func(racers.Fact) {})
}
