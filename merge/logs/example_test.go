package logs_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"holdfast/merge/logs"
)

func Example() {
	dir, err := os.MkdirTemp("", "logs")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	var files []string
	for i, text := range []string{
		"at,what\n2025-07-14T09:15:00Z,open\n2025-07-14T15:30:00Z,close\n",
		"at,what\n2025-07-14T12:00:00+02:00,trade\n",
	} {
		files = append(files, filepath.Join(dir, fmt.Sprintf("%d.csv", i)))
		if err := os.WriteFile(files[i], []byte(text), 0o666); err != nil {
			fmt.Println(err)
			return
		}
	}
	r, err := logs.Merge(context.Background(), logs.Config{Files: files, By: "at", Out: "-", Stdout: os.Stdout})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Records, "records by", r.KeyType)
	// Output:
	// at,what
	// 2025-07-14T09:15:00Z,open
	// 2025-07-14T12:00:00+02:00,trade
	// 2025-07-14T15:30:00Z,close
	// 3 records by time
}
