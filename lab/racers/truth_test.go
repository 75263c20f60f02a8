package racers_test

import (
	"fmt"
	"slices"
	"testing"

	"holdfast/lab/racers"
)

// What holds of every incident, with and without a safeguard: the facts fit
// together, and the totals count them.
func TestFactsFitTogether(t *testing.T) {
	t.Parallel()
	for _, name := range racers.Presets() {
		for seed := range uint64(2) {
			y := play(preset(t, name, seed, 20_000), racers.Safeguard{})
			if err := y.check(); err != nil {
				t.Errorf("%s, seed %d: %v", name, seed, err)
			}
			if y.totals.Lost != 0 || y.totals.Refused != 0 {
				t.Errorf("%s, seed %d: %+v: something is lost or refused", name, seed, y.totals)
			}
		}
	}
	for _, text := range everySafeguard {
		for _, name := range []string{"mixed", "dmr2025", "replay-burst"} {
			y := play(preset(t, name, 2, 5_000), guard(t, text))
			if err := y.check(); err != nil {
				t.Errorf("%s with %s: %v", name, text, err)
			}
		}
	}
}

var everySafeguard = []string{
	"unique-event-id", "unique-symbol-timestamp", "unique-symbol-timestamp-price", "window-fixed=1s", "window-sliding=10s",
	"lru=1000", "mark-before-deliver=10s", "lease=2m", "heartbeat-lease", "fencing-token", "upsert-event-id", "partition-symbol",
	"partition-event", "transactional-sink", "in-flight-set", "tolerance-dedupe=10ms,0.5", "source-dedupe",
}

func (y *story) check() error {
	for _, check := range []func() error{y.checkEvents, y.checkAttempts, y.checkRows, y.checkLost} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (y *story) checkEvents() error {
	if int64(len(y.events)) != y.totals.Events {
		return fmt.Errorf("%d events, counted %d", len(y.events), y.totals.Events)
	}
	type key struct {
		symbol string
		time   int64
	}
	seen := make(map[key]bool, len(y.events))
	for i, v := range y.events {
		k := key{v.Symbol, int64(v.Time)}
		switch {
		case v.Number != int64(i):
			return fmt.Errorf("event %d stands at %d", v.Number, i)
		case i > 0 && v.Time < y.events[i-1].Time:
			return fmt.Errorf("event %d is before its predecessor", i)
		case v.Price <= 0 || v.Price%10_000_000 != 0:
			return fmt.Errorf("event %d has the price %s", i, v.Price)
		case !slices.Contains(y.params.Symbols, v.Symbol):
			return fmt.Errorf("event %d has the symbol %q", i, v.Symbol)
		case seen[k] && y.totals.Events == y.params.Events:
			return fmt.Errorf("event %d is the second of its symbol and time", i)
		}
		seen[k] = true
	}
	return nil
}

func (y *story) checkAttempts() error {
	if int64(len(y.attempts)) != y.totals.Attempts {
		return fmt.Errorf("%d attempts, counted %d", len(y.attempts), y.totals.Attempts)
	}
	skew := map[string]int64{}
	for _, w := range y.params.Workers {
		skew[w.Name] = int64(w.Skew.Duration())
	}
	type line struct {
		event      int64
		worker     string
		start, end int64
	}
	lines := make(map[line]bool, len(y.attempts))
	for _, a := range y.attempts {
		l := line{a.Event, a.Worker, int64(a.LogStart), int64(a.LogEnd)}
		wrote := a.Fate == racers.FateEmitted || a.Fate == racers.FateTwice
		switch {
		case a.Event >= y.totals.Events || a.Start < y.events[a.Event].Time:
			return fmt.Errorf("%+v begins before its event", a)
		case a.End <= a.Start:
			return fmt.Errorf("%+v takes no time", a)
		case int64(a.LogStart-a.Start) != skew[a.Worker] || !a.Open && int64(a.LogEnd-a.End) != skew[a.Worker]:
			return fmt.Errorf("%+v: the log is not off by the worker's skew %d", a, skew[a.Worker])
		case a.Open == a.Success || a.Open && a.LogEnd != 0:
			return fmt.Errorf("%+v: a success has an end, a timeout has none", a)
		case a.Asked != (wrote || a.Fate == racers.FateRefused):
			return fmt.Errorf("%+v: the fate does not say whether the sink was asked", a)
		case lines[l]:
			return fmt.Errorf("%+v: two lines of the log are equal", a)
		}
		lines[l] = true
	}
	for event, as := range y.attemptsOf {
		numbers := make([]int, len(as))
		for _, a := range as {
			if a.Number < 1 || a.Number > len(as) || numbers[a.Number-1] != 0 {
				return fmt.Errorf("event %d: attempt %d of %d", event, a.Number, len(as))
			}
			numbers[a.Number-1]++
		}
	}
	return nil
}

func (y *story) checkRows() error {
	if int64(len(y.rows)) != y.totals.Rows {
		return fmt.Errorf("%d rows, counted %d", len(y.rows), y.totals.Rows)
	}
	duplicates := int64(0)
	for i, r := range y.rows {
		v := y.events[r.Event]
		own := y.rowsOf[r.Event]
		fate := ""
		for _, a := range y.attemptsOf[r.Event] {
			if a.Number == r.Attempt {
				fate = a.Fate
			}
		}
		switch {
		case r.N != int64(i+1):
			return fmt.Errorf("row %d stands at %d", r.N, i+1)
		case r.Symbol != v.Symbol:
			return fmt.Errorf("%+v is of another symbol than %+v", r, v)
		case fate != racers.FateEmitted && fate != racers.FateTwice:
			return fmt.Errorf("%+v was written by an attempt with the fate %q", r, fate)
		case !r.Duplicate && (r.Canonical != r.N || r.Cause != ""):
			return fmt.Errorf("%+v is no duplicate and yet like one", r)
		case r.Duplicate && (r.Cause == "" || r.Canonical < 1 || r.Canonical > y.totals.Rows || r.Canonical == r.N):
			return fmt.Errorf("%+v is a duplicate of nothing, or for no reason", r)
		case r.N != own[0].N && r.Canonical != own[0].N:
			return fmt.Errorf("%+v does not repeat the first row %d of its event", r, own[0].N)
		case r.Duplicate && r.N == own[0].N && r.Cause != "source-double-emit":
			return fmt.Errorf("%+v is the first row of its event", r)
		}
		if r.Duplicate {
			duplicates++
			if c := y.rows[r.Canonical-1]; c.Symbol != r.Symbol {
				return fmt.Errorf("%+v repeats %+v", r, c)
			}
		}
	}
	if duplicates != y.totals.Duplicates {
		return fmt.Errorf("%d duplicates, counted %d", duplicates, y.totals.Duplicates)
	}
	return nil
}

func (y *story) checkLost() error {
	if int64(len(y.lost)) != y.totals.Lost {
		return fmt.Errorf("%d lost, counted %d", len(y.lost), y.totals.Lost)
	}
	without := int64(0)
	for _, rows := range y.rowsOf {
		if len(rows) == 0 {
			without++
		}
	}
	if without != y.totals.Lost {
		return fmt.Errorf("%d events without a row, %d lost", without, y.totals.Lost)
	}
	for _, l := range y.lost {
		if len(y.rowsOf[l.Event]) > 0 {
			return fmt.Errorf("%+v has a row", l)
		}
		succeeded := slices.ContainsFunc(y.attemptsOf[l.Event], func(a racers.Attempt) bool { return a.Success })
		want := "lost-all-attempts-failed"
		switch {
		case succeeded:
			want = "lost-despite-success"
		case len(y.attemptsOf[l.Event]) == 0:
			want = "never-attempted"
		}
		if l.Reason != want {
			return fmt.Errorf("event %d: %s, want %s", l.Event, l.Reason, want)
		}
	}
	return nil
}

// The first row of an event says what the event says; every further one is
// shifted and off within the preset's bounds, and is nobody else's exact row.
func TestRowsAreCopies(t *testing.T) {
	t.Parallel()
	for _, name := range racers.Presets() {
		y := play(preset(t, name, 11, 0), racers.Safeguard{})
		exact := map[racers.Event]bool{}
		for _, v := range y.events {
			v.Number = 0
			exact[v] = true
		}
		for _, r := range y.rows {
			v := y.events[r.Event]
			shift, off := r.Time-v.Time, r.Price-v.Price
			if r.N == y.rowsOf[r.Event][0].N {
				if shift != 0 || off != 0 {
					t.Fatalf("%s: the first row %+v of %+v is not exact", name, r, v)
				}
				continue
			}
			if r.Cause == "sink-double-emit" {
				continue
			}
			lo, hi := y.params.CopyShift.Min.Duration(), y.params.CopyShift.Max.Duration()
			if int64(shift) < int64(lo) || int64(shift) > int64(hi) || max(off, -off) > 500_000_000 || off%10_000_000 != 0 {
				t.Fatalf("%s: row %+v is shifted by %d and off by %s", name, r, shift, off)
			}
			if y.params.Prices.Walk == 0 && exact[racers.Event{Time: r.Time, Symbol: r.Symbol, Price: r.Price}] {
				t.Fatalf("%s: row %+v repeats another event exactly", name, r)
			}
		}
	}
}

// Where every tick has the same values, a copy keeps off the ticks' times: it
// would be an exact row of another event.
func TestCopiesRepeatNoOtherEvent(t *testing.T) {
	p := preset(t, "dmr2025", 1, 2800)
	p.Symbols, p.Prices.High, p.CopyCents = p.Symbols[:1], p.Prices.Low, 0
	y := play(p, racers.Safeguard{})
	copies := 0
	for _, r := range y.rows {
		if !r.Duplicate {
			continue
		}
		copies++
		if shift := r.Time - y.events[r.Event].Time; shift%5_000_000 == 0 && r.Event+2 < p.Events {
			t.Errorf("%+v is shifted by %d ms, to another tick", r, shift/1_000_000)
		}
	}
	if copies != 10 {
		t.Errorf("%d copies, want 10", copies)
	}
}
