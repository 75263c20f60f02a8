package record

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"holdfast/record/seq"
)

// TestKept compares kept with a map, for sequences that share slots.
func TestKept(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k, twin := newKept(), map[uint64]byte{}
		source := make([]byte, 3) // overwritten, as a source does
		sequence := rapid.Custom(func(t *rapid.T) uint64 {
			return rapid.Uint64Range(0, 3).Draw(t, "low") + keptSlots*rapid.Uint64Range(0, 3).Draw(t, "high")
		})
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				s := sequence.Draw(t, "sequence")
				if _, there := twin[s]; there {
					return
				}
				source[0] = rapid.Byte().Draw(t, "byte")
				k.put(seq.Packet{Sequence: s, Payload: source[:1+source[0]%3]})
				twin[s] = source[0]
			},
			"drop": func(t *rapid.T) {
				s := sequence.Draw(t, "sequence")
				k.drop(s)
				delete(twin, s)
			},
			"": func(t *rapid.T) {
				if got, want := slices.Sorted(k.sequences()), slices.Sorted(maps.Keys(twin)); !slices.Equal(got, want) || k.n != len(want) {
					t.Fatalf("%d: %v, want %v", k.n, got, want)
				}
				for s, b := range twin {
					if p, ok := k.get(s); !ok || p.Sequence != s || p.Payload[0] != b || len(p.Payload) != 1+int(b)%3 {
						t.Fatalf("%d: %v %v, want %d", s, p, ok, b)
					}
				}
			},
		})
	})
}
