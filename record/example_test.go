package record_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"holdfast/lab/lossy"
	"holdfast/record"
)

// A source that loses, repeats, damages and delays packets, recorded in one
// process.
func ExampleNewLogger() {
	dir, err := os.MkdirTemp("", "record")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	lab := lossy.Default(42)
	lab.TotalPackets, lab.TerminationProb, lab.StateDir = 100, 0, dir
	src, err := lossy.New(lab)
	if err != nil {
		fmt.Println(err)
		return
	}
	c := record.Config{Session: "lab-42", StateDir: dir}
	c.Policy.Window = uint64(lab.ReorderWindow)
	logger, err := record.NewLogger(src, filepath.Join(dir, "events.log"), c)
	if err != nil {
		fmt.Println(err)
		return
	}
	stats, err := logger.Run(context.Background())
	fmt.Println(stats.PacketsWritten, stats.Inversions, stats.FinalBufferSize, err)
	// Output: 96 0 0 <nil>
}
