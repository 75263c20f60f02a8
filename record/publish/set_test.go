package publish

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// A Set against a map, near both ends of the numbers too.
func TestSetAgainstMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s Set
		twin := map[uint64]bool{}
		any := rapid.OneOf(rapid.Uint64Range(0, 12), rapid.Uint64Range(math.MaxUint64-6, math.MaxUint64))
		for range rapid.IntRange(0, 40).Draw(t, "n") {
			x := any.Draw(t, "x")
			if added := s.Add(x); added == twin[x] {
				t.Fatalf("added %d: %t", x, added)
			}
			twin[x] = true
			if s.Len() != uint64(len(twin)) {
				t.Fatalf("%d, want %d", s.Len(), len(twin))
			}
			for i, r := range s.runs {
				if r.first > r.last || i > 0 && s.runs[i-1].last+1 >= r.first {
					t.Fatalf("runs %v", s.runs)
				}
			}
			if y := any.Draw(t, "y"); s.Has(y) != twin[y] {
				t.Fatalf("has %d: %t", y, s.Has(y))
			}
		}
		if len(twin) == 0 {
			return
		}
		a := anchor{7, s.runs[0].last, 3}
		data, ok := appendSnapshot(nil, a, &s)
		b, back, err := readSnapshot(data)
		if !ok || err != nil || b != a || back.Len() != s.Len() {
			t.Fatalf("%v %v %v %v", ok, err, b, back)
		}
		for x := range twin {
			if !back.Has(x) {
				t.Fatalf("%d is lost", x)
			}
		}
	})
}

// What is read as a snapshot is written so again; nothing panics.
func FuzzSnapshot(f *testing.F) {
	var s Set
	for _, x := range []uint64{1, 2, 3, 9, math.MaxUint64} {
		s.Add(x)
	}
	data, _ := appendSnapshot(nil, anchor{5, 9, 2}, &s)
	f.Add(data)
	f.Add([]byte{1, 5, 9, 2, 1, 9, 0})
	f.Add([]byte{1, 5, 9, 2, 0x80, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		a, s, err := readSnapshot(data)
		if err != nil {
			return
		}
		if again, ok := appendSnapshot(nil, a, &s); ok && !bytes.Equal(again, data) {
			t.Fatalf("%x became %x", data, again)
		}
	})
}

// What does not fit a message of the engine is not made.
func TestSnapshotBounds(t *testing.T) {
	t.Parallel()
	var s Set
	for x := range uint64(maxSnapshot/2 - 10) {
		s.Add(3 * x)
	}
	if data, ok := appendSnapshot(nil, anchor{5, 9, 2}, &s); !ok {
		t.Errorf("%d bytes are refused", len(data))
	}
	for x := range uint64(20) {
		s.Add(3 * (maxSnapshot + x))
	}
	if _, ok := appendSnapshot(nil, anchor{5, 9, 2}, &s); ok {
		t.Error("too much is taken")
	}
	if _, ok := appendSnapshot(nil, anchor{at: 5}, &s); ok {
		t.Error("a snapshot that nothing can be known by")
	}
}
