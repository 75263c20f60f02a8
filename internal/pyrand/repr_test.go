package pyrand_test

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"holdfast/internal/pyrand"
)

func TestRepr(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		f    float64
		want string
	}{
		{0, "0.0"},
		{math.Copysign(0, -1), "-0.0"},
		{1, "1.0"},
		{-42.5, "-42.5"},
		{0.1, "0.1"},
		{1e-4, "0.0001"},
		{9.999e-5, "9.999e-05"},
		{-1e-5, "-1e-05"},
		{1e15, "1000000000000000.0"},
		{9999999999999998, "9999999999999998.0"},
		{1e16, "1e+16"},
		{-1e16, "-1e+16"},
		{1.5e300, "1.5e+300"},
		{5e-324, "5e-324"},
		{math.MaxFloat64, "1.7976931348623157e+308"},
		{1705123456.789, "1705123456.789"},
		{0.001027502931836912, "0.001027502931836912"},
		{math.Inf(1), "inf"},
		{math.Inf(-1), "-inf"},
		{math.NaN(), "nan"},
	} {
		if got := string(pyrand.AppendRepr([]byte("x"), c.f)); got != "x"+c.want {
			t.Errorf("%g: %s, want x%s", c.f, got, c.want)
		}
	}
}

// TestReprOfMany compares the text of 40,000 floats of all sizes with CPython's.
func TestReprOfMany(t *testing.T) {
	t.Parallel()
	tens := [22]float64{1}
	for i := 1; i < len(tens); i++ {
		tens[i] = tens[i-1] * 10 // exact up to 1e22
	}
	r, h := pyrand.NewInt(5), sha256.New()
	for i := range 20000 {
		wild := math.Float64frombits(r.Bits(64))
		short := float64(r.Bits(i%53)) / tens[i%22]
		h.Write(append(pyrand.AppendRepr(nil, wild), '\n'))
		h.Write(append(pyrand.AppendRepr(nil, short), '\n'))
	}
	const want = "b0fcddb466c18f54c28c5d445466f8024e6b1d4507f97754ad43762546e6ab08"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestReprReadsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
		text := string(pyrand.AppendRepr(nil, f))
		back, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		if math.Float64bits(back) != math.Float64bits(f) && !(math.IsNaN(f) && math.IsNaN(back)) {
			t.Fatalf("%s reads back as %g", text, back)
		}
	})
}
