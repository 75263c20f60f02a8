package replay_test

import (
	"fmt"

	"holdfast/replay"
	"holdfast/replay/tick"
)

func at(text string) tick.Nanos {
	n, _, err := tick.ParseTime([]byte(text), tick.Zone{})
	if err != nil {
		panic(err)
	}
	return n
}

// Two workers claimed the same event at the same instant, and both wrote.
func ExampleClassify() {
	event := replay.Event{ID: "evt_0000412", Symbol: "INFY", Time: at("2025-07-14T09:15:02.060Z"), Price: 1502_150_000_000}
	own := replay.Row{N: 413, Symbol: "INFY", Time: event.Time, Price: event.Price}
	copied := replay.Row{N: 414, Symbol: "INFY", Time: at("2025-07-14T09:15:02.067Z"), Price: 1502_030_000_000}
	c := replay.EventCase{
		Event: event,
		Attempts: replay.CleanAttempts([]replay.Attempt{
			{Event: event.ID, Worker: "worker-3", Start: event.Time, End: at("2025-07-14T09:15:02.069Z"), Status: replay.StatusSuccess},
			{Event: event.ID, Worker: "worker-1", Start: event.Time, End: at("2025-07-14T09:15:02.064Z"), Status: replay.StatusSuccess},
		}),
		Rows: []replay.Match{
			{Row: own, IDs: []string{event.ID}, Owner: event.ID, Label: replay.Certain, Exact: true, Canonical: true, Posterior: 1},
			{Row: copied, IDs: []string{event.ID}, Owner: event.ID, Label: replay.Certain, Posterior: 1},
		},
	}
	p := replay.Survey(replay.Streams{}, replay.Options{CommitOrder: true})
	f := replay.Classify(c, &p)
	for _, d := range f.Duplicates {
		fmt.Printf("row %d copies row %d: %s (%s): %s\n", d.Row.N, d.CanonicalRow, d.Cause, d.Grade, d.Evidence)
	}
	for _, e := range f.Timeline {
		fmt.Println(e.Worker, e.Kind, e.FateText(), e.Rows)
	}
	// Output:
	// row 414 copies row 413: concurrent-double-claim (proved): start gap 0 ms, overlap 4 ms
	// worker-1 first emitted [413]
	// worker-3 overlapping emitted [414]
}

func ExampleDedupe() {
	rows := []replay.Match{
		{Row: replay.Row{N: 7, Price: 100_000_000_000}},
		{Row: replay.Row{N: 9, Price: 100_200_000_000}},
	}
	groups := func(yield func(replay.Group) bool) { yield(replay.Group{By: replay.ByKey, Rows: rows}) }
	for d := range replay.Dedupe(groups, replay.KeepMean) {
		if d.Removed {
			fmt.Println("remove row", d.Row, "for row", d.KeptRow)
		} else {
			fmt.Println("row", d.Row, "gets the price", d.Price)
		}
	}
	// Output:
	// remove row 7 for row 9
	// row 9 gets the price 100.1
}
