package logs

import (
	"bytes"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// number draws the spelling of a number.
func number(t *rapid.T, name string) string {
	return rapid.StringMatching(`[+-]?(0{0,2}[0-9]{1,4}(\.[0-9]{0,4})?|\.[0-9]{1,4}|[0-9]{25})([eE][+-]?[0-9])?`).Draw(t, name)
}

func TestDecimalsInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := number(t, "a"), number(t, "b")
		ra, okA := new(big.Rat).SetString(a)
		rb, okB := new(big.Rat).SetString(b)
		if !okA || !okB {
			t.Fatalf("%s or %s is not a number", a, b)
		}
		ka, okA := appendPart(nil, asDecimal, []byte(a), true)
		kb, okB := appendPart(nil, asDecimal, []byte(b), true)
		if !okA || !okB {
			t.Fatalf("%s: %v, %s: %v", a, okA, b, okB)
		}
		if got, want := bytes.Compare(ka, kb), ra.Cmp(rb); got != want {
			t.Fatalf("%s and %s compare as %d: %x, %x", a, b, got, ka, kb)
		}
		// Behind another column too.
		ka, kb = append(ka, 0xff), append(kb, 0)
		if got, want := bytes.Compare(ka, kb), ra.Cmp(rb); want != 0 && got != want {
			t.Fatalf("%s and %s compare as %d with something behind them", a, b, got)
		}
	})
}

func TestNoNumbers(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "-", ".", "-.", "e5", "1e", "1e+", "1e1.5", "1.2.3", "0x10", "1_000", " 1", "NaN", "Inf", "1e2000000000", "1e99999999999999999999"} {
		if fits(asDecimal, []byte(s)) {
			t.Errorf("%q is accepted as decimal", s)
		}
	}
	for _, s := range []string{"", "-", "1.0", "1e3", "9223372036854775808", "-9223372036854775809", "99999999999999999999", "１"} {
		if fits(asInt, []byte(s)) {
			t.Errorf("%q is accepted as int", s)
		}
	}
}

func TestIntsInOrder(t *testing.T) {
	t.Parallel()
	var previous []byte
	for _, s := range []string{"-9223372036854775808", "-10", "-9", "0", "+7", "0010", "9223372036854775807"} {
		key, ok := appendPart(nil, asInt, []byte(s), true)
		if !ok || bytes.Compare(previous, key) >= 0 {
			t.Errorf("%s: %v, %x after %x", s, ok, key, previous)
		}
		previous = key
	}
}
