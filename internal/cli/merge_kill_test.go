package cli

import (
	"fmt"
	"os"
	"strconv"
	"testing"
)

// TestMergeKilled runs both workers as real processes and kills them with
// SIGKILL at random moments. The command itself compares output, messages and
// counts with those of a run without kills, and fails if they differ.
// HOLDFAST_SOAK=N makes N times as many kills.
func TestMergeKilled(t *testing.T) {
	t.Parallel()
	factor, err := strconv.Atoi(os.Getenv("HOLDFAST_SOAK"))
	if err != nil || factor < 1 {
		factor = 1
	}
	program := asHoldfast(t)
	a, b := drawLists(547, 10_000, 5000, 1000, 0)
	low, _ := drawLists(5, 900_000_000, 300, 0, 0)
	high, _ := drawLists(5, 900_000_000, 300, 0, 1_200_000_000)
	base, _ := drawLists(3, 100_000_000, 3000, 0, 1_000_000_000)
	kills := 0
	for seed := range 2 * factor {
		for i, c := range []struct {
			lists [2][]int32
			args  string
		}{
			{[2][]int32{a, b}, "--durability none"},
			{[2][]int32{a, b}, "--mailbox slot --confirm"},
			{[2][]int32{base, append(low, high...)}, "--confirm"}, // both write
		} {
			got, _ := runPair(t, program, c.lists, fmt.Sprintf("%s --processes --faults %d:35", c.args, 10*seed+i))
			if !got.Success || !got.Verified || got.Balance != 1 || got.Faults == nil {
				t.Errorf("seed %d, %s: %+v", seed, c.args, got)
				continue
			}
			kills += got.Faults.Kills
		}
	}
	if kills < 100*factor {
		t.Errorf("only %d kills hit", kills)
	}
	t.Logf("%d kills", kills)
}
