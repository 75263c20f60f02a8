package match

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"holdfast/replay"
	"holdfast/replay/tick"
)

func TestExploreTwins(t *testing.T) {
	shapes := map[string]shape{
		"dmr2025": {events: 70000, count: 250, late: 10, price: 50},
		"dense":   {events: 70000, walk: true, rate: .05, late: 200, price: 50},
		"small":   {events: 2000, rate: .05, late: 200, price: 50},
		"swalk":   {events: 2000, walk: true, rate: .05, late: 200, price: 50},
		"clean":   {events: 20000},
		"swalk2":  {events: 20000, walk: true, rate: .05, late: 200, price: 50},
	}
	for _, name := range []string{"dmr2025", "dense", "small", "swalk", "swalk2", "clean"} {
		for _, double := range []float64{0, .001, .005} {
			bad := 0
			for seed := range uint64(12) {
				in := shapes[name].make(seed)
				rnd := rand.New(rand.NewPCG(seed, 7))
				ev := slices.Clone(in.events)
				truth := map[string]string{}
				for _, e := range in.events {
					if rnd.Float64() < double {
						d := e
						d.IDs = []string{"x" + e.IDs[0]}
						d.Time += tick.Nanos(1+rnd.IntN(20)) * ms
						ev = append(ev, d)
						truth[d.IDs[0]] = e.IDs[0]
					}
				}
				slices.SortFunc(ev, func(a, b Event) int {
					return cmp.Or(cmp.Compare(a.Symbol, b.Symbol), cmp.Compare(a.Time, b.Time), cmp.Compare(a.Price, b.Price), cmp.Compare(a.IDs[0], b.IDs[0]))
				})
				n, ok := 0, 0
				tt, err := Twins(slices.Values(ev), TwinConfig{}, func(a, b Event) {
					n++
					if truth[b.IDs[0]] == a.IDs[0] {
						ok++
					}
				})
				if (double == 0) != (n == 0) || n != ok || ok != len(truth) {
					bad++
					fmt.Println(name, double, seed, len(truth), n, ok, tt.Band, tt.Null, tt.Reason, err)
				}
			}
			fmt.Println(name, double, "bad", bad)
		}
	}
}

func TestExploreNear(t *testing.T) {
	shapes := map[string]shape{
		"dmr2025": {events: 70000, count: 250, late: 10, price: 50},
		"dense":   {events: 70000, walk: true, rate: .05, late: 200, price: 50},
		"clean":   {events: 20000},
	}
	for _, name := range []string{"dmr2025", "dense", "clean"} {
		for seed := range uint64(4) {
			in := shapes[name].make(seed)
			rows := slices.Clone(in.rows)
			slices.SortFunc(rows, func(a, b replay.Row) int {
				return cmp.Or(cmp.Compare(a.Symbol, b.Symbol), cmp.Compare(a.Time, b.Time), cmp.Compare(a.N, b.N))
			})
			k := 0
			tt, err := Near(slices.Values(rows), Config{}, func(c Cluster) { k += len(c.Rows) - 1 })
			fmt.Println(name, seed, k, tt.Band, tt.Null, tt.Accidental, err)
		}
	}
}
