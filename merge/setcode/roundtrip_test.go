package setcode

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// roundTrip encodes and decodes in a mode, behind a few other bits.
func roundTrip(t *testing.T, mode Mode, set []uint64, universe uint64) Payload {
	t.Helper()
	p := Encode(mode, set, universe)
	var w Writer
	w.Write(5, 3)
	w.Payload(p)
	r := NewReader(w.Words())
	r.Read(3)
	back, err := Decode(nil, mode, r, len(set), universe)
	if err != nil || !slices.Equal(back, set) {
		t.Fatalf("%v of %v in %d: decoded %v, %v", mode, set, universe, back, err)
	}
	return p
}

func TestEverySubset(t *testing.T) {
	const universe = 13
	for bits := range 1 << universe {
		var set []uint64
		for v := range uint64(universe) {
			if bits>>v&1 != 0 {
				set = append(set, v)
			}
		}
		roundTrip(t, Counted, set, universe)
		roundTrip(t, Adaptive, set, universe)
	}
}

func TestRandomSets(t *testing.T) {
	rounds := 100_000
	if testing.Short() {
		rounds = 5_000
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range rounds {
		universe := 1 + rng.Uint64N(1<<rng.IntN(33))
		if rng.IntN(50) == 0 {
			universe = MaxUniverse - rng.Uint64N(1000)
		}
		set := draw(rng, rng.IntN(int(min(universe, 60))+1), universe)
		p := roundTrip(t, Counted, set, universe)
		checkLength(t, p, set, universe)
		q := roundTrip(t, Adaptive, set, universe)
		if best := Best(set, universe); best.Bits != min(p.Bits, q.Bits) || best.Bits > MaxBits(len(set)) {
			t.Fatalf("best of %d and %d is %d", p.Bits, q.Bits, best.Bits)
		}
	}
}

// draw gives m different slots.
func draw(rng *rand.Rand, m int, universe uint64) []uint64 {
	seen := map[uint64]bool{}
	for len(seen) < m {
		seen[rng.Uint64N(universe)] = true
	}
	set := make([]uint64, 0, m)
	for v := range seen {
		set = append(set, v)
	}
	slices.Sort(set)
	return set
}

// checkLength holds a counted payload against what it may take.
func checkLength(t *testing.T, p Payload, set []uint64, universe uint64) {
	t.Helper()
	m := float64(len(set))
	lgamma := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	u := float64(universe)
	information := (lgamma(u+1) - lgamma(m+1) - lgamma(u-m+1)) / math.Ln2
	if float64(p.Bits) > information+0.04*m+8 {
		t.Fatalf("%d values in %d: %d bits, the information is %.1f", len(set), universe, p.Bits, information)
	}
}

// Sets that a model could be led astray by.
func TestAdversarialLengths(t *testing.T) {
	for _, universe := range []uint64{100, 5000, 1 << 20, 1 << 31, 1 << 32} {
		for _, m := range []uint64{1, 2, 10, 90, 2500, 20_000} {
			if m > universe {
				continue
			}
			for name, at := range map[string]func(i uint64) uint64{
				"low end":   func(i uint64) uint64 { return i },
				"high end":  func(i uint64) uint64 { return universe - m + i },
				"both ends": func(i uint64) uint64 { return i + (universe-m)*(2*i/m) },
				"even":      func(i uint64) uint64 { return i * (universe / m) },
				"half dense": func(i uint64) uint64 {
					if i < m/2 {
						return i
					}
					return m/2 + (i-m/2)*((universe-m/2)/(m-m/2))
				},
				"powers": func(i uint64) uint64 { return min(universe-m, 1<<min(i, 40)) + i },
			} {
				set := make([]uint64, m)
				for i := range set {
					set[i] = at(uint64(i))
				}
				if !slices.IsSorted(set) || set[m-1] >= universe || len(slices.Compact(slices.Clone(set))) != int(m) {
					t.Fatalf("%s: not a set", name)
				}
				checkLength(t, roundTrip(t, Counted, set, universe), set, universe)
				roundTrip(t, Adaptive, set, universe)
			}
		}
	}
}

func TestLift(t *testing.T) {
	list := []uint64{3, 3, 3, 7, 7, 9}
	Lift(list)
	if want := []uint64{3, 4, 5, 10, 11, 14}; !slices.Equal(list, want) {
		t.Errorf("lifted %v, want %v", list, want)
	}
	Unlift(list)
	if want := []uint64{3, 3, 3, 7, 7, 9}; !slices.Equal(list, want) {
		t.Errorf("unlifted %v, want %v", list, want)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct {
		mode     Mode
		m        int
		universe uint64
	}{
		{Counted, 3, 2}, {Counted, -1, 2}, {Complement, 1, 2}, {Reserved, 1, 2}, {Counted, 1, MaxUniverse + 1}, {Adaptive, 5, 4},
	} {
		if got, err := Decode(nil, c.mode, NewReader([]int32{1, 2, 3}), c.m, c.universe); err == nil {
			t.Errorf("%+v: decoded %v", c, got)
		}
	}
	// A number that is too long, and one that is cut off.
	for _, words := range [][]int32{{0, 0, 0, 0}, {1}, {}} {
		r := NewReader(words)
		if r.EG(0); !r.Short() {
			t.Errorf("%v: a whole number", words)
		}
	}
}

func TestNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for k := range 13 {
		var w Writer
		var want []uint64
		for range 1000 {
			v := rng.Uint64() >> (3 + rng.IntN(61))
			before := w.Len()
			w.EG(k, v)
			want = append(want, v)
			if w.Len()-before != EGBits(k, v) {
				t.Fatalf("EG%d(%d) has %d bits, not %d", k, v, w.Len()-before, EGBits(k, v))
			}
		}
		r := NewReader(w.Words())
		for i, v := range want {
			if got := r.EG(k); got != v || r.Short() {
				t.Fatalf("EG%d(%d): number %d reads as %d", k, v, i, got)
			}
		}
		if r.Pos() != w.Len() {
			t.Fatalf("read %d bits of %d", r.Pos(), w.Len())
		}
	}
}

// Whatever the bits are, a decoder ends, gives m strictly increasing slots or
// an error, and what it accepts encodes again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{0x9f, 0x80}, byte(0), uint16(3), uint64(12))
	f.Add([]byte{0x04, 0x8c}, byte(1), uint16(3), uint64(12))
	f.Add([]byte{}, byte(0), uint16(10), uint64(10))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, byte(1), uint16(500), uint64(1<<32))
	f.Fuzz(func(t *testing.T, b []byte, mode byte, m uint16, universe uint64) {
		universe %= MaxUniverse + 2
		var w Writer
		w.Payload(Payload{Bits: 8 * len(b), Bytes: b})
		set, err := Decode(nil, Mode(mode&3), NewReader(w.Words()), int(m), universe)
		if err != nil {
			return
		}
		if len(set) != int(m) || cap(set) > max(int(m), firstRoom) {
			t.Fatalf("%d slots, room for %d, of %d", len(set), cap(set), m)
		}
		for i, v := range set {
			if v >= universe || i > 0 && v <= set[i-1] {
				t.Fatalf("%v is no set in %d", set, universe)
			}
		}
		roundTrip(t, Mode(mode&3), set, universe)
	})
}
