package runner

import (
	"os"
	"strconv"
	"testing"
)

// soak is how much of a random test is run: n, less with -short, more with
// HOLDFAST_SOAK=FACTOR.
func soak(n int) int {
	factor, err := strconv.Atoi(os.Getenv("HOLDFAST_SOAK"))
	if err == nil && factor > 0 {
		return n * factor
	}
	if testing.Short() {
		return max(1, n/10)
	}
	return n
}
