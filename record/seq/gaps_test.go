package seq

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"holdfast/internal/soak"
)

// The list of gaps against a map from each missing sequence to its fate.
func TestGapsAgainstMap(t *testing.T) {
	t.Parallel()
	for seed := range uint64(soak.Rounds(4, 15)) {
		draw := rand.New(rand.NewPCG(seed, 0))
		var g gapList
		twin := map[uint64]run{}
		top := uint64(0)
		for step := range 3000 {
			switch n := draw.IntN(20); {
			case n < 9 || top == 0: // a packet ahead, or a gap that touches the last
				from := top + draw.Uint64N(2)
				top = from + 1 + draw.Uint64N(1+draw.Uint64N(6))
				g.append(run{first: from, end: top, seen: time.Duration(step)})
				for s := from; s < top; s++ {
					twin[s] = run{}
				}
			case n < 15:
				seq := draw.Uint64N(top + 2)
				_, want := twin[seq]
				if _, got := g.cut(seq); got != want {
					t.Fatalf("seed %d: cut(%d) is %t", seed, seq, got)
				}
				delete(twin, seq)
			default:
				first := draw.Uint64N(top)
				end := first + 1 + draw.Uint64N(40)
				tries, released := uint8(draw.IntN(2)), draw.IntN(2) == 0
				g.mark(first, end, func(r *run) { r.tries, r.released = tries, released })
				for s := first; s < end; s++ {
					if _, ok := twin[s]; ok {
						twin[s] = run{tries: tries, released: released}
					}
				}
			}
			if step%100 == 99 {
				compareGaps(t, &g, twin, top)
			}
		}
		if len(g.spare) > 4 {
			t.Errorf("%d spare chunks", len(g.spare))
		}
	}
}

func compareGaps(t *testing.T, g *gapList, twin map[uint64]run, top uint64) {
	t.Helper()
	var above, last, stretches uint64
	runs := 0
	for s := top + 1; s > 0; s-- {
		seq := s - 1
		want, missing := twin[seq]
		r := g.covering(seq)
		if (r != nil) != missing || missing && !r.alike(&want) {
			t.Fatalf("at %d: %+v, want %+v (%t)", seq, r, want, missing)
		}
		if got := g.above(seq); got != above {
			t.Fatalf("above(%d) is %d, want %d", seq, got, above)
		}
		if missing {
			above++
			if stretches == 0 || last != seq+1 {
				stretches++
			}
			last = seq
		}
	}
	end := uint64(0)
	for _, k := range g.chunks {
		if len(k.runs) == 0 || len(k.runs) > chunkRuns {
			t.Fatalf("a chunk of %d runs", len(k.runs))
		}
		for _, r := range k.runs {
			if r.first < end || r.end <= r.first {
				t.Fatalf("run %+v after %d", r, end)
			}
			end = r.end
			runs++
		}
	}
	if g.missing != above || g.runs != runs || g.stretches() != stretches {
		t.Fatalf("%d missing in %d runs, %d stretches; want %d, %d, %d", g.missing, g.runs, g.stretches(), above, runs, stretches)
	}
}

// Gaps that come and go do not allocate, and neighbours become one again.
func TestGapsJoin(t *testing.T) {
	var g gapList
	g.append(run{first: 0, end: 1000})
	for s := uint64(1); s < 1000; s += 2 {
		g.mark(s, s+1, func(r *run) { r.tries = 1 })
	}
	if g.runs != 1000 {
		t.Fatalf("%d runs, want 1000", g.runs)
	}
	g.mark(0, 1000, func(r *run) { r.tries = 1 })
	if g.runs != 1 || g.missing != 1000 {
		t.Fatalf("%d runs with %d, want 1 with 1000", g.runs, g.missing)
	}
	var small gapList
	if n := testing.AllocsPerRun(1000, func() {
		small.append(run{first: 5, end: 9})
		for s := uint64(5); s < 9; s++ {
			small.cut(s)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// What waits, against a map.
func TestHeldAgainstMap(t *testing.T) {
	t.Parallel()
	for seed := range uint64(soak.Rounds(2, 10)) {
		draw := rand.New(rand.NewPCG(seed, 0))
		var h heldRing
		twin := map[uint64]heldPacket{}
		for range 4000 {
			switch n := draw.IntN(10); {
			case n < 5:
				seq := h.next + draw.Uint64N(100)
				if draw.IntN(20) == 0 {
					seq = h.next + draw.Uint64N(4*ringMax)
				}
				if draw.IntN(20) == 0 && h.next > 50 {
					seq = h.next - draw.Uint64N(50)
				}
				if _, ok := twin[seq]; ok {
					continue
				}
				p := heldPacket{size: draw.Uint32N(100), answer: draw.IntN(2) == 0, there: true}
				h.add(seq, p)
				twin[seq] = p
			case n < 8:
				seq := h.next + draw.Uint64N(100)
				if len(h.below) > 0 {
					seq = h.below[0].seq
				}
				want, ok := twin[seq]
				if got, there := h.take(seq); there != ok || got != want {
					t.Fatalf("seed %d: take(%d) is %+v, %t, want %+v, %t", seed, seq, got, there, want, ok)
				}
				delete(twin, seq)
			default:
				h.advance(h.next + draw.Uint64N([]uint64{2, 2, 2, 50, 2 * ringMax}[draw.IntN(5)]))
			}
			checkHeld(t, &h, twin)
		}
	}
}

func checkHeld(t *testing.T, h *heldRing, twin map[uint64]heldPacket) {
	t.Helper()
	var bytes int64
	for seq, p := range twin {
		bytes += int64(p.size)
		if got := h.has(seq); got != (seq >= h.next) {
			t.Fatalf("has(%d) is %t, next %d", seq, got, h.next)
		}
	}
	if h.n != len(twin) || h.bytes != bytes {
		t.Fatalf("%d packets of %d bytes, want %d of %d", h.n, h.bytes, len(twin), bytes)
	}
}

func TestBufferAgainstSlice(t *testing.T) {
	t.Parallel()
	draw := rand.New(rand.NewPCG(1, 0))
	var b sortedBuffer
	var twin []uint64
	for range 20000 {
		seq := draw.Uint64N(500)
		i, ok := slices.BinarySearch(twin, seq)
		if draw.IntN(2) == 0 && len(twin) > 0 { // mostly from below
			if draw.IntN(4) > 0 {
				seq, i, ok = twin[0], 0, true
			}
			if _, got := b.take(seq); got != ok {
				t.Fatalf("take(%d) is %t", seq, got)
			}
			if ok {
				twin = slices.Delete(twin, i, i+1)
			}
		} else if !ok {
			b.add(seq, heldPacket{size: 1})
			twin = slices.Insert(twin, i, seq)
		}
		above, _ := slices.BinarySearch(twin, seq+1)
		if got := b.countAbove(seq); got != len(twin)-above || len(b.waiting()) != len(twin) || b.bytes != int64(len(twin)) {
			t.Fatalf("%d above %d of %d (%d bytes), want %d of %d", got, seq, len(b.waiting()), b.bytes, len(twin)-above, len(twin))
		}
	}
}
