package report_test

import (
	"fmt"
	"os"

	"holdfast/replay"
	"holdfast/replay/report"
	"holdfast/replay/tick"
)

// One duplicate, told in words.
func ExampleStory() {
	const at = tick.Nanos(1752484502_060_000_000)
	c := replay.EventCase{
		Event: replay.Event{ID: "evt_0000412", Time: at, Symbol: "INFY", Price: 1502_150_000_000},
		Attempts: []replay.Attempt{
			{Worker: "worker-3", Start: at, End: at + 9_000_000, Status: replay.StatusSuccess},
			{Worker: "worker-1", Start: at, End: at + 4_000_000, Status: replay.StatusSuccess},
		},
		Rows: []replay.Match{{Row: replay.Row{N: 413}, Exact: true, Canonical: true}, {Row: replay.Row{N: 414}}},
	}
	d := replay.Duplicate{
		Row: c.Rows[1].Row, CanonicalRow: 413, TimeShift: 7_000_000, PriceShift: -120_000_000,
		Cause: replay.ConcurrentDoubleClaim, Grade: replay.Proved, Attempts: []int{1, 2}, Removed: true,
	}
	fmt.Println(report.Story(&c, &d))
	// Output:
	// evt_0000412 (INFY, 1502.15) was claimed by worker-3 and worker-1 at the same instant, 09:15:02.060; worker-1 finished after 4 ms, worker-3 after 9 ms, and both wrote. Row 413 is the event's own row; row 414 is a copy 7 ms later and 0.12 cheaper. Proved, if the worker log is complete. A sink that refuses a second evt_0000412 would have stopped it; a lease would not.
}

// A table is written record by record.
func ExampleNewAnalysis() {
	table := report.NewAnalysis(os.Stdout, report.CSVOptions{Required: true})
	table.Write(replay.Analysis{Symbol: "TCS", Timestamp: "2025-07-14T09:15:00Z", Occurrences: 2, PriceMin: 100_000_000_000, PriceMax: 100_200_000_000})
	table.Flush()
	// Output:
	// symbol,timestamp,occurrences,price_shift
	// TCS,2025-07-14T09:15:00Z,2,0.2
}
