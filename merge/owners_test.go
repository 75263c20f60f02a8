package merge

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A tester is a test, or a rapid one.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// A crowd is K workers whose messages arrive in any order that keeps each
// sender's own, and the part that each has written.
type crowd struct {
	cores []*Core
	inbox [][][]Message // [receiver][sender]
	parts [][]byte
	sent  []int
	steps int
}

func newCrowd(t tester, c Config, lists [][]int32) *crowd {
	t.Helper()
	w := &crowd{parts: make([][]byte, len(lists)), sent: make([]int, len(lists))}
	for i, l := range lists {
		c.ID, c.Of, c.Data = i, len(lists), l
		core, err := NewCore(c)
		if err != nil {
			t.Fatal(err)
		}
		w.cores = append(w.cores, core)
		w.inbox = append(w.inbox, make([][]Message, len(lists)))
	}
	return w
}

// run lets chance choose who does what until nobody can do anything.
func (w *crowd) run(t tester, rng *rand.Rand) {
	t.Helper()
	for idle := 0; idle < 100*len(w.cores)*len(w.cores); w.steps++ {
		i, from := rng.IntN(len(w.cores)), rng.IntN(len(w.cores))
		c := w.cores[i]
		if box := w.inbox[i][from]; len(box) > 0 && rng.IntN(2) == 0 {
			w.inbox[i][from] = box[1:]
			_ = c.DeliverFrom(from, box[0])
		}
		e := c.Next(1 + rng.IntN(2)*stepBytes)
		if idle++; e.Progress {
			idle = 0
		}
		for _, s := range e.Output {
			if s.Off != int64(len(w.parts[i])) {
				t.Fatalf("worker %d writes at %d, its part has %d bytes", i, s.Off, len(w.parts[i]))
			}
			w.parts[i] = c.Render(w.parts[i], s)
		}
		if e.Send == nil {
			continue
		}
		w.sent[i]++
		for j := range w.cores {
			if j != i && (e.To == All || e.To == j) {
				w.inbox[j][i] = append(w.inbox[j][i], *e.Send)
			}
		}
	}
}

// Any number of workers: the parts joined are the sorted union, everyone knows
// the same ranges and makes the same number of comparisons.
func TestOwners(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(2, 6).Draw(t, "workers")
		c := Config{Balance: Touch, Parts: true, Duplicates: Dup(rapid.IntRange(0, 2).Draw(t, "duplicates")), Words: rapid.SampledFrom([]int{10, 9, 500}).Draw(t, "words")}
		rng := seeded(rapid.Uint64().Draw(t, "seed"))
		within := rapid.SampledFrom([]int64{10, 1000, 1 << 20, 1 << 32}).Draw(t, "within")
		lists := make([][]int32, k)
		owner := map[int32]int{}
		shared := map[int32]bool{}
		for i := range lists {
			for range rng.IntN(rapid.SampledFrom([]int{1, 30, 600}).Draw(t, "size")) {
				v := int32(rng.Int64N(within) - within/2)
				if had, ok := owner[v]; ok && had != i {
					if c.Duplicates == Strict && rng.IntN(300) > 0 {
						continue
					}
					shared[v] = true
				}
				owner[v] = i
				lists[i] = append(lists[i], v)
			}
		}
		all := slices.Concat(lists...)
		w := newCrowd(t, c, lists)
		w.run(t, rng)
		if c.Duplicates == Strict && len(shared) > 0 {
			w.checkRefused(t, shared)
			return
		}
		slices.Sort(all)
		if c.Duplicates == Drop {
			all = slices.Compact(all)
		}
		if got := string(slices.Concat(w.parts...)); got != string(appendLines(nil, all)) {
			t.Fatalf("wrong output of %d bytes", len(got))
		}
		for i, core := range w.cores {
			s := core.Snapshot()
			if s.Stage != StageDone || core.Err() != nil {
				t.Fatalf("worker %d: %v, %v", i, s.Stage, core.Err())
			}
			if !slices.Equal(core.owners.pivots, w.cores[0].owners.pivots) {
				t.Fatalf("worker %d has other ranges", i)
			}
		}
	})
}

func (w *crowd) checkRefused(t *rapid.T, shared map[int32]bool) {
	found := false
	for i, core := range w.cores {
		var d *DuplicateError
		if err := core.Err(); errors.As(err, &d) {
			found = true
			if !shared[d.Value] {
				t.Fatalf("worker %d: %v, which is not", i, err)
			}
		} else if err != nil {
			t.Fatalf("worker %d: %v", i, err)
		}
		if core.Snapshot().Stage != StageDone {
			t.Fatalf("worker %d waits in %v", i, core.Snapshot().Stage)
		}
	}
	if !found {
		t.Fatalf("nobody names one of %d shared values", len(shared))
	}
}

// The balance of values written and of comparisons, and the messages, for 5000
// and 1000 values.
func TestTouchBalance(t *testing.T) {
	for _, c := range []struct {
		within      uint64
		least, most int64 // messages
	}{{10_000, 30, 36}, {100_000, 65, 74}, {1_000_000, 98, 108}, {1 << 31, 205, 225}} {
		for seed := range uint64(5) {
			a, b := drawn(547+seed, 5000, 1000, c.within)
			m, r := runPair(t, Config{Balance: Touch}, a, b, nil)
			written := Balance(r.StatsA.ValuesOutput, r.StatsB.ValuesOutput)
			if r.Messages < c.least || r.Messages > c.most || written < 0.88 || r.StatsA.Comparisons != 2250 || r.StatsB.Comparisons != 2250 {
				t.Errorf("R=%d: %d messages, written %.3f, comparisons %d and %d, %s", c.within, r.Messages, written,
					r.StatsA.Comparisons, r.StatsB.Comparisons, kinds(m))
			}
		}
	}
}

// Four workers with lists of all sizes share the work.
func TestOwnersShareTheWork(t *testing.T) {
	a, b := drawn(1, 6000, 6000, 1<<31)
	lists := [][]int32{a[:100], a[100:], b[:2000], b[2000:]}
	w := newCrowd(t, Config{Balance: Touch}, lists)
	w.run(t, seeded(4))
	for i, c := range w.cores {
		s := c.Snapshot()
		if s.Stats.Comparisons != 3*12000/16 || s.OutputCount < 2600 || s.OutputCount > 3400 {
			t.Errorf("worker %d: %d comparisons, %d values", i, s.Stats.Comparisons, s.OutputCount)
		}
	}
}

// Pivot j is the first sample where j/K of all values are reached.
func TestPivots(t *testing.T) {
	for _, c := range []struct {
		lists [][]int32
		want  []int64
	}{
		{[][]int32{linear(4, 1, 1), linear(4, 5, 1)}, []int64{4}},
		{[][]int32{linear(6, 0, 10), nil, {7}}, []int64{10, 30}},
		{[][]int32{linear(64*4, 0, 1), nil}, []int64{32 * 256 / 65}}, // 64 samples of 256 values: the 32nd
		{[][]int32{nil, nil}, []int64{1 << 31}},
	} {
		var quants []quant
		for _, l := range c.lists {
			quants = append(quants, newQuant(preamble{}, newList(l, false, &Work{}), len(c.lists)))
		}
		got := pivots(quants, &Work{})
		if !slices.Equal(got[1:len(got)-1], c.want) {
			t.Errorf("%v: %v, want %v", c.lists, got, c.want)
		}
	}
}
