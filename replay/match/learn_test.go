package match

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"holdfast/replay/tick"
)

// The bins of an axis hold each multiple of the unit once.
func TestAxis(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lo := -rapid.Int64Range(0, 200).Draw(t, "early")
		hi := rapid.Int64Range(0, 200).Draw(t, "late")
		unit := rapid.Int64Range(1, 30).Draw(t, "unit")
		a := newAxis(lo, hi, unit, rapid.IntRange(1, 64).Draw(t, "bins"))
		points := make([]uint64, len(a.points))
		for v := lo; v <= hi; v++ {
			if b := a.bin(v); v%unit == 0 {
				points[b]++
			}
		}
		for i, n := range points {
			if n != a.points[i] {
				t.Fatalf("bin %d has %d multiples of %d in [%d, %d], not %d", i, n, unit, lo, hi, a.points[i])
			}
		}
	})
}

// A fitted model is a probability distribution over the multiples in the band.
func TestResidualsSumToOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := Band{Early: tick.Nanos(rapid.Int64Range(0, 40).Draw(t, "early")), Late: tick.Nanos(rapid.Int64Range(0, 40).Draw(t, "late")), Price: tick.Price(rapid.Int64Range(0, 40).Draw(t, "price"))}
		r := newResiduals(b, 1, 1, rapid.IntRange(1, 20).Draw(t, "bins"))
		n := r.newTally()
		for range rapid.IntRange(0, 50).Draw(t, "rows") {
			dt := rapid.Int64Range(-int64(b.Early), int64(b.Late)).Draw(t, "dt")
			dp := rapid.Int64Range(-int64(b.Price), int64(b.Price)).Draw(t, "dp")
			r.add(&n, r.cell(dt, dp), rapid.Uint64Range(0, one).Draw(t, "weight"))
		}
		r.fit(n)
		sum, room := 0.0, 0.0
		for dt := -int64(b.Early); dt <= int64(b.Late); dt++ {
			for dp := -int64(b.Price); dp <= int64(b.Price); dp++ {
				sum += math.Exp(-float64(r.table[r.cell(dt, dp)]) / 1000)
				room++
			}
		}
		if sum > 1.01 || sum < 0.99 {
			t.Fatalf("probabilities over %v cells sum to %v", room, sum)
		}
	})
}

// Learning finds the residuals that rows have, although half of the candidates
// are other events.
func TestLearnedDensity(t *testing.T) {
	t.Parallel()
	l := learner{of: 400, free: [slotKinds]int64{extraSlot: 800}, learnPrior: true}
	for i := range int64(400) {
		l.rows = append(l.rows, []observation{
			{dt: 3 + i%3, slot: extraSlot, place: place{class: unknown}},
			{dt: (i*7)%41 - 20, slot: furtherSlot, place: place{class: unknown}},
		})
	}
	l.prepare(Band{Early: 20, Late: 20})
	rounds := l.learn()
	at := func(dt int64) cost { return l.m.residuals.table[l.m.residuals.cell(dt, 0)] }
	if at(4) >= at(-4) || at(4) > 2000 || rounds > maxRounds {
		t.Errorf("after %d rounds a residual of 4 costs %d, of -4 %d", rounds, at(4), at(-4))
	}
	if c := l.m.prior[extraSlot]; c < 600 || c > 800 {
		t.Errorf("an extra slot that every second event uses costs %d, want ln 2", c)
	}
}

// Slots never get cheaper, and there are as many as the supply says.
func TestSlotCosts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := prior{
			cost(rapid.Int64Range(0, 9000).Draw(t, "canonical")), cost(rapid.Int64Range(0, 9000).Draw(t, "extra")), furtherCost,
		}
		s := supply{rapid.IntRange(0, 3).Draw(t, "canonical"), rapid.IntRange(0, 3).Draw(t, "extra")}
		last, left := cost(0), s
		for k := range 8 {
			c := p.nth(s, k)
			if c < last || c < p[left.first()] {
				t.Fatalf("slot %d of %+v costs %d after %d, its kind %d", k, s, c, last, p[left.first()])
			}
			last = c
			left.take()
		}
		if left.limited() != 0 {
			t.Fatalf("%+v has slots left after eight rows", left)
		}
	})
}

func TestSupply(t *testing.T) {
	t.Parallel()
	e := event("a", 0, 1, 3)
	for _, test := range []struct {
		exact   int
		workers bool
		want    supply
	}{{0, true, supply{1, 2}}, {1, true, supply{0, 2}}, {0, false, supply{1, 1}}, {1, false, supply{0, 1}}} {
		e.Exact = test.exact
		if got := supplyOf(&e, test.workers); got != test.want {
			t.Errorf("%d exact rows, workers %v: %+v, want %+v", test.exact, test.workers, got, test.want)
		}
	}
}

func TestSampleDependsOnNothingButItsThings(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		things := rapid.SliceOfN(rapid.Int64Range(0, 50), 0, 60).Draw(t, "things")
		sample := func(things []int64) map[int64]int {
			s := newSampler[int64](10)
			for _, x := range things {
				s.add(valueHash("", x, 0, 0), x)
			}
			if len(s.kept) > 10 || s.seen != int64(len(things)) {
				t.Fatalf("%d kept of %d", len(s.kept), s.seen)
			}
			count := make(map[int64]int)
			for _, x := range s.kept {
				count[x]++
			}
			return count
		}
		a, b := sample(things), sample(rapid.Permutation(things).Draw(t, "shuffled"))
		for x := range int64(51) {
			if a[x] != b[x] {
				t.Fatalf("%d is kept %d times, and %d times in another order", x, a[x], b[x])
			}
		}
	})
}
