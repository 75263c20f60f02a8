package audit_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/replay/tick"
)

// TestKeyViewIsTheNaiveAnswer: the rows of duplication_analysis.csv in the
// views key and both are what a group-by of the output gives.
func TestKeyViewIsTheNaiveAnswer(t *testing.T) {
	for _, preset := range []string{"mixed", "dense-walk", "dmr2025"} {
		dir := lab(t, preset, 9, 14000)
		c := config(dir)
		run(t, c)
		want, got := naive(t, c.Output), keyView(t, c.Out+"/duplication_analysis.csv")
		if len(want) == 0 {
			t.Fatalf("%s: no key group at all", preset)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -naive +audit\n%s", preset, diff)
		}
	}
}

func naive(t *testing.T, path string) []string {
	t.Helper()
	type group struct {
		n         int
		low, high tick.Price
	}
	groups := map[string]*group{}
	for _, r := range records(t, path) {
		price, err := tick.ParsePrice([]byte(r[2]))
		if err != nil {
			t.Fatal(err)
		}
		g := groups[r[0]+","+r[1]]
		if g == nil {
			g = &group{low: price, high: price}
			groups[r[0]+","+r[1]] = g
		}
		g.n++
		g.low, g.high = min(g.low, price), max(g.high, price)
	}
	var list []string
	for key, g := range groups {
		if g.n > 1 {
			list = append(list, fmt.Sprintf("%s,%d,%s", key, g.n, g.high-g.low))
		}
	}
	slices.Sort(list)
	return list
}

func keyView(t *testing.T, path string) []string {
	t.Helper()
	var list []string
	for _, r := range records(t, path) {
		if view := r[9]; view == "key" || view == "both" {
			list = append(list, strings.Join(r[:4], ","))
		}
	}
	slices.Sort(list)
	return list
}

// records reads a CSV file without its header.
func records(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[1:]
}
