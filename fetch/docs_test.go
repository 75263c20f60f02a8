package fetch_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"holdfast/fetch/retry"
)

var update = flag.Bool("update", false, "rewrite generated files")

// TestDocs keeps the table in docs/fetch.md that of the code.
func TestDocs(t *testing.T) {
	t.Parallel()
	const path, begin, end = "../docs/fetch.md", "<!-- table -->\n", "<!-- end -->"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table", path)
	}
	var b strings.Builder
	b.WriteString("| | what happened | event | spec | smart | because |\n| ---: | --- | --- | --- | --- | --- |\n")
	for _, r := range retry.Table() {
		smart := fmt.Sprint(r.Smart)
		if r.Note != "" {
			smart += ", " + r.Note
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %v | %s | %s |\n", r.Number, r.What, r.Event, r.Spec, smart, r.Why)
	}
	want := before + begin + b.String() + end + after
	if string(text) == want {
		return
	}
	if !*update {
		t.Fatalf("%s does not have the table of the code: go test ./fetch -run TestDocs -update", path)
	}
	if err := os.WriteFile(path, []byte(want), 0o666); err != nil {
		t.Fatal(err)
	}
}
