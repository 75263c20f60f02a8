package match

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"holdfast/replay/tick"
)

const cent = tick.Price(tick.Scale / 100)

func TestParseTolerance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want Tolerance
	}{
		{"auto", Tolerance{}},
		{"", Tolerance{}},
		{"none", Tolerance{Mode: None}},
		{"10ms,0.50", Tolerance{Given, Band{10 * ms, 10 * ms, 50 * cent}}},
		{"-0ms/+10ms,0.50", Tolerance{Given, Band{0, 10 * ms, 50 * cent}}},
		{" -1.5s/+200us , 1 ", Tolerance{Given, Band{1500 * ms, ms / 5, 100 * cent}}},
		{"0,0", Tolerance{Mode: Given}},
	} {
		got, err := ParseTolerance(test.text)
		if err != nil {
			t.Errorf("ParseTolerance(%q): %v", test.text, err)
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("ParseTolerance(%q): (-want +got)\n%s", test.text, d)
		}
	}
	for _, text := range []string{"10ms", "10,0.5", "-10ms,0.5", "10ms,-0.5", "10ms,x", "0ms/+1ms,0.5", "-1ms/1ms,0.5", "-1ms/-1ms,1", "900000h,1", ","} {
		if got, err := ParseTolerance(text); err == nil {
			t.Errorf("ParseTolerance(%q) = %v, want an error", text, got)
		}
	}
}

func TestBandIsReadAsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := Tolerance{Given, Band{
			Early: tick.Nanos(rapid.Int64Range(0, 1e15).Draw(t, "early")),
			Late:  tick.Nanos(rapid.Int64Range(0, 1e15).Draw(t, "late")),
			Price: tick.Price(rapid.Int64Range(0, 1e15).Draw(t, "price")),
		}}
		got, err := ParseTolerance(want.Band.String())
		if err != nil || got != want {
			t.Fatalf("%v is read as %v, %v", want.Band, got, err)
		}
	})
}

// Row 19 of the test list: bounds are inclusive and exact.
func TestBandBounds(t *testing.T) {
	t.Parallel()
	b := Band{Late: 10 * ms, Price: 50 * cent}
	for _, test := range []struct {
		dt   tick.Nanos
		dp   tick.Price
		want bool
	}{
		{0, 50 * cent, true}, {0, -50 * cent, true}, {0, 51 * cent, false}, {0, -51 * cent, false},
		{0, 10*cent + 20*cent - 30*cent + 50*cent, true}, {0, 50*cent + 1, false},
		{10 * ms, 0, true}, {10*ms + 1, 0, false}, {-1, 0, false},
	} {
		if got := b.Holds(test.dt, test.dp); got != test.want {
			t.Errorf("Holds(%d, %d) = %v, want %v", test.dt, test.dp, got, test.want)
		}
	}
}

func TestSaturation(t *testing.T) {
	t.Parallel()
	const most, least = tick.Nanos(1<<63 - 1), tick.Nanos(-1 << 63)
	for _, test := range []struct{ got, want tick.Nanos }{
		{plus(most, 1), most}, {plus(least, -1), least}, {plus(most, least), -1}, {plus[tick.Nanos](2, 3), 5},
		{minus(most, -1), most}, {minus(least, 1), least}, {minus(0, least), most}, {minus(-1, least), most}, {minus[tick.Nanos](2, 3), -1},
		{size(least), most}, {size(tick.Nanos(-4)), 4},
	} {
		if test.got != test.want {
			t.Errorf("got %d, want %d", test.got, test.want)
		}
	}
}
