package merge

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A draw of two lists: sizes 0..300, ranges from dense to all of int32, with or
// without repeats, one structure or another.
type lists struct {
	a, b []int32
}

func drawLists(t *rapid.T, disjoint bool) lists {
	n := rapid.IntRange(0, 300).Draw(t, "n")
	m := rapid.IntRange(0, 300).Draw(t, "m")
	span := int64(n+m) + rapid.OneOf(rapid.Int64Range(0, 300), rapid.Int64Range(0, 1<<16), rapid.Int64Range(0, 1<<32-601)).Draw(t, "free")
	low := rapid.Int64Range(math.MinInt32, max(math.MinInt32, math.MaxInt32-span+1)).Draw(t, "low")
	rng := seeded(rapid.Uint64().Draw(t, "seed"))
	repeats := rapid.Bool().Draw(t, "repeats")
	structure := rapid.IntRange(0, 4).Draw(t, "structure")
	taken := map[int64]int{} // 1 = A, 2 = B
	draw := func(owner, i int) int64 {
		switch structure {
		case 1: // A below, B above, or the other way round
			return rng.Int64N(max(1, span/2)) + int64(owner-1)*(span/2)
		case 2: // clusters
			return min(span-1, rng.Int64N(4)*(span/4)+rng.Int64N(max(1, min(span/4, 200))))
		case 3: // a stride
			return int64(i) * max(1, span/int64(n+m)) % span
		case 4: // runs that take turns
			return (int64(i)/40*80 + int64(owner-1)*40 + int64(i)%40) % span
		}
		return rng.Int64N(span)
	}
	deal := func(owner, count int) (out []int32) {
		for i := range count {
			v := draw(owner, i)
			for tries := 0; (taken[v] != 0 && (taken[v] != owner || !repeats)) && disjoint; tries++ {
				if v = (v + 1) % span; tries > 2*(n+m) {
					break
				}
			}
			taken[v] |= owner
			out = append(out, int32(low+v))
		}
		rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		return out
	}
	return lists{deal(1, n), deal(2, m)}
}

func schedules(t *rapid.T) Schedule {
	if rapid.Bool().Draw(t, "alternate") {
		return Alternate()
	}
	return Random(rapid.Uint64().Draw(t, "schedule"))
}

func sharedValues(a, b []int32) (shared []int32) {
	in := map[int32]bool{}
	for _, v := range a {
		in[v] = true
	}
	for _, v := range b {
		if in[v] {
			shared = append(shared, v)
		}
	}
	slices.Sort(shared)
	return slices.Compact(shared)
}

// checkOutcome runs two workers and checks the output, or that the smallest
// shared value is named; then it gives nil.
func checkOutcome(t *rapid.T, c Config, l lists, s Schedule) (*Memory, Result) {
	m, err := NewMemory(c, l.a, l.b)
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.Run(s, 1_000_000)
	if shared := sharedValues(l.a, l.b); c.Duplicates == Strict && len(shared) > 0 {
		checkRefused(t, err, shared[0])
		return nil, r
	}
	if err != nil || !r.Success {
		t.Fatalf("%v %+v", err, r)
	}
	want := slices.Sorted(slices.Values(slices.Concat(l.a, l.b)))
	if c.Duplicates == Drop {
		want = slices.Compact(want)
	}
	if got := string(m.Output[c.Base:]); got != string(appendLines(nil, want)) {
		t.Fatalf("wrong output of %d bytes", len(got))
	}
	return m, r
}

func checkDraw(t *rapid.T) {
	dup := Dup(rapid.IntRange(0, 2).Draw(t, "duplicates"))
	l := drawLists(t, dup == Strict)
	c := Config{Duplicates: dup, Confirm: rapid.Bool().Draw(t, "confirm"), Base: rapid.SampledFrom([]int64{0, 0, 1, 12345}).Draw(t, "base"),
		Words: rapid.SampledFrom([]int{0, 0, 9, 40}).Draw(t, "words")}
	m, r := checkOutcome(t, c, l, schedules(t))
	if m == nil {
		return
	}
	again, err := NewMemory(c, sortedCopy(l.a), sortedCopy(l.b))
	if err != nil {
		t.Fatal(err)
	}
	alternating, err := again.Run(nil, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Workers {
		if spell(m.Workers[i].Sent) != spell(again.Workers[i].Sent) {
			t.Fatalf("worker %d sent other messages in another schedule:\n%s\n%s", i, spell(m.Workers[i].Sent), spell(again.Workers[i].Sent))
		}
	}
	words := c.Words
	if words == 0 {
		words = Words
	}
	bound := BoundMessages(l.a, l.b, words)
	if dup != Drop && !c.Confirm && words >= Words && r.Messages > int64(11*bound/10+3) {
		t.Fatalf("%d messages, the bound is %d", r.Messages, bound)
	}
	if most := 2*(r.Messages+1) + 2; int64(alternating.TotalSteps) > most {
		t.Fatalf("%d steps for %d messages", alternating.TotalSteps, r.Messages)
	}
	a, b := r.StatsA.Comparisons, r.StatsB.Comparisons
	if dup != Drop && len(l.a) >= 64 && len(l.b) >= 64 && (a != b || a == 0) {
		t.Fatalf("comparisons %d and %d", a, b)
	}
	if (len(l.a) == 0 || len(l.b) == 0) && len(l.a) != 0 && len(m.Workers[0].Sent) > 0 && m.Workers[0].Sent[0].Type != TypeAll && a+b != 0 {
		t.Fatalf("comparisons %d and %d with an empty list", a, b)
	}
}

func TestProperties(t *testing.T) { rapid.Check(t, checkDraw) }

func FuzzProperties(f *testing.F) { f.Fuzz(rapid.MakeFuzz(checkDraw)) }
