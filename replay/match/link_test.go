package match

import (
	"testing"

	"holdfast/replay"
)

// The presets of R82 and R83 (shapes of them), with the floors of R93.
func TestLinkingFloors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		shape    shape
		linking  float64
		likely   float64 // share of the copies that are likely or better
		right    float64 // of these
		certain  int
		position bool
	}{
		{"dmr2025", shape{events: 70_000, count: 250, late: 10, price: 50}, 1, 1, 1, 249, true},
		{"dmr2025 position off", shape{events: 70_000, count: 250, late: 10, price: 50}, 1, 1, 1, 249, false},
		{"no worker log", shape{events: 70_000, count: 250, late: 10, price: 50, noLog: true}, 1, 1, 1, 245, true},
		{"retries", shape{events: 20_000, rate: 0.01, late: 10, price: 50, retries: true}, 0.99, 0.99, 0.99, 100, true},
		{"sink writes twice", shape{events: 20_000, rate: 0.005, late: 10, price: 50, once: true}, 0.98, 0.98, 0.99, 70, true},
		{"small", shape{events: 1_000, rate: 0.05, late: 10, price: 50}, 0.97, 0.95, 0.99, 30, true},
		{"burst", shape{events: 20_000, burst: 500, late: 10, price: 50}, 0.99, 0.99, 0.99, 480, true},
		{"dense-walk", shape{events: 70_000, walk: true, rate: 0.05, late: 200, price: 50}, 0.99, 0.98, 0.99, 2500, true},
		{"dense-walk commit order", shape{events: 70_000, walk: true, rate: 0.05, late: 200, price: 50, order: "commit"}, 0.98, 0.97, 0.99, 2500, true},
		{"dense-walk position off", shape{events: 70_000, walk: true, rate: 0.05, late: 200, price: 50}, 0.90, 0.80, 0.99, 0, false},
		{"dense-walk shuffled", shape{events: 70_000, walk: true, rate: 0.05, late: 200, price: 50, order: "shuffled"}, 0.90, 0.80, 0.99, 0, true},
		{"dense-walk sorted by time", shape{events: 70_000, walk: true, rate: 0.05, late: 200, price: 50, order: "time"}, 0.90, 0.80, 0.99, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for seed := range seeds() {
				in := test.shape.make(seed)
				l := in.link(Config{HaveWorkers: !test.shape.noLog}, test.position)
				checkLinked(t, in, l)
				a := in.score(l)
				t.Logf("seed %d: %v, within %v", seed, a, l.totals.Band)
				if a.linking < test.linking || a.certain < test.certain ||
					float64(a.likely) < test.likely*float64(a.copies) || float64(a.likelyRight) < test.right*float64(a.likely) {
					t.Errorf("seed %d: %v, totals %+v", seed, a, l.totals)
				}
			}
		})
	}
}

// Row 45a of the test list: copies by one-attempt events on a random walk.
func TestFileOrderIsAClock(t *testing.T) {
	t.Parallel()
	s := shape{events: 70_000, walk: true, rate: 0.05, late: 200, price: 50, once: true, order: "commit"}
	c := Config{HaveWorkers: true, Tolerance: Tolerance{Given, Band{Late: 200 * ms, Price: 50 * cent}}}
	for seed := range seeds() {
		in := s.make(seed)
		on, off := in.score(in.link(c, true)), in.score(in.link(c, false))
		if on.linking < 0.95 || off.linking >= on.linking {
			t.Errorf("seed %d: %v, with position off %v", seed, on, off)
		}
		s := s
		s.order = "shuffled"
		in = s.make(seed)
		with, without := in.link(c, true), in.link(c, false)
		if len(with.totals.Notes) != 1 || with.totals.Notes[0] != noteShuffled || in.score(with) != in.score(without) {
			t.Errorf("seed %d, shuffled: %v, with position off %v, notes %v", seed, in.score(with), in.score(without), with.totals.Notes)
		}
	}
}

// Row 39 of the test list: every row doubled exactly.
func TestEveryRowDoubled(t *testing.T) {
	t.Parallel()
	in := shape{events: 5_000}.make(1)
	for _, r := range in.rows[:len(in.rows):len(in.rows)] {
		r.N += int64(len(in.events))
		in.rows = append(in.rows, r)
	}
	for _, workers := range []bool{true, false} {
		l := in.link(Config{HaveWorkers: workers}, true)
		checkLinked(t, in, l)
		removable := 0
		for _, m := range l.matches {
			if m.Covered && !m.Canonical && m.Label == replay.Certain {
				removable++
			}
		}
		if removable != len(in.events) {
			t.Errorf("workers %v: %d of %d extra rows can go, totals %+v", workers, removable, len(in.events), l.totals)
		}
	}
}

// Learning is worth its passes: what the residuals look like tells events apart
// that a flat band does not.
func TestLearnedResiduals(t *testing.T) {
	t.Parallel()
	b := Band{Early: 50 * ms, Late: 50 * ms, Price: 100 * cent}
	s := shape{events: 20_000, walk: true, rate: 0.05, late: 4, price: 3}
	in := s.make(3)
	learned := in.score(in.given(b, true))
	if learned.linking < 0.97 {
		t.Errorf("linking within a band ten times too wide: %v", learned)
	}
}

// Adjacency is a feature like the others, if it is asked for.
func TestAdjacency(t *testing.T) {
	t.Parallel()
	s := shape{events: 20_000, walk: true, rate: 0.05, late: 200, price: 50, once: true}
	in := s.make(5)
	c := Config{HaveWorkers: true, Tolerance: Tolerance{Given, Band{Late: 200 * ms, Price: 50 * cent}}}
	without := in.score(in.link(c, false))
	c.Adjacency = true
	if with := in.score(in.link(c, false)); with.linking < 0.99 || without.linking > 0.5 {
		t.Errorf("with adjacency %v, without %v", with, without)
	}
}

// A component beyond the limit is solved greedily and says so.
func TestCapped(t *testing.T) {
	t.Parallel()
	in := shape{events: 5_000, walk: true, rate: 0.3, late: 200, price: 50}.make(1)
	c := Config{HaveWorkers: true, Tolerance: Tolerance{Given, Band{Late: 200 * ms, Price: 50 * cent}}, Limits: Limits{ComponentEdges: 20}}
	l := in.link(c, false)
	checkLinked(t, in, l)
	if l.totals.Capped == 0 {
		t.Errorf("totals %+v: no component was capped", l.totals)
	}
	c.Limits = Limits{}
	whole := in.link(c, false)
	if a, b := in.score(l), in.score(whole); whole.totals.Capped != 0 && b.linking < a.linking {
		t.Errorf("capped at 20 edges %v, at 4,096 %v", a, b)
	}
}
