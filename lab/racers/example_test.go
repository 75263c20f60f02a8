package racers_test

import (
	"fmt"

	"holdfast/lab/racers"
	"holdfast/replay/whatif"
)

func ExampleRun() {
	p, _ := racers.Preset("dmr2025", 1, 0)
	safeguard, _ := whatif.ParseSafeguard("in-flight-set")
	for _, s := range []racers.Safeguard{{}, safeguard} {
		totals := racers.Run(p, s, func(racers.Fact) {})
		fmt.Println(totals.Rows, "rows,", totals.Duplicates, "of them duplicates")
	}
	// Output:
	// 70250 rows, 250 of them duplicates
	// 70000 rows, 0 of them duplicates
}
