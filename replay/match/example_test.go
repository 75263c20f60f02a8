package match_test

import (
	"fmt"
	"slices"

	"holdfast/replay"
	"holdfast/replay/match"
	"holdfast/replay/tick"
)

// An event that two workers processed, and its two rows: the second is 7 ms late
// and 0.12 cheaper.
func ExampleLink() {
	const ms = 1_000_000
	price := tick.Price(1502_150_000_000)
	event := match.Event{
		IDs: []string{"evt_0000412"}, Symbol: "INFY", Price: price,
		Attempts: []replay.Attempt{
			{Event: "evt_0000412", Worker: "worker-1", End: 4 * ms, Status: replay.StatusSuccess},
			{Event: "evt_0000412", Worker: "worker-3", End: 9 * ms, Status: replay.StatusSuccess},
		},
		Counts: []int{2},
	}
	own := match.Row{Row: replay.Row{N: 413, Symbol: "INFY", Price: price}}
	dup := match.Row{Row: replay.Row{N: 414, Symbol: "INFY", Time: 7 * ms, Price: price - 120_000_000}}

	print := func(m replay.Match) {
		fmt.Println("row", m.Row.N, "is", m.Owner, "canonical", m.Canonical, "certain", m.Label == replay.Certain)
	}
	var rest []match.Item
	match.Exact(slices.Values([]match.Item{{Event: &event}, {Row: &own}, {Row: &dup}}), func(g match.Group) {
		for i := range g.Events {
			rest = append(rest, match.Item{Event: &g.Events[i]})
		}
		for _, m := range g.Matched {
			print(m)
		}
		for i := range g.Leftover {
			rest = append(rest, match.Item{Row: &g.Leftover[i]})
		}
	})
	tolerance, _ := match.ParseTolerance("-0ms/+10ms,0.50")
	totals, _ := match.Link(slices.Values(rest), match.Config{Tolerance: tolerance, HaveWorkers: true}, print)
	fmt.Println(totals.Certain, "certain within", totals.Band)
	// Output:
	// row 413 is evt_0000412 canonical true certain true
	// row 414 is evt_0000412 canonical false certain true
	// 1 certain within -0s/+10ms,0.5
}

func ExampleParseTolerance() {
	for _, s := range []string{"10ms,0.50", "-0ms/+10ms,0.50", "10"} {
		t, err := match.ParseTolerance(s)
		fmt.Println(t.Band, err)
	}
	// Output:
	// -10ms/+10ms,0.5 <nil>
	// -0s/+10ms,0.5 <nil>
	// -0s/+0s,0 tolerance "10": no comma: write auto, D,P or -E/+L,P as in 10ms,0.50
}
