package journal_test

import (
	"fmt"

	"holdfast/internal/vfs"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

func ExampleOpen() {
	disk := vfs.NewCrash(1, 0) // vfs.OS{} outside of tests
	config := journal.Config{Session: "lab-42"}
	j, _, err := journal.Open(disk, "state/lab-42.journal", config)
	if err != nil {
		fmt.Println(err)
		return
	}
	lsn, err := j.Append(seq.Frame{Type: seq.FrameRequest, Request: seq.Range{First: 7, Count: 2, Try: 1}})
	if err == nil {
		err = j.Commit(lsn)
	}
	fmt.Println("frame", lsn, "is durable:", err == nil)
	disk.Cut() // the power fails
	j.Close()

	config.Replay = func(e journal.Entry) error {
		fmt.Println("frame", e.LSN, "asks for", e.Frame.Request.Count, "from", e.Frame.Request.First)
		return nil
	}
	j, recovery, err := journal.Open(disk, "state/lab-42.journal", config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer j.Close()
	fmt.Println("clean:", recovery.Clean, "damaged:", recovery.Damaged)
	// Output:
	// frame 1 is durable: true
	// frame 1 asks for 2 from 7
	// clean: false damaged: 0
}
