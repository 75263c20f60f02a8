package incident_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"holdfast/lab/incident"
	"holdfast/lab/racers"
)

func Example() {
	dir, err := os.MkdirTemp("", "incident")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	p, _ := racers.Preset("ack-lost", 1, 2000)
	report, err := incident.Write(context.Background(), dir, p, incident.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Rows, "rows,", report.Duplicates, "duplicates")

	truth, err := incident.ReadTruth(filepath.Clean(dir))
	if err != nil {
		panic(err)
	}
	for _, r := range truth.Rows {
		if r.Duplicate {
			fmt.Println("row", r.Row, "repeats row", r.Canonical, "because of", r.Cause)
			break
		}
	}
	// Output:
	// 2010 rows, 10 duplicates
	// row 423 repeats row 324 because of retry-after-success
}
