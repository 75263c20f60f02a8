package tick_test

import (
	"errors"
	"math/big"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"holdfast/replay/tick"
)

func TestParsePrice(t *testing.T) {
	t.Parallel()
	const most = 1<<63 - 1
	tests := []struct {
		text string
		want tick.Price
		err  error
	}{
		// Row 17: spellings of one value, signs, zero, 18 digits.
		{"1305.75", 1_305_750_000_000, nil},
		{"1305.750", 1_305_750_000_000, nil},
		{"1.30575e3", 1_305_750_000_000, nil},
		{"1.30575E+03", 1_305_750_000_000, nil},
		{"130575e-2", 1_305_750_000_000, nil},
		{"+01305.7500000000000000", 1_305_750_000_000, nil},
		{"-37.63", -37_630_000_000, nil},
		{"0", 0, nil},
		{"-0.000", 0, nil},
		{"0e999999999999999999999", 0, nil},
		{"0e-999999999999999999999", 0, nil},
		{"123456789.123456789", 123_456_789_123_456_789, nil},
		{"9223372036.854775807", most, nil},
		{"-9223372036.854775807", -most, nil},
		{"9223372036854775807e-9", most, nil},
		{"922337203685477580700e-11", most, nil},
		{"1e9", 1_000_000_000 * tick.Scale, nil},
		{"1e-9", 1, nil},
		{"0.000000001", 1, nil},
		{"10000000000e-10", tick.Scale, nil},
		{"5.", 5 * tick.Scale, nil},
		{".5", tick.Scale / 2, nil},
		{"1." + strings.Repeat("0", 400), tick.Scale, nil},
		{strings.Repeat("0", 400) + "1", tick.Scale, nil},
		// Beyond what a Price can hold.
		{"9223372036.854775808", 0, tick.ErrRange},
		{"-9223372036.854775808", 0, tick.ErrRange},
		{"9300000000", 0, tick.ErrRange},
		{"999999999999999999", 0, tick.ErrRange},
		{"18446744073709551617", 0, tick.ErrRange},
		{"1e10", 0, tick.ErrRange},
		{"1e999999999999999999999", 0, tick.ErrRange},
		{strings.Repeat("9", 400), 0, tick.ErrRange},
		{"0.0000000001", 0, tick.ErrPrecision},
		{"1e-10", 0, tick.ErrPrecision},
		{"1e-999999999999999999999", 0, tick.ErrPrecision},
		{"1305.7500000001", 0, tick.ErrPrecision},
		{"99999999999.0000000001", 0, tick.ErrPrecision},
		// Rows 16 and 18, and other things that are no price.
		{"", 0, tick.ErrSyntax},
		{"NaN", 0, tick.ErrSyntax},
		{"Infinity", 0, tick.ErrSyntax},
		{"-inf", 0, tick.ErrSyntax},
		{"1,305.75", 0, tick.ErrSyntax},
		{"1_000", 0, tick.ErrSyntax},
		{"0x1F", 0, tick.ErrSyntax},
		{"--1", 0, tick.ErrSyntax},
		{"+", 0, tick.ErrSyntax},
		{".", 0, tick.ErrSyntax},
		{".e1", 0, tick.ErrSyntax},
		{"1e", 0, tick.ErrSyntax},
		{"1e+", 0, tick.ErrSyntax},
		{"1e1.5", 0, tick.ErrSyntax},
		{"1.2.3", 0, tick.ErrSyntax},
		{"1 ", 0, tick.ErrSyntax},
		{"$1", 0, tick.ErrSyntax},
		{"1%", 0, tick.ErrSyntax},
		{"٣", 0, tick.ErrSyntax},
		{"12345678901234567890x", 0, tick.ErrSyntax},
	}
	for _, tt := range tests {
		if got, err := tick.ParsePrice([]byte(tt.text)); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("ParsePrice(%q) = %d, %v; want %d, %v", tt.text, got, err, tt.want, tt.err)
		}
	}
}

// Row 19: sums that floats get wrong.
func TestPriceSums(t *testing.T) {
	t.Parallel()
	parse := func(s string) tick.Price {
		p, err := tick.ParsePrice([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if parse("0.1")+parse("0.2") != parse("0.3") {
		t.Error("0.1 + 0.2 is not 0.3")
	}
	limit := parse("0.50")
	if d := parse("1305.75") - parse("1305.25"); d > limit {
		t.Errorf("a shift of 0.50 is out: %d", d)
	}
	if d := parse("1305.76") - parse("1305.25"); d <= limit {
		t.Errorf("a shift of 0.51 is in: %d", d)
	}
}

func TestPriceString(t *testing.T) {
	t.Parallel()
	for p, want := range map[tick.Price]string{40_000_000: "0.04", 0: "0", -37_630_000_000: "-37.63", 1_518_300_000_000: "1518.3",
		1: "0.000000001", 1<<63 - 1: "9223372036.854775807", -1 << 63: "-9223372036.854775808", 10 * tick.Scale: "10", -1: "-0.000000001"} {
		if got := p.String(); got != want {
			t.Errorf("Price(%d) = %s, want %s", int64(p), got, want)
		}
	}
}

var priceForm = regexp.MustCompile(`^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+))?$`)

// twinPrice is ParsePrice by way of a rational number. It gives up, with ok
// false, on exponents that would need too much memory.
func twinPrice(s string) (_ tick.Price, err error, ok bool) {
	m := priceForm.FindStringSubmatch(s)
	if m == nil {
		return 0, tick.ErrSyntax, true
	}
	if e, err := strconv.Atoi(m[1]); m[1] != "" && (err != nil || e < -500 || e > 500) {
		return 0, nil, false
	}
	x, _ := new(big.Rat).SetString(s)
	x.Mul(x, big.NewRat(tick.Scale, 1))
	switch {
	case !x.IsInt():
		return 0, tick.ErrPrecision, true
	case !x.Num().IsInt64() || x.Num().Int64() == -1<<63:
		return 0, tick.ErrRange, true
	}
	return tick.Price(x.Num().Int64()), nil, true
}

func checkPrice(t *testing.T, s string) {
	t.Helper()
	got, err := tick.ParsePrice([]byte(s))
	want, wantErr, ok := twinPrice(s)
	if ok && (got != want || !errors.Is(err, wantErr)) {
		t.Fatalf("ParsePrice(%q) = %d, %v; want %d, %v", s, got, err, want, wantErr)
	}
	if err != nil {
		return
	}
	if again, err := tick.ParsePrice([]byte(got.String())); again != got || err != nil {
		t.Fatalf("%q reads as %v, which reads as %v, %v", s, got, again, err)
	}
}

func FuzzParsePrice(f *testing.F) {
	for _, s := range []string{"1305.75", "1.30575e3", "-0", ".5", "5.", "9223372036.854775807", "1e-9", "1e-10", "NaN",
		"1,305.75", "00000000000000000000000001.10e0", "922337203685477580800e-11", "1e999"} {
		f.Add(s)
	}
	f.Fuzz(checkPrice)
}

func TestPriceTwin(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	const letters = "0001234567899..ee+-"
	for range 50_000 {
		var s []byte
		for range 1 + r.IntN(24) {
			s = append(s, letters[r.IntN(len(letters))])
		}
		checkPrice(t, string(s))
		checkPrice(t, tick.Price(r.Uint64()>>r.IntN(64)).String())
	}
}
