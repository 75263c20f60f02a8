package fetch

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestKeywords compares the automaton with bytes.Contains, whatever the words
// share and however the body is cut into reads.
func TestKeywords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("abAB.")), 0, 60, -1)
		words := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("abAB")), 1, 4, -1), 0, 6).Draw(t, "words")
		body := []byte(text.Draw(t, "body"))
		ignoreCase := rapid.Bool().Draw(t, "ignore case")

		var f Finder
		f.Reset(NewKeywords(words, ignoreCase))
		for rest := body; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "read")
			f.Write(rest[:n])
			rest = rest[n:]
		}
		if got, want := f.Found(), contained(body, words, ignoreCase); !slices.Equal(got, want) {
			t.Fatalf("%q in %q: found %q, want %q", words, body, got, want)
		}
	})
}

func contained(body []byte, words []string, ignoreCase bool) (found []string) {
	for _, w := range words {
		in, what := body, []byte(w)
		if ignoreCase {
			in, what = bytes.ToLower(in), bytes.ToLower(what)
		}
		if bytes.Contains(in, what) {
			found = append(found, w)
		}
	}
	return found
}

// TestKeywordBytes holds all 256 bytes in the words.
func TestKeywordBytes(t *testing.T) {
	var all []byte
	for c := range 256 {
		all = append(all, byte(c))
	}
	var f Finder
	f.Reset(NewKeywords([]string{string(all), "\x00\xff"}, false))
	f.Write(append([]byte("x"), all...))
	if got := f.Found(); !slices.Equal(got, []string{string(all)}) {
		t.Fatalf("found %q", got)
	}
}

func BenchmarkKeywords(b *testing.B) {
	body := bytes.Repeat([]byte("call me Ishmael, some years ago "), 2048)
	k := NewKeywords([]string{"Herman", "whale", "Pequod"}, false)
	var f Finder
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		f.Reset(k)
		f.Write(body)
	}
}
