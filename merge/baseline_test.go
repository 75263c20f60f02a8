package merge

import (
	"testing"

	"pgregory.net/rapid"
)

func TestBaselines(t *testing.T) {
	for _, s := range []Strategy{Naive, Range, Exchange} {
		a, b := drawn(547, 5000, 1000, 100_000)
		m, res := runPair(t, Config{Strategy: s}, a, b, nil)
		t.Log(s, res, kinds(m)[:20])
	}
}

func TestBaselineProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Config{Strategy: Strategy(rapid.IntRange(1, 3).Draw(t, "strategy")), Confirm: rapid.Bool().Draw(t, "confirm"), Duplicates: Dup(rapid.IntRange(0, 2).Draw(t, "duplicates"))}
		l := drawLists(t, c.Duplicates == Strict)
		checkOutcome(t, c, l, schedules(t))
	})
}
