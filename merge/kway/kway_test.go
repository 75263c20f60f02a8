package kway_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"holdfast/merge/kway"
)

// A failer is a *testing.T or a *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// A source is sorted keys, the current one first.
type source [][]byte

// An item is a key and where it came from.
type item struct {
	key    string
	source int
	at     int
}

// merge merges sources with a tree. It fails where the tree's claims about
// repeats or winners do not hold together.
func merge(t failer, sources []source, batching bool) ([]item, *kway.Tree) {
	t.Helper()
	at := make([]int, len(sources))
	tree := kway.New(len(sources), func(i int) ([]byte, bool) {
		if at[i] == len(sources[i]) {
			return nil, false
		}
		return sources[i][at[i]], true
	})
	tree.Batching(batching)
	var out []item
	for w := tree.Winner(); w >= 0; w = tree.Winner() {
		key := sources[w][at[w]]
		if repeats := len(out) > 0 && out[len(out)-1].key == string(key); repeats != tree.Repeats() {
			t.Fatalf("key %q after %q: Repeats is %v", key, out[len(out)-1].key, tree.Repeats())
		}
		out = append(out, item{string(key), w, at[w]})
		at[w]++
		if at[w] == len(sources[w]) {
			tree.Exhaust()
			continue
		}
		code, ok := kway.Next(key, sources[w][at[w]])
		if !ok {
			t.Fatalf("%q is not below %q", key, sources[w][at[w]])
		}
		if again := tree.Advance(code); again != (tree.Winner() == w) {
			t.Fatalf("Advance says %v, the winner is %d after %d", again, tree.Winner(), w)
		}
	}
	return out, tree
}

// sorted is the dumb twin: put one behind the other, sort stably.
func sorted(sources []source) (out []item) {
	for i, s := range sources {
		for j, key := range s {
			out = append(out, item{string(key), i, j})
		}
	}
	slices.SortStableFunc(out, func(a, b item) int { return cmp.Compare(a.key, b.key) })
	return out
}

func check(t failer, sources []source) {
	t.Helper()
	want := sorted(sources)
	for _, batching := range []bool{false, true} {
		got, tree := merge(t, sources, batching)
		if !slices.Equal(got, want) {
			t.Fatalf("batching %v:\n got %v\nwant %v", batching, got, want)
		}
		k := len(sources)
		most := int64(len(want)*bits.Len(uint(k-1)) + k)
		if batching {
			most += int64(len(want)) / 2 // a run has two keys at least
		}
		if tree.Comparisons() > most {
			t.Fatalf("batching %v: %d comparisons for %d keys of %d sources", batching, tree.Comparisons(), len(want), k)
		}
	}
}

func TestMergeIsAStableSort(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// Short alphabets and long common beginnings: ties in every block.
		key := rapid.Custom(func(t *rapid.T) []byte {
			b := bytes.Repeat([]byte{'x'}, rapid.IntRange(0, 20).Draw(t, "shared"))
			return append(b, rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 0xff}), 0, 9).Draw(t, "rest")...)
		})
		var sources []source
		for range rapid.IntRange(1, 9).Draw(t, "k") {
			s := source(rapid.SliceOfN(key, 0, 12).Draw(t, "source"))
			slices.SortFunc(s, bytes.Compare)
			sources = append(sources, s)
		}
		check(t, sources)
	})
}

func TestRuns(t *testing.T) {
	t.Parallel()
	for _, k := range []int{1, 2, 3, 5, 16, 64} {
		for _, run := range []int{1, 2, 50} {
			r := rand.New(rand.NewPCG(uint64(k), uint64(run)))
			sources := make([]source, k)
			for i, left, s := 0, 0, 0; i < 5000; i++ {
				if left == 0 {
					s, left = r.IntN(k), 1+r.IntN(2*run)
				}
				left--
				sources[s] = append(sources[s], fmt.Appendf(nil, "2025-07-14T09:15:%09d", i*r.IntN(3)/3+i))
			}
			for _, s := range sources {
				slices.SortFunc(s, bytes.Compare)
			}
			check(t, sources)
		}
	}
}

// Keys that need every corner of a code: those of nothing but 0xFF look like a
// source that has ended, and some depart behind the last block there is.
func TestExtremeKeys(t *testing.T) {
	t.Parallel()
	ff := bytes.Repeat([]byte{0xff}, 40)
	deep := strings.Repeat("x", 49_146) // 8191 blocks
	keys := source{nil, {}, {0}, {0, 0}, ff[:6], ff[:7], ff[:8], ff, ff,
		[]byte(deep), []byte(deep + "a"), []byte(deep + "b"), []byte(deep + "b"), []byte(deep[1:] + "y"), []byte(deep + strings.Repeat("b", 30))}
	slices.SortFunc(keys, bytes.Compare)
	for split := range keys {
		check(t, []source{keys[split:], keys[:split], keys, nil, keys[split:]})
	}
}

func TestNextSeesDisorder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 'b'}), 0, 20)
		a, b, base := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "base")
		c, ok := kway.Next(a, b)
		if ok != (bytes.Compare(a, b) <= 0) {
			t.Fatalf("%q after %q: %v", b, a, ok)
		}
		if ok && (c == kway.Equal) != bytes.Equal(a, b) {
			t.Fatalf("%q after %q: code %x", b, a, c)
		}
		// Lower codes are lower keys.
		ca, okA := kway.Next(base, a)
		cb, okB := kway.Next(base, b)
		if okA && okB && ca < cb && bytes.Compare(a, b) >= 0 {
			t.Fatalf("after %q: %q has code %x, %q %x", base, a, ca, b, cb)
		}
		if kway.First(a) < kway.First(b) && bytes.Compare(a, b) >= 0 {
			t.Fatalf("%q has code %x, %q %x", a, kway.First(a), b, kway.First(b))
		}
	})
}
