package extsort_test

import (
	"bytes"
	"cmp"
	"math"
	"testing"

	"pgregory.net/rapid"

	"holdfast/internal/extsort"
)

func TestInt64KeysCompareAsNumbers(t *testing.T) {
	t.Parallel()
	values := []int64{math.MinInt64, math.MinInt64 + 1, -256, -1, 0, 1, 255, 256, math.MaxInt64}
	for i, a := range values {
		for j, b := range values {
			ka, kb := extsort.AppendInt64(nil, a), extsort.AppendInt64(nil, b)
			if bytes.Compare(ka, kb) != cmp.Compare(i, j) {
				t.Errorf("keys of %d and %d compare as %d", a, b, bytes.Compare(ka, kb))
			}
		}
		if got, rest := extsort.ReadInt64(append(extsort.AppendInt64(nil, a), 'x')); got != a || string(rest) != "x" {
			t.Errorf("read back %d as %d, rest %q", a, got, rest)
		}
	}
}

// Keys of two parts compare as the pairs do, and read back.
func TestStringKeysCompareAsTexts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune{0, 1, 'a', 'b', 0xff, 0x10ffff}), 0, 6, -1)
		a1, a2, b1, b2 := text.Draw(t, "a1"), rapid.Int64().Draw(t, "a2"), text.Draw(t, "b1"), rapid.Int64().Draw(t, "b2")
		ka := extsort.AppendInt64(extsort.AppendString(nil, a1), a2)
		kb := extsort.AppendInt64(extsort.AppendString(nil, []byte(b1)), b2)
		if got, want := bytes.Compare(ka, kb), cmp.Or(cmp.Compare(a1, b1), cmp.Compare(a2, b2)); got != want {
			t.Fatalf("keys compare as %d, values as %d", got, want)
		}
		before := bytes.Clone(ka)
		s, rest := extsort.ReadString(ka)
		n, rest := extsort.ReadInt64(rest)
		if string(s) != a1 || n != a2 || len(rest) > 0 || !bytes.Equal(ka, before) {
			t.Fatalf("read back %q %d, rest %q", s, n, rest)
		}
	})
}
