package match

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// assignment is a small problem: rows by events, one row an event.
type assignment [][]int64

func (a assignment) network() (n *network, rowArcs [][]int32) {
	rows, events := len(a), len(a[0])
	n = newNetwork(rows + events + 1)
	rowArcs = make([][]int32, rows)
	for i, costs := range a {
		for j, c := range costs {
			rowArcs[i] = append(rowArcs[i], n.add(i, rows+j, 1, c))
		}
	}
	for j := range events {
		n.add(rows+j, rows+events, 1, 0)
	}
	return n, rowArcs
}

// solve is the total cost and each row's event, by flow.
func (a assignment) solve() (int64, []int, *network, [][]int32) {
	n, arcs := a.network()
	for i := range a {
		n.send(i, len(n.out)-1)
	}
	total, chosen := int64(0), make([]int, len(a))
	for i := range a {
		chosen[i] = -1
		for j, k := range arcs[i] {
			if n.arcs[k].cap == 0 {
				chosen[i] = j
				total += a[i][j]
			}
		}
	}
	return total, chosen, n, arcs
}

// bruteForce is the least total over all one-to-one assignments in which row r
// does not take event e.
func (a assignment) bruteForce(r, e int) int64 {
	best := int64(math.MaxInt64)
	used := make([]bool, len(a[0]))
	var try func(i int, sum int64)
	try = func(i int, sum int64) {
		if i == len(a) {
			best = min(best, sum)
			return
		}
		for j, c := range a[i] {
			if !used[j] && (i != r || j != e) {
				used[j] = true
				try(i+1, sum+c)
				used[j] = false
			}
		}
	}
	try(0, 0)
	return best
}

// Row 37 of the test list: greedy gives 10.
func TestGoldenAssignment(t *testing.T) {
	t.Parallel()
	if got, _, _, _ := (assignment{{1, 2}, {2, 9}}).solve(); got != 4 {
		t.Errorf("total cost = %d, want 4", got)
	}
}

func TestFlowIsBruteForce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.IntRange(1, 6).Draw(t, "rows")
		events := rapid.IntRange(rows, 6).Draw(t, "events")
		a := make(assignment, rows)
		for i := range a {
			a[i] = rapid.SliceOfN(rapid.Int64Range(-20, 60), events, events).Draw(t, "costs")
		}
		got, chosen, n, arcs := a.solve()
		if want := a.bruteForce(-1, -1); got != want {
			t.Fatalf("total cost = %d, want %d for %v", got, want, a)
		}
		if events < 2 {
			return
		}
		for i, j := range chosen { // the margin of each row's choice
			to := n.distancesTo(rows+j, i)
			best := int64(unreached)
			for k, c := range a[i] {
				if k != j {
					best = min(best, c+to[n.arcs[arcs[i][k]].to]-a[i][j])
				}
			}
			if want := a.bruteForce(i, j) - got; best != want {
				t.Fatalf("margin of row %d = %d, want %d for %v", i, best, want, a)
			}
		}
	})
}
