package match

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// given links an incident within a fixed band.
func (in incident) given(b Band, workers bool) linked {
	return in.link(Config{Tolerance: Tolerance{Given, b}, HaveWorkers: workers}, false)
}

// Row 35 of the test list, the golden collision.
func TestGoldenCollision(t *testing.T) {
	t.Parallel()
	at := tick.Nanos(1752484500e9)
	in := incident{
		events: []Event{event("e1", at, 10000*cent, 2), event("e2", at+10*ms, 25000*cent, 1)},
		rows:   []replay.Row{row(1, at, 10000*cent), row(2, at+10*ms, 10020*cent), row(3, at+10*ms, 25000*cent)},
	}
	tol, err := ParseTolerance("10ms,0.50")
	if err != nil {
		t.Fatal(err)
	}
	got := in.link(Config{Tolerance: tol, HaveWorkers: true}, false)
	for n, want := range map[int64]replay.Match{
		1: {Owner: "e1", Exact: true, Canonical: true, Label: replay.Certain},
		2: {Owner: "e1", Covered: true, Label: replay.Certain},
		3: {Owner: "e2", Exact: true, Canonical: true, Label: replay.Certain},
	} {
		m := got.matches[n]
		m.Row, m.IDs, m.Posterior, m.Margin = replay.Row{}, nil, 0, 0
		if d := cmp.Diff(want, m); d != "" {
			t.Errorf("row %d (-want +got)\n%s", n, d)
		}
	}
}

// Row 36 of the test list.
func TestEarlyRow(t *testing.T) {
	t.Parallel()
	in := incident{events: []Event{event("e", 10*ms, 100, 2)}, rows: []replay.Row{row(1, 10*ms, 100), row(2, 7*ms, 100)}}
	if m := in.given(Band{Late: 10 * ms, Price: 50 * cent}, true).matches[2]; m.Label != replay.Orphan || m.Owner != "" {
		t.Errorf("a row 3 ms early is %+v at -0ms/+10ms", m)
	}
	if m := in.given(Band{Early: 10 * ms, Late: 10 * ms, Price: 50 * cent}, true).matches[2]; m.Label != replay.Certain || m.Owner != "e" {
		t.Errorf("a row 3 ms early is %+v at -10ms/+10ms", m)
	}
}

// The rescue of R37: beyond the band, in the only free slot.
func TestRescue(t *testing.T) {
	t.Parallel()
	in := incident{
		events: []Event{event("twice", 0, 100*cent, 2), event("once", 1*ms, 100*cent, 1)},
		rows:   []replay.Row{row(1, 0, 100*cent), row(2, 1*ms, 100*cent), row(3, 12*ms, 100*cent), row(4, 40*ms, 100*cent)},
	}
	got := in.given(Band{Late: 10 * ms, Price: 50 * cent}, true)
	if m := got.matches[3]; !m.Rescued || m.Owner != "twice" || m.Label != replay.Likely || !m.Covered {
		t.Errorf("row 3 is not rescued: %+v", m)
	}
	if m := got.matches[4]; m.Rescued || m.Label != replay.Orphan {
		t.Errorf("row 4 is out of reach: %+v", m)
	}
	if got.totals.Rescued != 1 || got.totals.Orphans != 1 {
		t.Errorf("totals %+v", got.totals)
	}
	in.events = append(in.events, event("also", 2*ms, 100*cent, 2))
	in.rows = append(in.rows, row(5, 2*ms, 100*cent))
	if m := in.given(Band{Late: 9 * ms, Price: 50 * cent}, true).matches[3]; m.Rescued {
		t.Errorf("row 3 has two events to go to: %+v", m)
	}
}

// Two events, two rows that could be either's: neither can be removed unless
// both events have another row (R61).
func TestAmbiguousRowsKeepTheirEvents(t *testing.T) {
	t.Parallel()
	in := incident{
		events: []Event{event("a", 0, 100*cent, 1), event("b", 0, 102*cent, 1)},
		rows:   []replay.Row{row(1, 5*ms, 101*cent), row(2, 6*ms, 101*cent)},
	}
	got := in.given(Band{Early: 10 * ms, Late: 10 * ms, Price: 50 * cent}, true)
	owners := map[string]bool{}
	for n := range int64(2) {
		m := got.matches[n+1]
		owners[m.Owner] = true
		if m.Label != replay.Ambiguous || !m.Canonical || m.Covered || len(m.Alts) != 1 {
			t.Errorf("row %d: %+v", n+1, m)
		}
	}
	if len(owners) != 2 {
		t.Errorf("the rows have the owners %v, want both events", owners)
	}
	in.rows = append(in.rows, row(3, 0, 100*cent))
	got = in.given(Band{Early: 10 * ms, Late: 10 * ms, Price: 50 * cent}, true)
	if m := got.matches[1]; !m.Canonical || m.Covered || m.Owner != "b" {
		t.Errorf("row 1 is all that b has: %+v", m)
	}
	if m := got.matches[2]; m.Canonical || !m.Covered {
		t.Errorf("row 2 can go, whosever it is: %+v", m)
	}
}

// Two rows whose cheapest event is the same, with one slot: the loser gets an
// edge back that had been pruned, and does not end without an event (R36).
func TestPrunedEdgesComeBack(t *testing.T) {
	t.Parallel()
	m := newMatcher(model{residuals: newResiduals(Band{}, 1, 1, 1), orphan: 20_000, prior: prior{furtherSlot: furtherCost}}, Limits{})
	a, b := event("a", 0, 1, 2), event("b", 1, 1, 2)
	a.Exact, b.Exact = 1, 1
	to := []*live{
		{Event: &a, free: supply{extra: 1}, owned: []int{1}},
		{Event: &b, free: supply{extra: 1}, owned: []int{1}},
	}
	var rows []*pending
	for i, dear := range []cost{5_500, 5_000} {
		r := &pending{Row: Row{Row: row(int64(i+1), tick.Nanos(i), 1)}, edges: []edge{{to: to[0]}, {to: to[1], cost: dear, rank: 1}}}
		m.m.prune(r)
		if len(r.edges) != 1 || len(r.pruned) != 1 {
			t.Fatalf("row %d keeps %d edges", r.N, len(r.edges))
		}
		rows = append(rows, r)
		m.place(r)
	}
	m.flush()
	owners := map[int64]string{}
	for _, x := range m.out {
		owners[x.Row.N] = x.Owner
	}
	if d := cmp.Diff(map[int64]string{1: "a", 2: "b"}, owners); d != "" {
		t.Errorf("owners of %d rows (-want +got)\n%s", len(rows), d)
	}
}

// Extras of a set go to the member with most attempts to spare.
func TestOwnerOfSet(t *testing.T) {
	t.Parallel()
	in := incident{
		events: []Event{event("a", 0, 100*cent, 1), event("b", 0, 100*cent, 3), event("c", 0, 100*cent, 2)},
		rows: []replay.Row{
			row(1, 0, 100*cent), row(2, 0, 100*cent), row(3, 0, 100*cent),
			row(4, 1*ms, 100*cent), row(5, 1*ms, 100*cent), row(6, 1*ms, 100*cent), row(7, 1*ms, 100*cent),
		},
	}
	got := in.given(Band{Late: 10 * ms, Price: 50 * cent}, true)
	var owners []string
	for n := range int64(7) {
		owners = append(owners, got.matches[n+1].Owner)
	}
	// b has two to spare, then b and c one each, then nobody: a by its id.
	if d := cmp.Diff([]string{"a", "b", "c", "b", "b", "c", "a"}, owners); d != "" {
		t.Errorf("owners (-want +got)\n%s", d)
	}
}

// The canonical row of an event without an exact one is its cheapest, then its
// nearest, and of identical ones the first.
func TestCanonicalRow(t *testing.T) {
	t.Parallel()
	in := incident{
		events: []Event{event("e", 0, 100*cent, 3)},
		rows:   []replay.Row{row(3, 1*ms, 100*cent+1), row(2, 1*ms, 100*cent+1), row(1, 2*ms, 100*cent)},
	}
	m, err := New(Config{Tolerance: Tolerance{Given, Band{Late: 10 * ms, Price: 50 * cent}}, HaveWorkers: true})
	if err != nil {
		t.Fatal(err)
	}
	var canonical []int64
	keep := func(ms []replay.Match) {
		for _, x := range ms {
			if x.Canonical {
				canonical = append(canonical, x.Row.N)
			}
		}
	}
	for _, it := range in.items() {
		out, err := m.Push(it)
		if err != nil {
			t.Fatal(err)
		}
		keep(out)
	}
	out, totals := m.Close()
	keep(out)
	if d := cmp.Diff([]int64{2}, canonical); d != "" || totals.Rows != 3 {
		t.Errorf("totals %+v, canonical rows (-want +got)\n%s", totals, d)
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	early, late := event("a", 0, 1, 1), event("b", 5, 1, 1)
	items := []Item{{Event: &late}, {Event: &early}}
	if _, err := Link(slices.Values(items), Config{}, nil); !errors.Is(err, ErrOrder) {
		t.Errorf("Link: %v", err)
	}
	m, err := New(Config{Tolerance: Tolerance{Mode: Given}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Push(items[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Push(items[1]); !errors.Is(err, ErrOrder) {
		t.Errorf("Push: %v", err)
	}
	if _, err := New(Config{}); err == nil {
		t.Error("New without a band: no error")
	}
}

// candidates runs a matcher and returns, by row, the events it considered.
func (in incident) candidates(b Band) map[int64][]string {
	m := newMatcher(model{band: b, residuals: newResiduals(b, 1, 1, 4), orphan: 9000, workers: true}, Limits{})
	var rows []*pending
	for _, it := range in.items() {
		if _, err := m.Push(it); err != nil {
			panic(err)
		}
		if it.Row != nil {
			rows = append(rows, m.rows[len(m.rows)-1])
		}
	}
	m.Close()
	found := make(map[int64][]string)
	for _, r := range rows {
		found[r.N] = []string{}
		for _, e := range append(r.edges, r.pruned...) {
			found[r.N] = append(found[r.N], fmt.Sprint(e.to.IDs, e.to.Time, e.to.Price))
		}
		slices.Sort(found[r.N])
	}
	return found
}

func drawBand(t *rapid.T) Band {
	return Band{
		Early: tick.Nanos(rapid.Int64Range(0, 6).Draw(t, "early")) * ms,
		Late:  tick.Nanos(rapid.Int64Range(0, 6).Draw(t, "late")) * ms,
		Price: tick.Price(rapid.Int64Range(0, 3).Draw(t, "price")) * cent,
	}
}

func TestBandJoinIsBruteForce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, b := drawIncident(t, 30, 40), drawBand(t)
		want := make(map[int64][]string)
		for _, r := range in.rows {
			want[r.N] = []string{}
			for _, e := range in.events {
				if e.Symbol == r.Symbol && b.Holds(r.Time-e.Time, r.Price-e.Price) {
					want[r.N] = append(want[r.N], fmt.Sprint(e.IDs, e.Time, e.Price))
				}
			}
			slices.Sort(want[r.N])
		}
		if d := cmp.Diff(want, in.candidates(b)); d != "" {
			t.Fatalf("candidates within %v (-brute force +matcher)\n%s", b, d)
		}
	})
}

func TestWideningLosesNoCandidate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, b := drawIncident(t, 20, 30), drawBand(t)
		more := drawBand(t)
		wide := Band{b.Early + more.Early, b.Late + more.Late, b.Price + more.Price}
		narrow, wider := in.candidates(b), in.candidates(wide)
		for n, ids := range narrow {
			for _, id := range ids {
				if !slices.Contains(wider[n], id) {
					t.Fatalf("row %d loses %s from %v to %v", n, id, b, wide)
				}
			}
		}
	})
}

// Whatever the file, each row is given out once, events have no more canonical
// rows than members, and a row that can be removed leaves its events with one.
func checkLinked(t interface{ Fatalf(string, ...any) }, in incident, l linked) {
	if len(l.matches) != len(in.rows) {
		t.Fatalf("%d of %d rows given out", len(l.matches), len(in.rows))
	}
	canonical := make(map[string]int)
	for _, m := range l.matches {
		if m.Canonical {
			canonical[m.Owner]++
		}
		if (m.Owner == "") != (m.Label == replay.Orphan) || m.Owner != "" && !slices.Contains(m.IDs, m.Owner) {
			t.Fatalf("row %d has the owner %q of %v and is %d", m.Row.N, m.Owner, m.IDs, m.Label)
		}
		if m.Posterior < 0 || m.Posterior > 1 {
			t.Fatalf("row %d has the posterior %v", m.Row.N, m.Posterior)
		}
	}
	for id, n := range canonical {
		if n != 1 {
			t.Fatalf("event %s has %d canonical rows", id, n)
		}
	}
	for _, m := range l.matches {
		if m.Owner != "" && canonical[m.Owner] == 0 {
			t.Fatalf("event %s has rows but none of them is canonical", m.Owner)
		}
		if !m.Covered {
			continue
		}
		for _, ids := range append([][]string{m.IDs}, altIDs(m)...) {
			for _, id := range ids {
				if m.Canonical || canonical[id] == 0 {
					t.Fatalf("row %d is covered, but event %s may lose its only row", m.Row.N, id)
				}
			}
		}
	}
}

func altIDs(m replay.Match) [][]string {
	var all [][]string
	for _, a := range m.Alts {
		all = append(all, a.IDs)
	}
	return all
}

func TestEveryRowOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawIncident(t, 40, 40)
		c := Config{
			HaveWorkers: rapid.Bool().Draw(t, "workers"), Adjacency: rapid.Bool().Draw(t, "adjacency"),
			Tolerance: Tolerance{Given, drawBand(t)},
			Limits:    Limits{ComponentEdges: rapid.SampledFrom([]int{0, 1, 3, 9}).Draw(t, "edges"), ExactEdges: rapid.SampledFrom([]int{0, 1}).Draw(t, "exact")},
		}
		checkLinked(t, in, in.link(c, rapid.Bool().Draw(t, "position")))
	})
}

// Shuffling the file changes row numbers only (R38).
func TestPermutation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, b := drawIncident(t, 25, 30), drawBand(t)
		shuffled := incident{rows: slices.Clone(in.rows), events: rapid.Permutation(in.events).Draw(t, "events")}
		for i, n := range rapid.Permutation(numbers(len(in.rows))).Draw(t, "numbers") {
			shuffled.rows[i].N = n
		}
		if d := cmp.Diff(in.given(b, true).byValue(), shuffled.given(b, true).byValue()); d != "" {
			t.Fatalf("within %v (-as written +shuffled)\n%s", b, d)
		}
	})
}

func numbers(n int) []int64 {
	var ns []int64
	for i := range n {
		ns = append(ns, int64(i+1))
	}
	return ns
}

// byValue lists the matches without row numbers, equal rows in file order.
func (l linked) byValue() []string {
	var all []string
	for _, m := range l.matches {
		m.Row.N = 0
		all = append(all, fmt.Sprintf("%+v", m))
	}
	slices.Sort(all)
	return all
}

// offline solves a file of one symbol with everything known beforehand.
func (in incident) offline(m *Matcher) linked {
	res := linked{matches: make(map[int64]replay.Match)}
	var rows []*pending
	for _, it := range in.items() {
		if it.Event != nil {
			m.events = append(m.events, seat{ev: it.Event})
		} else {
			rows = append(rows, &pending{Row: *it.Row})
		}
	}
	m.now = math.MinInt64
	for _, r := range rows {
		m.join(r)
	}
	m.flush()
	for _, x := range m.out {
		res.matches[x.Row.N] = x
	}
	return res
}

// unorphaned drops the rows that are nobody's within the band: which of them is
// rescued into a last slot goes by who is settled first.
func (l linked) unorphaned() map[int64]replay.Match {
	rest := make(map[int64]replay.Match)
	for n, m := range l.matches {
		if m.Label != replay.Orphan && !m.Rescued {
			rest[n] = m
		}
	}
	return rest
}

// Solving components as soon as no row can join them gives what solving them at
// the end gives.
func TestStreamingIsOffline(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, b := drawIncident(t, 40, 60), drawBand(t)
		if rapid.Bool().Draw(t, "one nanosecond early") {
			b.Early = 1
		}
		for i := range in.events {
			in.events[i].Symbol = "A"
			in.events[i].Time += tick.Nanos(i % 2)
		}
		for i := range in.rows {
			in.rows[i].Symbol = "A"
		}
		c := Config{Tolerance: Tolerance{Given, b}, HaveWorkers: true}
		whole, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		m, _ := New(c)
		stream := linked{matches: make(map[int64]replay.Match)}
		keep := func(ms []replay.Match) {
			for _, x := range ms {
				stream.matches[x.Row.N] = x
			}
		}
		for _, it := range in.items() {
			out, err := m.Push(it)
			if err != nil {
				t.Fatal(err)
			}
			keep(out)
		}
		out, _ := m.Close()
		keep(out)
		if d := cmp.Diff(in.offline(whole).unorphaned(), stream.unorphaned()); d != "" {
			t.Fatalf("within %v (-at the end +as soon as can be)\n%s", b, d)
		}
	})
}

// Memory is bounded by rate times band, however long the file is.
func TestWindowIsBounded(t *testing.T) {
	t.Parallel()
	m := newMatcher(model{band: Band{Early: 2 * ms, Late: 20 * ms, Price: 5}, residuals: newResiduals(Band{2 * ms, 20 * ms, 5}, 1, 1, 4), orphan: 9000, workers: true}, Limits{})
	events, rows, plan := 0, 0, 0
	for i := range int64(50_000) {
		e := event("e", tick.Nanos(i)*ms, 7, 2)
		r := Row{Row: row(i, tick.Nanos(i)*ms, 8)}
		for _, it := range []Item{{Event: &e}, {Row: &r}} {
			if i%5 == 0 && it.Row != nil {
				continue
			}
			if _, err := m.Push(it); err != nil {
				t.Fatal(err)
			}
		}
		events, rows, plan = max(events, cap(m.events)), max(rows, cap(m.rows)), max(plan, len(m.plan))
	}
	if events > 500 || rows > 100 || plan > 10_000 {
		t.Errorf("room for %d events and %d rows, %d tasks", events, rows, plan)
	}
}
