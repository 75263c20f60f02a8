package audit_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"holdfast/replay/tick"
)

// naive groups the rows of an output by symbol and timestamp as they are spelled:
// how many, and how far their prices lie apart.
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

// keyView is what the audit says of the same.
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
