package match_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"holdfast/lab/racers"
	"holdfast/replay"
	"holdfast/replay/match"
)

// incident is a preset as the files would tell it, with the truth beside it.
type incident struct {
	events []match.Event
	rows   []replay.Row
	truth  []racers.Row // by N-1
}

// run makes a preset.
func run(t *testing.T, preset string, seed uint64) incident {
	t.Helper()
	p, err := racers.Preset(preset, seed, 0)
	if err != nil {
		t.Fatal(err)
	}
	var in incident
	attempts := map[int64][]replay.Attempt{}
	racers.Run(p, racers.Safeguard{}, func(f racers.Fact) {
		switch f.Kind {
		case racers.EventFact:
			e := f.Event
			in.events = append(in.events, match.Event{IDs: []string{racers.EventID(e.Number)}, Symbol: e.Symbol, Time: e.Time, Price: e.Price})
		case racers.AttemptFact:
			a := f.Attempt
			status := replay.StatusTimeout
			if a.Success {
				status = replay.StatusSuccess
			}
			attempts[a.Event] = append(attempts[a.Event], replay.Attempt{
				Event: racers.EventID(a.Event), Worker: a.Worker, Start: a.LogStart, End: a.LogEnd, Open: a.Open, Status: status, Lines: 1,
			})
		case racers.RowFact:
			r := f.Row
			in.rows = append(in.rows, replay.Row{N: r.N, Symbol: r.Symbol, Time: r.Time, Price: r.Price})
			in.truth = append(in.truth, r)
		}
	})
	for i := range in.events {
		e := &in.events[i]
		e.Attempts = attempts[int64(i)]
		e.Counts = []int{len(e.Attempts)}
	}
	return in
}

// items merges events and rows in the order of the exact pass.
func items(events []match.Event, rows []match.Row) []match.Item {
	var all []match.Item
	for i := range events {
		all = append(all, match.Item{Event: &events[i]})
	}
	for i := range rows {
		all = append(all, match.Item{Row: &rows[i]})
	}
	slices.SortStableFunc(all, func(a, b match.Item) int { // events stay before rows, rows in N order
		x, y := place(a), place(b)
		if x.Symbol == y.Symbol && x.Time != y.Time {
			return cmp.Compare(x.Time, y.Time)
		}
		return cmp.Or(cmp.Compare(x.Symbol, y.Symbol), cmp.Compare(x.Price, y.Price))
	})
	return all
}

func place(it match.Item) replay.Row {
	if it.Event != nil {
		return replay.Row{Symbol: it.Event.Symbol, Time: it.Event.Time, Price: it.Event.Price}
	}
	return it.Row.Row
}

// link is the whole of the package in the order in which an audit runs it.
func (in incident) link(t *testing.T) (map[int64]replay.Match, match.Totals) {
	t.Helper()
	found := map[int64]replay.Match{}
	emit := func(m replay.Match) { found[m.Row.N] = m }
	var rows, left, located []match.Row
	for _, r := range in.rows {
		rows = append(rows, match.Row{Row: r})
	}
	var events []match.Event
	var anchors []match.Anchor
	match.Exact(slices.Values(items(in.events, rows)), func(g match.Group) {
		for _, e := range g.Events {
			events = append(events, e)
			if a, ok := match.AnchorOf(e); ok {
				anchors = append(anchors, a)
			}
		}
		for _, m := range g.Matched {
			emit(m)
		}
		left = append(left, g.Leftover...)
	})
	slices.SortFunc(anchors, func(a, b match.Anchor) int { return cmp.Compare(a.N, b.N) })
	slices.SortFunc(left, func(a, b match.Row) int { return cmp.Compare(a.N, b.N) })
	clock := match.NewClock(slices.Values(anchors))
	clock.Locate(slices.Values(left), func(r match.Row) { located = append(located, r) })
	totals, err := match.Link(slices.Values(items(events, located)), match.Config{Clock: clock, HaveWorkers: true}, emit)
	if err != nil {
		t.Fatal(err)
	}
	return found, totals
}

// The floors of R93 for linking, over the presets themselves. Linking is over all
// rows; rows that are copies have floors of their own.
func TestPresets(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		preset  string
		linking float64 // of all rows
		copies  float64 // of the copies
		likely  float64 // share of the copies that are likely or better
	}{
		{"dmr2025", 1, 1, 1},
		{"zombie", 0.99, 0.99, 0.99},
		{"ack-lost", 0.99, 0.99, 0.99},
		{"lease-short", 0.99, 0.99, 0.99},
		{"replay-burst", 0.99, 0.99, 0.99},
		{"skewed-clocks", 0.99, 0.99, 0.99},
		{"dense-walk", 0.90, 0.95, 0.80},
		{"mixed", 0.97, 0.97, 0.95},
		{"clean", 1, 1, 1},
	} {
		t.Run(test.preset, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(3) {
				if testing.Short() && seed > 0 {
					break
				}
				in := run(t, test.preset, seed)
				found, totals := in.link(t)
				s := in.score(found)
				t.Logf("seed %d: %+v within %s %v, %d orphans, %d rescued %v", seed, s, totals.Null, totals.Band, totals.Orphans, totals.Rescued, totals.Notes)
				if s.linking() < test.linking || s.right < int(test.copies*float64(s.copies)) ||
					float64(s.likely) < test.likely*float64(s.copies) || float64(s.likelyRight) < 0.99*float64(s.likely) {
					t.Errorf("seed %d: %+v, totals %+v", seed, s, totals)
				}
				if test.preset == "dmr2025" && s.certain < 249 {
					t.Errorf("seed %d: %d of 250 copies are certain", seed, s.certain)
				}
			}
		})
	}
}

type score struct {
	rows, linked                                int
	copies, right, certain, likely, likelyRight int
}

func (s score) linking() float64 { return float64(s.linked) / float64(s.rows) }

// score counts copies other than those under a second id, which are no copies to
// a matcher.
func (in incident) score(found map[int64]replay.Match) score {
	var s score
	for _, r := range in.truth {
		m := found[r.N]
		right := slices.Contains(m.IDs, racers.EventID(r.Event))
		s.rows++
		if right {
			s.linked++
		}
		if !r.Duplicate || strings.HasPrefix(r.Cause, "source-") {
			continue
		}
		s.copies++
		if right {
			s.right++
		}
		if m.Label == replay.Certain {
			s.certain++
		}
		if m.Label >= replay.Likely {
			s.likely++
			if right {
				s.likelyRight++
			}
		}
	}
	return s
}

// The twins of R83 source-double, and none where there are none.
func TestPresetTwins(t *testing.T) {
	t.Parallel()
	for _, preset := range []string{"source-double", "clean", "dense-walk"} {
		t.Run(preset, func(t *testing.T) {
			t.Parallel()
			in := run(t, preset, 1)
			want := map[string]bool{}
			for _, r := range in.truth {
				if strings.HasPrefix(r.Cause, "source-") {
					want[racers.EventID(r.Event)] = true
				}
			}
			right, wrong := 0, 0
			sorted := func(yield func(match.Event) bool) {
				for _, it := range items(in.events, nil) {
					if !yield(*it.Event) {
						return
					}
				}
			}
			totals, err := match.Twins(sorted, match.TwinConfig{}, func(_, later match.Event) {
				if want[later.IDs[0]] {
					right++
				} else {
					wrong++
				}
			})
			t.Logf("%d of %d twins, %d wrong, within %v", right, len(want), wrong, totals.Band)
			if err != nil || right < len(want)*95/100 || wrong > len(want)/50 {
				t.Errorf("%d of %d twins, %d wrong, totals %+v, %v", right, len(want), wrong, totals, err)
			}
		})
	}
}
