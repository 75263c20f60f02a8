package record

import (
	"encoding/json"
	"testing"
)

// TestNumbers compares isNumber with encoding/json, for all words of six
// letters of those that numbers have.
func TestNumbers(t *testing.T) {
	t.Parallel()
	const letters = "-+.eE019x"
	word := make([]byte, 0, 6)
	var all func()
	all = func() {
		if got, want := isNumber(word), json.Valid(word) && len(word) > 0; got != want {
			t.Fatalf("%q: %v, want %v", word, got, want)
		}
		for i := 0; i < len(letters) && len(word) < cap(word); i++ {
			word = append(word, letters[i])
			all()
			word = word[:len(word)-1]
		}
	}
	all()
}

// TestOrdinary tries every byte at every place between bytes that are ordinary.
func TestOrdinary(t *testing.T) {
	t.Parallel()
	for place := range 8 {
		for v := range 256 {
			for _, other := range []uint64{' ', 'z', 0x7f, 0x80, 0xff} {
				w := other * each01
				w = w&^(0xff<<(8*place)) | uint64(v)<<(8*place)
				if got, want := ordinary(w), v != '"' && v != '\\' && v >= ' '; got != want {
					t.Fatalf("%016x: %v, want %v", w, got, want)
				}
			}
		}
	}
}
