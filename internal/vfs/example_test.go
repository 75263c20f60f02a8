package vfs_test

import (
	"fmt"
	"os"
	"path/filepath"

	"holdfast/internal/vfs"
)

func ExampleSet() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	outputs := vfs.NewSet(vfs.OS{})
	defer outputs.Abort() // does nothing once Commit has succeeded
	for _, name := range []string{"findings.json", "timeline.csv"} {
		o, err := outputs.Create(filepath.Join(dir, name))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Fprintln(o, "contents of", name)
	}
	fmt.Println(outputs.Commit())
	// Output: <nil>
}
