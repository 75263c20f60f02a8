package pace

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Timers against a sorted slice, with few times so that many are equal.
func TestTimers(t *testing.T) {
	t.Parallel()
	type entry struct {
		at  time.Duration
		set int
		key int32
	}
	draw := rand.New(rand.NewPCG(1, 1))
	var heap timers
	var twin []entry
	for n := range 100_000 {
		key := int32(draw.IntN(200))
		at := time.Duration(draw.IntN(20))
		i := slices.IndexFunc(twin, func(e entry) bool { return e.key == key })
		switch draw.IntN(5) {
		case 0:
			now := time.Duration(draw.IntN(25))
			got, when, ok := heap.take(now)
			slices.SortFunc(twin, func(a, b entry) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.set, b.set)) })
			if want := len(twin) > 0 && twin[0].at <= now; ok != want || ok && (got != twin[0].key || when != twin[0].at) {
				t.Fatalf("step %d: took %d at %v, %v; want %+v", n, got, when, ok, twin[:min(1, len(twin))])
			}
			if ok {
				twin = twin[1:]
			}
			continue
		case 1:
			heap.clear(key)
		case 2:
			heap.put(key, Never)
		default:
			heap.put(key, at)
			if i >= 0 && twin[i].at == at {
				continue // as it was
			}
			if i >= 0 {
				twin = slices.Delete(twin, i, i+1)
			}
			twin = append(twin, entry{at, n, key})
			continue
		}
		if i >= 0 {
			twin = slices.Delete(twin, i, i+1)
		}
		if heap.next() == Never != (len(twin) == 0) {
			t.Fatalf("step %d: next is %v of %d", n, heap.next(), len(twin))
		}
	}
}
