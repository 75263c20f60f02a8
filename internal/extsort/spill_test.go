package extsort

import (
	"bytes"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"holdfast/internal/vfs"
)

func added(t *testing.T, records []record) *Sorter {
	t.Helper()
	s := New(Config{Memory: MinMemory, Dir: t.TempDir(), Jobs: 1})
	addAll(t, s, records)
	return s
}

// Disorder decides how many runs there are, and so what merging costs.
func TestRunsFollowTheDisorder(t *testing.T) {
	t.Parallel()
	const n = 50_000
	inOrder := wanted(shuffled(n))
	nearly := slices.Clone(inOrder)
	for i := 0; i+100 < n; i += 17 {
		nearly[i], nearly[i+100] = nearly[i+100], nearly[i]
	}
	oneLate := slices.Concat(inOrder[1:n-20], inOrder[:1], inOrder[n-20:])
	reversed := slices.Clone(inOrder)
	slices.Reverse(reversed)
	for _, c := range []struct {
		name        string
		records     []record
		least, most int
	}{
		{"in order", inOrder, 1, 1},
		{"nearly in order", nearly, 1, 1},
		{"one record very late", oneLate, 2, 2},
		{"reversed", reversed, 10, 32},
		{"shuffled", shuffled(n), 10, 32},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := added(t, c.records)
			if got := len(s.store.memory); c.name == "in order" && got > 1 {
				t.Errorf("%d runs in memory, want one", got)
			}
			sorted, err := s.Sort()
			if err != nil {
				t.Fatal(err)
			}
			defer sorted.Close()
			if got := len(sorted.store.disk); got < c.least || got > c.most {
				t.Errorf("%d runs, want %d to %d", got, c.least, c.most)
			}
			same(t, collected(t, sorted), wanted(c.records))
		})
	}
}

// 40-byte records with keys that share much take well under their own size,
// also when there are so many runs that some are merged twice.
func TestTemporarySpace(t *testing.T) {
	t.Parallel()
	var input int64
	records := shuffled(400_000)
	for _, r := range records {
		input += int64(len(r.Key) + len(r.Value))
	}
	s := added(t, records)
	if len(s.store.disk) < 3*s.store.layout.fanIn/2 {
		t.Fatalf("%d runs: the test wants more than are merged at once", len(s.store.disk))
	}
	if space := size(s.store.files); float64(space) > 0.9*float64(input) {
		t.Errorf("%d bytes of spill for %d bytes of records", space, input)
	}
	sorted, err := s.Sort()
	if err != nil {
		t.Fatal(err)
	}
	defer sorted.Close()
	if got, most := len(sorted.store.disk), sorted.store.layout.fanIn; got > most {
		t.Errorf("%d runs left, at most %d can be merged at once", got, most)
	}
	if space := size(sorted.store.files); space > input {
		t.Errorf("after merging, %d bytes of spill for %d bytes of records", space, input)
	}
}

func size(files []*spillFile) (bytes int64) {
	for _, f := range files {
		bytes += f.size
	}
	return bytes
}

// What is remembered of the runs stays bounded while records are added, and a
// run is continued only where nothing was written in between.
func TestManyRuns(t *testing.T) {
	t.Parallel()
	records := wanted(shuffled(16_000))
	for first := 0; first < len(records); first += 250 {
		slices.Reverse(records[first:][:130])
	}
	l := tiny()
	l.fanIn = 13 // three runs a file: a merged run comes to stand between two others
	l.read = int64(l.fanIn * l.window)
	s := newSorter(l, Config{Dir: t.TempDir(), Jobs: 1, FS: vfs.OS{}})
	for i, r := range records {
		if err := s.Add(r.Key, r.Value); err != nil {
			t.Fatal(err)
		}
		if i%50 == 0 {
			accounts(t, s.store)
		}
	}
	sorted := sortAll(t, s, nil)
	defer sorted.Close()
	same(t, collected(t, sorted), wanted(records))
}

// Equal keys keep their order in a batch, however far into the key one has to
// look, and however many there are.
func TestLongEqualKeys(t *testing.T) {
	t.Parallel()
	for _, shared := range []int{0, 6, 7, 8, 60, 70, 500} {
		var records []record
		for i, r := range shuffled(1500) {
			end := "abc"[r.Key[len(r.Key)-1]%3:][:1]
			records = append(records, record{[]byte(strings.Repeat("x", shared) + end), []byte{byte(i >> 8), byte(i)}})
		}
		sorted := sortAll(t, New(Config{Memory: 32 << 20}), records)
		same(t, collected(t, sorted), wanted(records))
		sorted.Close()
	}
}

func TestCheapestNeighbours(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lengths []int64
		n, want int
	}{
		{[]int64{1, 1}, 2, 0},
		{[]int64{5, 1, 1, 5}, 2, 1},
		{[]int64{5, 1, 1, 1}, 2, 1}, // the first of equals
		{[]int64{5, 4, 3, 2}, 3, 1},
		{[]int64{1, 9, 1, 1, 9}, 3, 0},
	} {
		runs := make([]*run, len(c.lengths))
		for i, l := range c.lengths {
			runs[i] = &run{length: l}
		}
		if got := cheapest(runs, c.n); got != c.want {
			t.Errorf("cheapest %d of %v: %d, want %d", c.n, c.lengths, got, c.want)
		}
	}
}

// The heap, after collection, never holds more than Config.Memory and a little
// for what does not grow with it: looked at during every 30th call to the file
// system (so while spilling and merging) and at each stage.
func TestMemoryIsBounded(t *testing.T) {
	for _, c := range []struct {
		name    string
		jobs    int
		memory  int64
		records int
	}{
		{"least", 1, MinMemory, 150_000},
		{"least, two jobs", 2, MinMemory, 150_000},
		{"4 MiB", 2, 4 << 20, 200_000},
		{"fits", 2, 16 << 20, 100_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, most := heap(), int64(0)
			probe := func(o vfs.Op) error {
				if o.N%30 == 0 {
					most = max(most, heap()-base)
				}
				return nil
			}
			s := New(Config{Memory: c.memory, Dir: t.TempDir(), Jobs: c.jobs, FS: vfs.NewFaulty(vfs.OS{}, probe)})
			defer s.Close()
			records := scaled(c.records)
			x := uint64(1)
			var key [40]byte
			for range records {
				x = x*6364136223846793005 + 1442695040888963407
				if err := s.Add(AppendInt64(key[:0], int64(x)), key[:32]); err != nil {
					t.Fatal(err)
				}
			}
			sorted, err := s.Sort()
			if err != nil {
				t.Fatal(err)
			}
			defer sorted.Close()
			n := 0
			for range sorted.All(&err) {
				if n++; n%(records/4) == 1 {
					most = max(most, heap()-base)
				}
			}
			if err != nil || n != records {
				t.Errorf("read %d records: %v", n, err)
			}
			if most > c.memory+64<<10 {
				t.Errorf("%d bytes in use, limit %d", most, c.memory)
			}
			t.Logf("%d of %d bytes", most, c.memory)
		})
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Records larger than every buffer, and keys that differ only at their end.
func TestLargeRecords(t *testing.T) {
	t.Parallel()
	var records []record
	long := strings.Repeat("long ", 40_000) // 200 kB
	for i := range 12 {
		records = append(records,
			record{[]byte(long + string(rune('z'-i))), []byte{byte(i)}},
			record{[]byte{byte(i % 3)}, bytes.Repeat([]byte{byte(i)}, 1<<20)},
			record{[]byte(long[:100]), nil},
		)
	}
	sorted := sortAll(t, New(Config{Memory: MinMemory, Dir: t.TempDir()}), records)
	defer sorted.Close()
	same(t, collected(t, sorted), wanted(records))

	s := New(Config{Memory: MinMemory, Dir: t.TempDir()})
	defer s.Close()
	if err := s.Add(make([]byte, MaxRecord), []byte{1}); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("a record of more than MaxRecord: %v", err)
	}
	if err := s.Add(nil, nil); err != nil {
		t.Errorf("the sorter does not go on after refusing a record: %v", err)
	}
}

// Where an open file cannot be removed, it goes when the sorter is closed, at
// whatever point that is.
func TestTempFilesGoWithoutUnlink(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"close while adding", "close sorted", "stop a range, close sorted"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := New(Config{Memory: MinMemory, Dir: dir, FS: &noUnlink{FS: vfs.OS{}, open: map[string]bool{}}})
			addAll(t, s, shuffled(scaled(150_000)))
			if left, _ := os.ReadDir(dir); len(left) == 0 {
				t.Fatal("the test wants files with names")
			}
			if end != "close while adding" {
				sorted, err := s.Sort()
				if err != nil {
					t.Fatal(err)
				}
				if end != "close sorted" {
					for range sorted.All(&err) {
						break
					}
				}
				sorted.Close()
			}
			s.Close()
			emptyDir(t, dir)
		})
	}
}
