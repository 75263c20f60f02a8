package match

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// inOrder sorts rows by (symbol, time, N).
func inOrder(rows []replay.Row) []replay.Row {
	sorted := slices.Clone(rows)
	slices.SortFunc(sorted, func(a, b replay.Row) int {
		return cmp.Or(cmp.Compare(a.Symbol, b.Symbol), cmp.Compare(a.Time, b.Time), cmp.Compare(a.N, b.N))
	})
	return sorted
}

// dumbStars takes the earliest row that is in no star, and with it all rows in
// its reach, over and over.
func dumbStars(rows []replay.Row, reach tick.Nanos, price tick.Price) [][]int64 {
	var stars [][]int64
	rest := slices.Clone(rows)
	for len(rest) > 0 {
		centre := rest[0]
		var star []int64
		rest = slices.DeleteFunc(rest, func(r replay.Row) bool {
			in := r.Symbol == centre.Symbol && r.Time-centre.Time <= reach && size(r.Price-centre.Price) <= price
			if in {
				star = append(star, r.N)
			}
			return in
		})
		stars = append(stars, star)
	}
	return stars
}

func TestNearIsStars(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows, b := inOrder(drawIncident(t, 30, 30).rows), drawBand(t)
		var got [][]int64
		totals, err := Near(slices.Values(rows), Config{Tolerance: Tolerance{Given, b}}, func(c Cluster) {
			var star []int64
			for _, r := range c.Rows {
				star = append(star, r.N)
			}
			got = append(got, star)
		})
		want := dumbStars(rows, max(b.Early, b.Late), b.Price)
		if d := gocmp.Diff(want, got); d != "" || err != nil || totals.Rows != int64(len(rows)) {
			t.Fatalf("%v, totals %+v, stars within %v (-brute force +got)\n%s", err, totals, b, d)
		}
	})
}

// A chain of near rows is not one star: in a slow market it would walk away.
func TestNearDoesNotChain(t *testing.T) {
	t.Parallel()
	var rows []replay.Row
	for i := range int64(6) {
		rows = append(rows, row(i+1, tick.Nanos(i)*8*ms, 100))
	}
	var sizes []int
	if _, err := Near(slices.Values(rows), Config{Tolerance: Tolerance{Given, Band{Late: 10 * ms}}}, func(c Cluster) { sizes = append(sizes, len(c.Rows)) }); err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff([]int{2, 2, 2}, sizes); d != "" {
		t.Errorf("stars (-want +got)\n%s", d)
	}
}

// Near reads its tolerance off a file like dmr2025, and refuses to where copies
// cannot be told from neighbours (R33d).
func TestNearAuto(t *testing.T) {
	t.Parallel()
	extra := 0
	totals, err := Near(slices.Values(inOrder(shape{events: 70_000, count: 250, late: 10, price: 50}.make(1).rows)), Config{}, func(c Cluster) { extra += len(c.Rows) - 1 })
	if err != nil || totals.Null != "time-shift" || totals.Band.Late != 10*ms || extra < 245 || extra > 270 || int64(extra) != totals.Pairs {
		t.Errorf("%d extra rows, totals %+v, error %v", extra, totals, err)
	}
	for _, test := range []struct {
		shape shape
		want  error
	}{
		{shape{events: 20_000}, ErrNoExcess},
		{shape{events: 20_000, walk: true, rate: 0.05, late: 200, price: 50}, ErrAutocorrelated},
		{shape{events: 15}, ErrTooFew},
	} {
		rows := slices.Values(inOrder(test.shape.make(1).rows))
		_, err := Near(rows, Config{}, func(Cluster) { t.Error("a cluster in spite of an error") })
		if !errors.Is(err, test.want) {
			t.Errorf("%+v: %v, want %v", test.shape, err, test.want)
		}
	}
	if _, err := Near(slices.Values([]replay.Row{row(1, 5, 1), row(2, 4, 1)}), Config{}, nil); !errors.Is(err, ErrOrder) {
		t.Errorf("rows out of order: %v", err)
	}
}

func TestNearNone(t *testing.T) {
	t.Parallel()
	rows := slices.Values([]replay.Row{row(1, 5, 1), row(2, 5, 1)})
	n := 0
	if _, err := Near(rows, Config{Tolerance: Tolerance{Mode: None}}, func(c Cluster) { n += len(c.Rows); n *= 10 }); err != nil || n != 110 {
		t.Errorf("two clusters of one row make 110, got %d, %v", n, err)
	}
}

// withTwins repeats a share of the events under another id, 1 to 20 ms later.
func withTwins(events []Event, rate float64, seed uint64) (all []Event, twins map[string]string) {
	rnd := rand.New(rand.NewPCG(seed, 7))
	all, twins = slices.Clone(events), make(map[string]string)
	for _, e := range events {
		if rnd.Float64() < rate {
			id := "twin_" + e.IDs[0]
			twins[id] = e.IDs[0]
			e.IDs, e.Time = []string{id}, e.Time+tick.Nanos(1+rnd.Int64N(20))*ms
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.Symbol, b.Symbol), cmp.Compare(a.Time, b.Time), cmp.Compare(a.Price, b.Price), cmp.Compare(a.IDs[0], b.IDs[0]))
	})
	return all, twins
}

func TestTwins(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		shape shape
		rate  float64
		least float64 // share of the twins found
	}{
		{"source-double", shape{events: 20_000}, 0.005, 0.95},
		{"clean", shape{events: 20_000}, 0, 1},
		{"dmr2025", shape{events: 70_000}, 0, 1},
		{"random walk", shape{events: 20_000, walk: true}, 0, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for seed := range seeds() {
				events, twins := withTwins(test.shape.make(seed).events, test.rate, seed)
				right, wrong := 0, 0
				totals, err := Twins(slices.Values(events), TwinConfig{}, func(earlier, later Event) {
					if twins[later.IDs[0]] == earlier.IDs[0] {
						right++
					} else {
						wrong++
					}
				})
				if err != nil || float64(right) < test.least*float64(len(twins)) || wrong > 3 || len(twins) == 0 && wrong > 0 {
					t.Errorf("seed %d: %d of %d twins, %d wrong, totals %+v, %v", seed, right, len(twins), wrong, totals, err)
				}
			}
		})
	}
}

func TestTwinsWithinGivenWindow(t *testing.T) {
	t.Parallel()
	events := []Event{event("a", 0, 100*cent, 1), event("b", 0, 101*cent, 1), event("c", 5*ms, 102*cent, 1), event("d", 10*ms, 100*cent, 1), event("e", 21*ms, 100*cent, 1)}
	var got []string
	if _, err := Twins(slices.Values(events), TwinConfig{Window: 10 * ms}, func(a, b Event) { got = append(got, fmt.Sprint(a.IDs[0], b.IDs[0])) }); err != nil {
		t.Fatal(err)
	}
	// b is one tick from a; c two from a and one from b, but b is a's; e is too late.
	if d := gocmp.Diff([]string{"ab", "ad"}, got); d != "" {
		t.Errorf("twins (-want +got)\n%s", d)
	}
	if _, err := Twins(slices.Values([]Event{events[4], events[0]}), TwinConfig{}, nil); !errors.Is(err, ErrOrder) {
		t.Errorf("events out of order: %v", err)
	}
}
