package tick_test

import (
	"errors"
	"testing"

	"holdfast/replay/tick"
)

// Row 8: epoch numbers.
func TestEpoch(t *testing.T) {
	t.Parallel()
	base := at(t, "2025-07-14T09:15:00Z")
	tests := []struct {
		text string
		unit tick.Unit // 0: EpochUnit finds none
		want tick.Nanos
		note tick.TimeNote
		err  error
	}{
		{"1752484500", tick.Seconds, base, 0, nil},
		{"1752484500.25", tick.Seconds, base + 25e7, 0, nil},
		{"1752484500.0123456789", tick.Seconds, base + 12345678, tick.NoteTruncated, nil},
		{"1752484500123", tick.Milliseconds, base + 123e6, 0, nil},
		{"1752484500123456", tick.Microseconds, base + 123456e3, 0, nil},
		{"1752484500123456789", tick.Nanoseconds, base + 123456789, 0, nil},
		{"9223372036854775807", tick.Nanoseconds, 0, 0, tick.ErrRange},
		{"9999999999999999999", tick.Nanoseconds, 0, 0, tick.ErrRange},
		{"9999999999", tick.Seconds, 0, 0, tick.ErrRange},
		{"1752484500,5", 0, 0, 0, tick.ErrSyntax},
		{"1752484500.", 0, 0, 0, tick.ErrSyntax},
		{"1752484500123.5", 0, 0, 0, tick.ErrSyntax},
		{"175248450", 0, 0, 0, nil},
		{"-1752484500", 0, 0, 0, nil},
		{"", 0, 0, 0, nil},
		{"soon", 0, 0, 0, nil},
	}
	for _, tt := range tests {
		unit, ok := tick.EpochUnit([]byte(tt.text))
		if unit = map[bool]tick.Unit{true: unit}[ok]; unit != tt.unit {
			t.Errorf("EpochUnit(%q) = %v, want %v", tt.text, unit, tt.unit)
		}
		if unit == 0 {
			continue
		}
		got, note, err := tick.ParseEpoch([]byte(tt.text), unit)
		if got != tt.want || note != tt.note || !errors.Is(err, tt.err) {
			t.Errorf("ParseEpoch(%q, %v) = %v, %b, %v; want %v, %b, %v", tt.text, unit, got, note, err, tt.want, tt.note, tt.err)
		}
	}
}

func TestEpochOfKnownUnit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		unit tick.Unit
		want tick.Nanos
		err  error
	}{
		{"0", tick.Seconds, 0, nil},
		{"-1.5", tick.Seconds, -15e8, nil},
		{"12", tick.Milliseconds, 12e6, nil},
		{"-9214560000", tick.Seconds, tick.MinTime, nil},
		{"-9214560001", tick.Seconds, 0, tick.ErrRange},
		{"9214646399.999999999", tick.Seconds, tick.MaxTime, nil},
		{"9214646400", tick.Seconds, 0, tick.ErrRange},
		{"9223372036854775807.9", tick.Seconds, 0, tick.ErrRange},
		{"18446744073709551616", tick.Nanoseconds, 0, tick.ErrRange},
		{"1.5", tick.Milliseconds, 0, tick.ErrSyntax},
		{"+1", tick.Seconds, 0, tick.ErrSyntax},
		{"-", tick.Seconds, 0, tick.ErrSyntax},
		{".5", tick.Seconds, 0, tick.ErrSyntax},
		{"", tick.Seconds, 0, tick.ErrSyntax},
		{"1e9", tick.Seconds, 0, tick.ErrSyntax},
	}
	for _, tt := range tests {
		if got, _, err := tick.ParseEpoch([]byte(tt.text), tt.unit); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("ParseEpoch(%q, %v) = %d, %v; want %d, %v", tt.text, tt.unit, got, err, tt.want, tt.err)
		}
	}
}

func TestUnitNames(t *testing.T) {
	t.Parallel()
	for u := tick.Seconds; u <= tick.Nanoseconds; u++ {
		if got, ok := tick.ParseUnit(u.String()); got != u || !ok {
			t.Errorf("ParseUnit(%q) = %v, %v", u, got, ok)
		}
	}
	if _, ok := tick.ParseUnit(""); ok {
		t.Error("the empty name is a unit")
	}
}

func TestAppendMillis(t *testing.T) {
	t.Parallel()
	for n, want := range map[tick.Nanos]string{0: "0", 7e6: "7", -5e5: "-0.5", 12_000_001: "12.000001", 1: "0.000001",
		-3e6: "-3", 1_500_000: "1.5", -1 << 63: "-9223372036854.775808", 500: "0.0005"} {
		if got := string(n.AppendMillis(nil)); got != want {
			t.Errorf("AppendMillis(%d) = %s, want %s", n, got, want)
		}
	}
}
