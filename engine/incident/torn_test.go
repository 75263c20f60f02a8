package incident

import (
	"os"
	"path/filepath"
	"testing"

	"holdfast/engine/incident/plan"
)

// TestTornRow: what a kill has left of a row is taken out by the next writer, or
// is not read, wherever it was cut.
func TestTornRow(t *testing.T) {
	t.Parallel()
	tick := plan.Plan{Seed: 1, Events: 1}.Tick(0)
	row := string(appendRow(nil, tick, 1, "worker-1", 5))
	for cut := range len(row) + 1 {
		dir := t.TempDir()
		path := filepath.Join(dir, rowsLog)
		if err := os.WriteFile(path, []byte(row+row[:cut]), 0o666); err != nil {
			t.Fatal(err)
		}
		had := 1
		if cut == len(row) {
			had = 2
		}
		text, err := os.ReadFile(path)
		if rows, err2 := parseRows(text); err != nil || err2 != nil || len(rows) != had {
			t.Fatalf("cut at %d: %d rows, %v, %v", cut, len(rows), err, err2)
		}
		f, err := openLog(dir, rowsLog)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (fileSink{f}).write(t.Context(), tick.ID(), 2, []byte(row)); err != nil {
			t.Fatal(err)
		}
		f.Close()
		text, err = os.ReadFile(path)
		if rows, err2 := parseRows(text); err != nil || err2 != nil || len(rows) != had+1 {
			t.Errorf("cut at %d: %q, %v, %v", cut, text, err, err2)
		}
	}
}
