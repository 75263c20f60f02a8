package extsort

import (
	"bytes"
	"encoding/binary"
	"iter"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"holdfast/internal/vfs"
)

type record struct{ Key, Value []byte }

// wanted is the dumb twin: everything in memory, the library's stable sort.
func wanted(records []record) []record {
	w := slices.Clone(records)
	slices.SortStableFunc(w, func(a, b record) int { return bytes.Compare(a.Key, b.Key) })
	return w
}

func addAll(t rapid.TB, s *Sorter, records []record) {
	t.Helper()
	for _, r := range records {
		if err := s.Add(r.Key, r.Value); err != nil {
			t.Fatal(err)
		}
	}
}

func sortAll(t rapid.TB, s *Sorter, records []record) *Sorted {
	t.Helper()
	addAll(t, s, records)
	sorted, err := s.Sort()
	if err != nil {
		t.Fatal(err)
	}
	return sorted
}

func collected(t rapid.TB, s *Sorted) []record {
	t.Helper()
	var err error
	got := make([]record, 0, s.Len())
	for k, v := range s.All(&err) {
		got = append(got, record{bytes.Clone(k), bytes.Clone(v)})
	}
	if err != nil {
		t.Fatal(err)
	}
	if s.Len() != int64(len(got)) {
		t.Fatalf("Len() = %d, but %d records", s.Len(), len(got))
	}
	return got
}

// accounts checks what the store knows about itself.
func accounts(t rapid.TB, s *store) {
	t.Helper()
	var held int64
	for _, r := range s.memory {
		for _, c := range r.chunks {
			held += int64(cap(c))
		}
	}
	if held != s.held {
		t.Fatalf("%d bytes are held in memory, %d counted", held, s.held)
	}
	live := map[*spillFile]int{}
	for _, r := range s.disk {
		live[r.file]++
	}
	for _, f := range s.files {
		if f.live == 0 || f.live != live[f] {
			t.Fatalf("a spill file has %d runs that are needed, %d counted", live[f], f.live)
		}
	}
	if n := len(s.disk); n >= 4*s.layout.fanIn {
		t.Fatalf("%d runs on disk, with a fan-in of %d", n, s.layout.fanIn)
	}
}

// same compares without go-cmp first, which is slow on many records.
func same(t rapid.TB, got, want []record) {
	t.Helper()
	equal := slices.EqualFunc(got, want, func(a, b record) bool {
		return bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value)
	})
	if !equal {
		t.Fatalf("not the order of a stable sort:\n%s", cmp.Diff(want, got))
	}
}

func emptyDir(t rapid.TB, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Fatalf("left in the temporary folder: %v, %v", left, err)
	}
}

// tiny is a layout that makes a few hundred records go through every stage.
func tiny() layout {
	l := newLayout(MinMemory)
	l.arena, l.index, l.chunk, l.chunks = 256, 8, 32, 1024
	l.spill, l.fanIn, l.window, l.read = 64, 2, 16, 32
	return l
}

func drawRecords(t *rapid.T) []record {
	letter := rapid.SampledFrom([]byte{0, 1, 'a', 'a', 'a', 'b', 0xff})
	keys := rapid.OneOf(
		rapid.SliceOfN(letter, 0, 4),
		rapid.SliceOfN(letter, 0, 40),
		rapid.Map(rapid.SliceOfN(letter, 0, 2), func(end []byte) []byte { return append(bytes.Repeat([]byte{'y'}, 80), end...) }),
		rapid.Map(rapid.IntRange(0, 3), func(n int) []byte { return bytes.Repeat([]byte{'x'}, 100*n) }),
		rapid.Map(rapid.Uint16(), func(n uint16) []byte { return binary.BigEndian.AppendUint16([]byte("evt-00000"), n) }),
	)
	n := rapid.IntRange(0, 600).Draw(t, "records")
	drawn := rapid.SliceOfN(keys, n, n).Draw(t, "keys")
	switch rapid.SampledFrom([]string{"as drawn", "in order", "nearly in order", "reversed", "reversed, then in order"}).Draw(t, "order") {
	case "in order":
		slices.SortFunc(drawn, bytes.Compare)
	case "nearly in order":
		slices.SortFunc(drawn, bytes.Compare)
		for i := 0; i+5 < len(drawn); i += 5 {
			drawn[i], drawn[i+5] = drawn[i+5], drawn[i]
		}
	case "reversed":
		slices.SortFunc(drawn, func(a, b []byte) int { return bytes.Compare(b, a) })
	case "reversed, then in order":
		slices.SortFunc(drawn, bytes.Compare)
		slices.Reverse(drawn[:len(drawn)/2])
	}
	records := make([]record, len(drawn))
	for i, k := range drawn {
		records[i] = record{k, binary.AppendUvarint(nil, uint64(i))}
		if i%50 == 7 {
			records[i].Value = bytes.Repeat([]byte{byte(i)}, 700) // more than an arena
		}
	}
	return records
}

func TestSortsLikeAStableSort(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		records := drawRecords(t)
		l := tiny()
		l.arena = rapid.SampledFrom([]int{256, 4096, 65536}).Draw(t, "arena")
		l.index = l.arena / 32
		l.chunks = rapid.SampledFrom([]int64{300, 1000, 5000, 1e9}).Draw(t, "memory")
		l.fanIn = rapid.SampledFrom([]int{2, 3, 7, 100}).Draw(t, "fan-in")
		l.read = int64(l.fanIn * l.window)
		s := newSorter(l, Config{Dir: dir, Jobs: rapid.IntRange(1, 2).Draw(t, "jobs"), FS: vfs.OS{}})
		addAll(t, s, records)
		s.wait()
		accounts(t, s.store)
		sorted := sortAll(t, s, nil)
		defer sorted.Close()
		accounts(t, sorted.store)
		want := wanted(records)
		same(t, collected(t, sorted), want)
		same(t, collected(t, sorted), want)
		emptyDir(t, dir)
	})
}

// The figures at which something changes: the least memory, one spill, more
// runs than are merged at once, more than are remembered.
func TestSortsAtTheLimitsOfMemory(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		memory  int64
		records int
	}{
		{"nothing", 1, 0},
		{"one", 1, 1},
		{"in memory", 8 << 20, 50_000},
		{"one spill", 2 << 20, 60_000},
		{"many runs", MinMemory, 50_000},
		{"two passes", MinMemory, 150_000},
	} {
		for _, jobs := range []int{1, 2} {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				records := shuffled(scaled(c.records))
				sorted := sortAll(t, New(Config{Memory: c.memory, Dir: dir, Jobs: jobs}), records)
				same(t, collected(t, sorted), wanted(records))
				emptyDir(t, dir)
				sorted.Close()
			})
		}
	}
}

// scaled is how many of n records there are: a third with -short, as under the
// race detector. Some of those that spill twice then spill once.
func scaled(n int) int {
	if testing.Short() && n > 3 {
		return n / 3
	}
	return n
}

// shuffled gives records of about 40 bytes in a fixed disorder, some keys equal.
func shuffled(n int) []record {
	records := make([]record, n)
	x := uint64(1)
	for i := range records {
		x = x*6364136223846793005 + 1442695040888963407
		key := AppendInt64(AppendString(nil, []string{"TCS", "INFY", "SBIN"}[x>>60%3]), int64(x>>33)%int64(n))
		records[i] = record{key, binary.BigEndian.AppendUint64([]byte("a value with "), uint64(i))}
	}
	return records
}

func TestRangesAreIndependent(t *testing.T) {
	t.Parallel()
	for name, memory := range map[string]int64{"in memory": 8 << 20, "spilled": MinMemory} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			records := shuffled(40_000)
			sorted := sortAll(t, New(Config{Memory: memory, Dir: t.TempDir()}), records)
			defer sorted.Close()
			want := wanted(records)

			var err error
			stopped := 0
			for range sorted.All(&err) {
				if stopped++; stopped == 1000 {
					break
				}
			}
			a, stopA := iter.Pull2(sorted.All(&err))
			defer stopA()
			a()
			b, stopB := iter.Pull2(sorted.All(&err))
			defer stopB()
			for i := range want {
				k, _, _ := b()
				if !bytes.Equal(k, want[i].Key) {
					t.Fatalf("second range, record %d: key %q, want %q", i, k, want[i].Key)
				}
				if i+1 < len(want) {
					if k, _, _ = a(); !bytes.Equal(k, want[i+1].Key) {
						t.Fatalf("first range, record %d: key %q, want %q", i+1, k, want[i+1].Key)
					}
				}
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestCallersMayReuseTheirBuffers(t *testing.T) {
	t.Parallel()
	s := New(Config{Memory: MinMemory, Dir: t.TempDir()})
	buf := make([]byte, 0, 16)
	const n = 30_000
	for i := range n {
		buf = AppendInt64(buf[:0], int64(n-i))
		if err := s.Add(buf, buf); err != nil {
			t.Fatal(err)
		}
	}
	sorted, err := s.Sort()
	if err != nil {
		t.Fatal(err)
	}
	defer sorted.Close()
	want := int64(1)
	for k, v := range sorted.All(&err) {
		key, _ := ReadInt64(k)
		if value, _ := ReadInt64(v); key != want || value != want {
			t.Fatalf("got %d and %d, want %d", key, value, want)
		}
		want++
	}
	if err != nil || want != n+1 {
		t.Fatalf("ended at %d: %v", want, err)
	}
}

func TestUseAfterTheEnd(t *testing.T) {
	t.Parallel()
	s := New(Config{Dir: t.TempDir()})
	addAll(t, s, shuffled(10))
	sorted, err := s.Sort()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(nil, nil); err != ErrClosed {
		t.Errorf("Add after Sort: %v, want %v", err, ErrClosed)
	}
	if _, err := s.Sort(); err != ErrClosed {
		t.Errorf("second Sort: %v, want %v", err, ErrClosed)
	}
	if got := len(collected(t, sorted)); got != 10 {
		t.Errorf("closing the Sorter took the records away: %d left", got)
	}
	sorted.Close()
	sorted.Close()
	for range sorted.All(&err) {
		t.Error("a closed Sorted has records")
	}
	if err != ErrClosed {
		t.Errorf("range after Close: %v, want %v", err, ErrClosed)
	}
}
