package match

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"holdfast/replay"
	"holdfast/replay/tick"
)

func event(id string, at tick.Nanos, price tick.Price, attempts int) Event {
	e := Event{IDs: []string{id}, Symbol: "TCS", Time: at, Price: price, Counts: []int{attempts}}
	for i := range attempts {
		e.Attempts = append(e.Attempts, replay.Attempt{Event: id, Start: at, End: at + tick.Nanos(i+5)*ms, Status: replay.StatusSuccess, Lines: 1})
	}
	return e
}

func row(n int64, at tick.Nanos, price tick.Price) replay.Row {
	return replay.Row{N: n, Symbol: "TCS", Time: at, Price: price}
}

func TestExactSet(t *testing.T) {
	t.Parallel()
	in := incident{
		events: []Event{event("b", 0, 100, 2), event("a", 0, 100, 1), event("c", 5, 100, 1)},
		rows:   []replay.Row{row(1, 0, 100), row(2, 0, 100), row(3, 0, 100), row(4, 9, 1)},
	}
	var events []Event
	var owners []string
	var left []int64
	Exact(slices.Values(in.items()), func(g Group) {
		events = append(events, g.Events...)
		for _, m := range g.Matched {
			owners = append(owners, m.Owner)
			if !m.Exact || !m.Canonical || m.Label != replay.Certain || !slices.Equal(m.IDs, []string{"a", "b"}) {
				t.Errorf("match %+v is not a certain canonical row of a|b", m)
			}
		}
		for _, r := range g.Leftover {
			left = append(left, r.N)
		}
	})
	if d := cmp.Diff([]string{"a", "b"}, owners); d != "" {
		t.Errorf("owners (-want +got)\n%s", d)
	}
	if d := cmp.Diff([]int64{3, 4}, left); d != "" {
		t.Errorf("leftover rows (-want +got)\n%s", d)
	}
	if len(events) != 2 {
		t.Fatalf("%d events, want the set and c", len(events))
	}
	set := events[0]
	if d := cmp.Diff([]int{1, 2}, set.Counts); d != "" || set.Exact != 2 || set.FirstRow != 1 || len(set.Attempts) != 3 || set.Attempts[0].Event != "a" {
		t.Errorf("set %+v: counts (-want +got)\n%s", set, d)
	}
}

// A value that a whole file repeats comes in pieces.
func TestExactLongRun(t *testing.T) {
	t.Parallel()
	var in incident
	for n := range int64(3*groupRows + 7) {
		in.rows = append(in.rows, row(n+1, 0, 100))
	}
	in.events = []Event{event("a", 0, 100, 1)}
	rows, events, largest := 0, 0, 0
	Exact(slices.Values(in.items()), func(g Group) {
		rows += len(g.Matched) + len(g.Leftover)
		events += len(g.Events)
		largest = max(largest, len(g.Matched)+len(g.Leftover))
	})
	if rows != len(in.rows) || events != 1 || largest > groupRows {
		t.Errorf("%d rows, %d events, %d rows in the largest group", rows, events, largest)
	}
}

// The pass against counting: min(r, m) of every value's rows are matched.
func TestExactIsMultiset(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawIncident(t, 12, 4)
		type counts struct{ events, rows int }
		values := make(map[value]counts)
		for _, it := range in.items() {
			c := values[valueOf(it)]
			if it.Event != nil {
				c.events++
			} else {
				c.rows++
			}
			values[valueOf(it)] = c
		}
		seen := make(map[int64]int)
		owners := make(map[string]int)
		matched := make(map[value]int)
		Exact(slices.Values(in.items()), func(g Group) {
			for _, m := range g.Matched {
				matched[value{m.Row.Symbol, m.Row.Time, m.Row.Price}]++
				seen[m.Row.N]++
				owners[m.Owner]++
			}
			for _, r := range g.Leftover {
				seen[r.N]++
			}
		})
		for v, c := range values {
			if matched[v] != min(c.events, c.rows) {
				t.Fatalf("%v: %d of %d rows matched to %d events", v, matched[v], c.rows, c.events)
			}
		}
		for n, k := range seen {
			if k != 1 {
				t.Fatalf("row %d was given out %d times", n, k)
			}
		}
		if len(seen) != len(in.rows) {
			t.Fatalf("%d of %d rows given out", len(seen), len(in.rows))
		}
		for id, k := range owners {
			if k != 1 {
				t.Fatalf("event %s has %d exact rows", id, k)
			}
		}
	})
}

// drawIncident makes a crowded little file: few distinct times and prices, so
// that equal values, ties and rivals are common.
func drawIncident(t *rapid.T, most int, span int64) incident {
	var in incident
	for i := range rapid.IntRange(0, most).Draw(t, "events") {
		e := event(string(rune('a'+i%26))+string(rune('a'+i/26)), tick.Nanos(rapid.Int64Range(0, span).Draw(t, "time"))*ms,
			tick.Price(rapid.Int64Range(0, 3).Draw(t, "price"))*cent, rapid.IntRange(0, 3).Draw(t, "attempts"))
		e.Symbol = rapid.SampledFrom([]string{"A", "B"}).Draw(t, "symbol")
		in.events = append(in.events, e)
	}
	for i := range rapid.IntRange(0, most).Draw(t, "rows") {
		r := row(int64(i+1), tick.Nanos(rapid.Int64Range(0, span).Draw(t, "time"))*ms, tick.Price(rapid.Int64Range(0, 3).Draw(t, "price"))*cent)
		r.Symbol = rapid.SampledFrom([]string{"A", "B"}).Draw(t, "symbol")
		in.rows = append(in.rows, r)
	}
	return in
}
