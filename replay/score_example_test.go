package replay_test

import (
	"fmt"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// An output holds a tick twice, the second time 3 ms later. Somebody finds the
// copy and removes it, but is not sure why it was written.
func ExampleScore() {
	at := func(ms, cents int64) replay.Values {
		return replay.Values{Symbol: "TCS", Time: tick.Nanos(ms) * 1e6, Price: tick.Price(cents) * tick.Scale / 100}
	}
	row := func(n int64, v replay.Values) replay.Row {
		return replay.Row{N: n, Symbol: v.Symbol, Time: v.Time, Price: v.Price}
	}
	tick1, copy1 := at(0, 10000), at(3, 10010)
	in := replay.Incident{
		Events: []replay.Event{{ID: "evt_1", Symbol: "TCS", Time: tick1.Time, Price: tick1.Price}},
		Rows:   []replay.Row{row(1, tick1), row(2, copy1)},
	}
	truth := replay.Truth{Preset: "example", Rows: []replay.TruthRow{
		{Row: 1, Event: "evt_1"},
		{Row: 2, Event: "evt_1", Duplicate: true, Canonical: 1, Cause: "short-lease"},
	}}
	answer := replay.Answer{
		RowsIn: 2,
		Claims: []replay.Claim{{
			Row: 2, Values: copy1, Events: []string{"evt_1"}, Canonical: 1,
			Cause: "short-lease", Alternatives: []string{"hedged-attempt"}, Label: replay.Certain,
		}},
		Removed: []int64{2},
		Kept:    []replay.Values{tick1},
	}
	r, err := replay.Score(in, truth, answer)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("f1", r.Detection.F1, "linking", r.Linking.Accuracy, "cause", r.Cause.Credit)
	fmt.Println("key-last removes", r.Baselines["key-last"].Removed)
	// Output:
	// f1 1.000 linking 1.000 cause 0.500
	// key-last removes 0
}
