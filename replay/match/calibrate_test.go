package match

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"holdfast/internal/soak"
	"holdfast/replay"
	"holdfast/replay/tick"
)

// band reads the tolerance off an incident, without matching anything.
func (in incident) band(t *testing.T, workers bool) Totals {
	t.Helper()
	var items []Item
	Exact(slices.Values(in.items()), func(g Group) {
		for i := range g.Events {
			items = append(items, Item{Event: &g.Events[i]})
		}
		for i := range g.Leftover {
			items = append(items, Item{Row: &g.Leftover[i]})
		}
	})
	l := linker{items: slices.Values(items), config: Config{HaveWorkers: workers}}
	l.config.Limits.setDefaults()
	if err := l.count(); err != nil {
		t.Fatal(err)
	}
	l.chooseBand()
	return l.totals
}

// seeds is how many incidents of a shape are tried: one, and in a soak as many
// more. (Of 70,000 events each, so they cost.)
func seeds() uint64 { return uint64(soak.Rounds(1, 1)) }

// Row 45 of the test list: the tolerance of copies on a random walk.
func TestBandOnRandomWalk(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0.004, 0.05} {
		for _, late := range []int64{10, 50, 200} {
			for _, early := range []int64{0, late} {
				t.Run(fmt.Sprintf("%v late %d early %d", rate, late, early), func(t *testing.T) {
					t.Parallel()
					for seed := range seeds() {
						in := shape{events: 70_000, walk: true, rate: rate, late: late, early: early, price: 50}.make(seed)
						got := in.band(t, true)
						b := got.Band
						if got.Null != "attempts" || !near(b.Late, late) || !near(b.Early, early) || b.Price < 49*cent || b.Price > 51*cent {
							t.Errorf("seed %d: %s %v", seed, got.Null, b)
						}
					}
				})
			}
		}
	}
}

// near reports whether a bound lies between one step of the grid below the truth
// and one and a half times the truth.
func near(got tick.Nanos, truth int64) bool {
	want := tick.Nanos(truth) * ms
	return got >= tick.Nanos(gridValue(max(gridCell(int64(want))-1, 0))) && got <= want*3/2
}

// Row 45: there the time-shift null is refused.
func TestShiftIsRefusedOnRandomWalk(t *testing.T) {
	t.Parallel()
	for seed := range seeds() {
		in := shape{events: 70_000, walk: true, rate: 0.05, late: 200, price: 50, noLog: true}.make(seed)
		if got := in.band(t, false); got.Null != "none" || !errors.Is(got.Reason, ErrAutocorrelated) {
			t.Errorf("seed %d: %s %v, reason %v", seed, got.Null, got.Band, got.Reason)
		}
	}
}

// R82: the tolerance of dmr2025, with the worker log and without.
func TestBandOfDMR2025(t *testing.T) {
	t.Parallel()
	for seed := range seeds() {
		s := shape{events: 70_000, count: 250, late: 10, price: 50}
		for _, s.noLog = range []bool{false, true} {
			got := s.make(seed).band(t, !s.noLog)
			if b := got.Band; b.Early != 0 || b.Late != 10*ms || b.Price < 49*cent || b.Price > 50*cent || got.Accidental > 5 {
				t.Errorf("seed %d, no log %v: %s %v, accidental %v", seed, s.noLog, got.Null, b, got.Accidental)
			}
		}
	}
}

// Events that are replayed in a row have no one-attempt events among them, so
// the null model of attempts would see copies everywhere.
func TestBandOfBurst(t *testing.T) {
	t.Parallel()
	for seed := range seeds() {
		got := shape{events: 20_000, burst: 500, late: 10, price: 50}.make(seed).band(t, true)
		if got.Null != "time-shift" || got.Band.Early != 0 || got.Band.Late != 10*ms || got.Band.Price > 51*cent {
			t.Errorf("seed %d: %s %v", seed, got.Null, got.Band)
		}
	}
}

// Row 38 of the test list: constant price for an hour, one symbol, no workers.
func TestConstantPriceIsRefused(t *testing.T) {
	t.Parallel()
	var in incident
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range int64(7200) {
		at := tick.Nanos(i)*500*ms + tick.Nanos(rnd.Int64N(500))*ms
		in.events = append(in.events, event(fmt.Sprintf("e%05d", i), at, 100*cent, 0))
		in.rows = append(in.rows, row(int64(len(in.rows)+1), at, 100*cent))
		if i%50 == 7 {
			in.rows = append(in.rows, row(int64(len(in.rows)+1), at+tick.Nanos(1+rnd.Int64N(2000))*ms, 100*cent))
		}
	}
	got := in.link(Config{}, true)
	if got.totals.Null != "none" || !errors.Is(got.totals.Reason, ErrNoExcess) && !errors.Is(got.totals.Reason, ErrAutocorrelated) || got.totals.Orphans != 144 {
		t.Errorf("totals %+v", got.totals)
	}
}

// R33c: with fewer than 20 leftover rows the default is used and said to be.
func TestDefaultBand(t *testing.T) {
	t.Parallel()
	in := incident{events: []Event{event("a", 0, 1000*100*cent, 2)}, rows: []replay.Row{row(1, 0, 1000*100*cent), row(2, 900*ms, 1000*100*cent+100*cent)}}
	got := in.link(Config{HaveWorkers: true}, true)
	want := Band{Early: 1000 * ms, Late: 1000 * ms, Price: 100 * cent}
	if got.totals.Null != "default" || got.totals.Band != want || got.matches[2].Owner != "a" {
		t.Errorf("totals %+v, match %+v", got.totals, got.matches[2])
	}
}

// A widened search area, copies or not, must not invent copies.
func TestNoCopiesNoBand(t *testing.T) {
	t.Parallel()
	for seed := range seeds() {
		s := shape{events: 20_000, walk: seed%2 == 0, rate: 0.02, late: 50, price: 50}
		in := s.make(seed)
		for _, n := range in.copies { // far from every event in time: nobody's copies
			in.rows[n-1].Price *= 3
		}
		if got := in.band(t, true); got.Null != "none" || got.Reason == nil {
			t.Errorf("seed %d: %s %v", seed, got.Null, got.Band)
		}
	}
}

// In a burst on a walking market events of one attempt are no control, and no
// slid file is: the events of the burst are their own.
func TestBurstOnRandomWalk(t *testing.T) {
	t.Parallel()
	for seed := range seeds() {
		in := shape{events: 20_000, walk: true, burst: 500, late: 10, price: 50}.make(seed)
		l := in.link(Config{HaveWorkers: true}, true)
		a := in.score(l)
		if b := l.totals.Band; b.Late < 10*ms || b.Late > 15*ms || b.Early > 5*ms || b.Price > 75*cent || a.linking < 0.95 || float64(a.likelyRight) < 0.99*float64(a.likely) {
			t.Errorf("seed %d: %v within %s %v", seed, a, l.totals.Null, b)
		}
	}
}
