package merge

import (
	"errors"
	"math/rand/v2"
	"slices"
)

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func sortedCopy(v []int32) []int32 { return slices.Sorted(slices.Values(v)) }

// checkRefused checks that a run ended because of a shared value.
func checkRefused(t interface {
	Helper()
	Fatalf(string, ...any)
}, err error, value int32) {
	t.Helper()
	var duplicate *DuplicateError
	if !errors.As(err, &duplicate) || duplicate.Value != value {
		t.Fatalf("error %v, want that %d is in both lists", err, value)
	}
}
