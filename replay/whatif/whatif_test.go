package whatif_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"holdfast/replay"
	"holdfast/replay/tick"
	"holdfast/replay/whatif"
)

const ms = tick.Nanos(time.Millisecond)

func success(worker string, start, end tick.Nanos) replay.Attempt {
	return replay.Attempt{Worker: worker, Start: start * ms, End: end * ms, Status: replay.StatusSuccess, Lines: 1}
}

func open(worker string, start tick.Nanos) replay.Attempt {
	return replay.Attempt{Worker: worker, Start: start * ms, Open: true, Status: replay.StatusTimeout, Lines: 1}
}

// event has rows 1 to k, each a millisecond later than the one before.
func event(rows int, attempts ...replay.Attempt) replay.EventCase {
	c := replay.EventCase{Event: replay.Event{ID: "e", Symbol: "TCS", Price: 100}, Repeats: 1, Attempts: replay.CleanAttempts(attempts)}
	for i := range rows {
		c.Rows = append(c.Rows, replay.Match{
			Row: replay.Row{N: int64(i + 1), Symbol: "TCS", Time: tick.Nanos(i) * ms, Price: 100}, IDs: []string{"e"}, Owner: "e",
			Label: replay.Certain, Canonical: i == 0,
		})
	}
	return c
}

func plain() *replay.Population { return &replay.Population{ClaimWindow: ms} }

func try(t testing.TB, safeguard string, cases ...replay.EventCase) whatif.Outcome {
	t.Helper()
	s, err := whatif.ParseSafeguard(safeguard)
	if err != nil {
		t.Fatal(err)
	}
	return whatif.Replay(slices.Values(cases), plain(), s)
}

func TestSafeguards(t *testing.T) {
	t.Parallel()
	twice := event(2, success("a", 0, 10), success("b", 0, 5))
	olderFirst := event(2, success("a", 0, 5), success("b", 2, 10))
	newerFirst := event(2, success("a", 0, 10), success("b", 2, 5))
	later := event(2, success("a", 0, 5), success("b", 505, 510))
	zombie := event(2, open("a", 0), success("b", 100, 105))
	saved := event(1, open("a", 0), success("b", 100, 105))
	four := event(4, success("a", 0, 1), success("a", 60_000, 60_001), success("a", 120_000, 120_001), success("a", 180_000, 180_001))
	for _, tt := range []struct {
		name, safeguard string
		c               replay.EventCase
		lo, hi          int64
		verdict         whatif.Verdict
	}{
		{"row 46: older commits first", "fencing-token", olderFirst, 0, 0, whatif.NoEffect},
		{"row 46: newer commits first", "fencing-token", newerFirst, 1, 1, whatif.Complete},
		{"claims of one instant", "fencing-token", twice, 0, 1, whatif.Partial},
		{"row 47: fixed 1,0,1,0", "window-fixed=2m", four, 2, 2, whatif.Partial},
		{"row 47: sliding 1,0,0,0", "window-sliding=2m", four, 3, 3, whatif.Complete},
		{"age equal to the window", "window-fixed=1m", four, 0, 0, whatif.NoEffect},
		{"an id for ever", "unique-event-id", four, 3, 3, whatif.Complete},
		{"the last id", "lru=1", later, 1, 1, whatif.Complete},
		{"a lease knows no claim of the same instant", "lease=1m", twice, 0, 0, whatif.NoEffect},
		{"a set in flight does", "in-flight-set", twice, 1, 1, whatif.Complete},
		{"a set in flight and a repeat", "in-flight-set", later, 0, 0, whatif.NoEffect},
		{"a lease holds off", "lease=1m", newerFirst, 1, 1, whatif.Complete},
		{"a lease too short", "lease=2ms", newerFirst, 0, 0, whatif.NoEffect},
		{"another partition", "partition-event", twice, 1, 1, whatif.Complete},
		{"redelivered across workers", "partition-event", later, 0, 1, whatif.Partial},
		{"the same worker", "partition-event", event(2, success("a", 0, 10), success("a", 0, 5)), 0, 0, whatif.NoEffect},
		{"the ack is part of the row", "transactional-sink", later, 1, 1, whatif.Complete},
		{"two at once both commit", "transactional-sink", twice, 0, 0, whatif.NoEffect},
		{"a timeout takes its row back", "transactional-sink", zombie, 1, 1, whatif.Complete},
		{"a zombie may come at any time", "window-fixed=1s", zombie, 0, 1, whatif.Partial},
		{"marked at the claim", "mark-before-deliver=1s", saved, 0, 0, whatif.Harmful},
		{"replaced", "upsert-event-id", twice, 1, 1, whatif.Complete},
		{"nearby", "tolerance-dedupe=1ms,0", twice, 1, 1, whatif.Complete},
		{"other values", "unique-symbol-timestamp", twice, 0, 0, whatif.NoEffect},
		{"sent again", "in-flight-set", event(2, success("a", 0, 5)), 0, 0, whatif.NoEffect},
		{"sent again", "window-fixed=1s", event(2, success("a", 0, 5)), 1, 1, whatif.Complete},
	} {
		o := try(t, tt.safeguard, tt.c)
		if o.PreventedLo != tt.lo || o.PreventedHi != tt.hi || o.Verdict() != tt.verdict {
			t.Errorf("%s, %s: [%d, %d] %s, want [%d, %d] %s", tt.name, tt.safeguard, o.PreventedLo, o.PreventedHi, o.Verdict(), tt.lo, tt.hi, tt.verdict)
		}
	}
}

// Rows 35 and 50: a copy takes a real tick's slot.
func TestHarmfulKey(t *testing.T) {
	t.Parallel()
	price := func(s string) tick.Price {
		p, err := tick.ParsePrice([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	row := func(n int64, at tick.Nanos, p, owner string, canonical bool) replay.Match {
		return replay.Match{Row: replay.Row{N: n, Symbol: "TCS", Time: at * ms, Price: price(p)}, IDs: []string{owner}, Owner: owner, Label: replay.Certain, Canonical: canonical}
	}
	e1 := replay.EventCase{Event: replay.Event{ID: "e1", Symbol: "TCS", Price: price("100.00")}, Repeats: 1,
		Attempts: []replay.Attempt{success("a", 0, 3), success("b", 0, 5)},
		Rows:     []replay.Match{row(1, 0, "100.00", "e1", true), row(2, 10, "100.20", "e1", false)}}
	e2 := replay.EventCase{Event: replay.Event{ID: "e2", Time: 10 * ms, Symbol: "TCS", Price: price("250.00")}, Repeats: 1,
		Attempts: []replay.Attempt{success("a", 10, 13)},
		Rows:     []replay.Match{row(3, 10, "250.00", "e2", true)}}
	p := plain()
	p.CommitOrder = true
	s, _ := whatif.ParseSafeguard("unique-symbol-timestamp")
	o := whatif.Replay(slices.Values([]replay.EventCase{e1, e2}), p, s)
	if o.PreventedHi != 0 || o.EventsLost != 1 || o.EventsLostLo != 1 || o.Verdict() != whatif.Harmful {
		t.Errorf("prevented %d, lost %d to %d, %s; want 0, 1, harmful", o.PreventedHi, o.EventsLostLo, o.EventsLost, o.Verdict())
	}
}

// Row 48: a lease cannot be read off attempts that never end.
func TestLeaseNotEstimable(t *testing.T) {
	t.Parallel()
	scout := whatif.NewScout()
	given := success("a", 0, 40)
	given.Status = replay.StatusTimeout
	for range 50 {
		c := event(1, given)
		scout.Add(&c)
	}
	f := scout.Facts()
	if f.LeaseKnown {
		t.Errorf("a lease of %d", f.Lease)
	}
	study := whatif.NewStudy(whatif.Config{Safeguards: whatif.Standard(f, 0, 0), Population: plain(), Facts: f})
	found := false
	for _, o := range study.Result().Outcomes {
		found = found || o.Safeguard.Slug == whatif.Lease && o.Verdict() == whatif.NotEstimable
	}
	if !found {
		t.Error("no lease is said to be not estimable")
	}
}

// Censoring matters: attempts given up at 40 ms are known to take longer.
func TestLeaseByKaplanMeier(t *testing.T) {
	t.Parallel()
	scout := whatif.NewScout()
	add := func(n int, length tick.Nanos, s replay.Status) {
		a := success("a", 0, length)
		a.Status = s
		for range n {
			c := event(1, a)
			scout.Add(&c)
		}
	}
	add(980, 10, replay.StatusSuccess)
	add(10, 40, replay.StatusTimeout)
	add(10, 90, replay.StatusSuccess)
	if f := scout.Facts(); !f.LeaseKnown || f.Lease != 91*ms {
		t.Errorf("lease %d ms, want 91", f.Lease/ms)
	}
}

// Row 49: seven equal symbols cannot be spread evenly over three workers.
func TestLoadSkew(t *testing.T) {
	t.Parallel()
	var cases []replay.EventCase
	for i := range 700 {
		c := event(1, success([]string{"a", "b", "c"}[i%3], tick.Nanos(i), tick.Nanos(i)+1))
		c.Event.Symbol = string(rune('A' + i%7))
		cases = append(cases, c)
	}
	if o := try(t, "partition-symbol", cases...); int(o.Skew*1000+.5) != 1286 {
		t.Errorf("load skew %.4f, want 1.286", o.Skew)
	}
}

// No incident, no figures.
func TestNothingToPrevent(t *testing.T) {
	t.Parallel()
	study := whatif.NewStudy(whatif.Config{
		Safeguards: whatif.Standard(whatif.NewScout().Facts(), 0, 0), Population: plain(), Facts: whatif.NewScout().Facts(),
	})
	r := study.Result()
	for _, o := range r.Outcomes {
		if o.PreventedHi != 0 || o.PreventedExpected != 0 || o.EventsLost != 0 || o.FalseRejections != 0 {
			t.Errorf("%s: %+v", o.Safeguard, o)
		}
	}
	if r.Duplicates != 0 || len(r.Minimal) != 0 || r.Left != 0 {
		t.Errorf("%+v", r)
	}
}

// Bounds hold for whatever attempts there are.
func TestBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 5).Draw(t, "attempts")
		var as []replay.Attempt
		for range n {
			start := tick.Nanos(rapid.IntRange(0, 30).Draw(t, "start"))
			a := success(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "worker"), start, start+tick.Nanos(rapid.IntRange(0, 20).Draw(t, "length")))
			a.Open = rapid.Bool().Draw(t, "open")
			a.Status = rapid.SampledFrom([]replay.Status{replay.StatusSuccess, replay.StatusSuccess, replay.StatusTimeout, replay.StatusUnknown}).Draw(t, "status")
			as = append(as, a)
		}
		c := event(rapid.IntRange(0, 6).Draw(t, "rows"), as...)
		extras := int64(max(0, len(c.Rows)-1))
		for _, s := range whatif.Standard(&whatif.Facts{Lease: 10 * ms}, ms, 0) {
			o := whatif.Replay(slices.Values([]replay.EventCase{c}), plain(), s)
			if o.Duplicates != extras || o.PreventedLo < 0 || o.PreventedLo > o.PreventedHi || o.PreventedHi > extras ||
				o.PreventedExpected < float64(o.PreventedLo) || o.PreventedExpected > float64(o.PreventedHi) || o.EventsLostLo > o.EventsLost {
				t.Fatalf("%s over %+v: %+v", s, c.Attempts, o)
			}
			if s.Slug == whatif.UniqueEventID && o.PreventedLo != extras {
				t.Fatalf("unique-event-id leaves some: %+v", o)
			}
		}
	})
}
