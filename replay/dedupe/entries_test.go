package dedupe

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/replay/ingest"
)

// The table against a map, through several sizes of itself.
func TestTableIsItsTwin(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	var table table
	for _, distinct := range []int{1, 10, 1000, 300_000} {
		table.reset(distinct / 2)
		twin := map[uint32]int{}
		again := false
		for range 2 * distinct {
			h := uint32(random.IntN(distinct)) * 0x9e3779b1 >> 2 // the table knows 30 bits
			table.add(h)
			twin[h]++
			again = again || twin[h] > 1
		}
		for h, n := range twin {
			if table.repeated(h) != (n > 1) {
				t.Fatalf("%d distinct: hash %x was added %d times, repeated says %v", distinct, h, n, n < 2)
			}
		}
		if table.again != again {
			t.Fatalf("%d distinct: again is %v", distinct, table.again)
		}
	}
}

// Every record whose hash is repeated is found, wherever entries are kept.
func TestRepeated(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	for _, budget := range []int64{0, 20_000, 1 << 30} {
		s, err := newStore(1<<17, budget, func() (*spool, error) { return newSpool(vfs.OS{}, t.TempDir()) })
		if err != nil {
			t.Fatal(err)
		}
		var all []uint64
		var x index
		var w sorter
		for range 40 {
			hashes := make([]uint64, 1+random.IntN(3000))
			for i := range hashes {
				hashes[i] = random.Uint64() * random.Uint64N(2) // some zero: no entry
				if len(all) > 0 && random.IntN(20) == 0 {
					hashes[i] = all[random.IntN(len(all))]
				}
			}
			c := &chunk{offset: int64(len(all)), records: len(hashes)}
			if c.entries, err = s.put(&w, hashes); err != nil {
				t.Fatal(err)
			}
			x.chunks, all = append(x.chunks, c), append(all, hashes...)
		}
		x.seal(0)
		found, err := s.repeated(context.Background(), &x, 2, 5000)
		if err != nil {
			t.Fatal(err)
		}
		count := map[uint64]int{}
		for _, h := range all {
			count[h]++
		}
		for i, h := range all {
			if want := h != 0 && count[h] > 1; found.has(int64(i+1)) != want {
				t.Fatalf("budget %d: record %d with hash %x: %v, want %v", budget, i+1, h, !want, want)
			}
		}
		s.close()
	}
}

// More records than an entry can number, in one chunk: the first of B stands
// where the numbers would begin again.
func TestVeryShortRecords(t *testing.T) {
	t.Parallel()
	const short = maxRecords - 1
	a, b := at("A", "000", "1"), at("B", "000", "1")
	text := header + a + strings.Repeat(",,\n", short) + b + "\n" + b
	got, r := dedupe(t, text, Config{Read: ingest.Options{MaxBad: allowBad}, chunk: 1 << 19})
	if got != header+a+b || r.RowsIn != short+3 || r.Rejected != short || r.Removed != 1 {
		t.Errorf("%+v gives %q", r, got)
	}
	if line := r.Rejects[0].Line; line != 3 {
		t.Errorf("first reject on line %d", line)
	}
}

func TestBitset(t *testing.T) {
	t.Parallel()
	for n := int64(1); n <= 200; n++ {
		b := newBitset(200)
		b.set(n)
		for first := int64(1); first <= 200; first += 7 {
			for last := first - 1; last <= 200; last += 5 {
				if want := first <= n && n <= last; b.any(first, last) != want {
					t.Fatalf("{%d}.any(%d, %d) is %v", n, first, last, !want)
				}
			}
		}
		if b.count() != 1 || !b.has(n) {
			t.Fatalf("count %d, has(%d) %v", b.count(), n, b.has(n))
		}
	}
	if none := bitset(nil); none.has(5) || none.any(1, 9) {
		t.Error("no set has something")
	}
}
