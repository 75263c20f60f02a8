package cli

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite what is made from other files")

// TestMergeHelp keeps `holdfast help merge` the same text as docs/merge.md; a
// program can only embed files of its own folder.
func TestMergeHelp(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/merge.md")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("merge.md", doc, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(doc) != mergeHelp {
		t.Error("docs/merge.md and internal/cli/merge.md differ: go test ./internal/cli -run TestMergeHelp -update")
	}
}
