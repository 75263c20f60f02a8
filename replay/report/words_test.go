package report

import (
	"testing"

	"holdfast/replay/tick"
)

func TestWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{number(0), "0"}, {number(999), "999"}, {number(70250), "70,250"}, {number(-1234567), "-1,234,567"},
		{counted(1, "row", "rows"), "1 row"}, {counted(0, "row", "rows"), "0 rows"}, {counted(1000, "row", "rows"), "1,000 rows"},
		{andList(nil), ""}, {andList([]string{"a"}), "a"}, {andList([]string{"a", "b", "c"}), "a, b and c"},
		{capital("proved"), "Proved"}, {capital("Ü"), "Ü"},

		{span(0), "0 ms"}, {span(250), "250 ns"}, {span(-2_500), "2.5 µs"}, {span(7_000_000), "7 ms"},
		{span(999_999_999), "1000 ms"}, {span(30_000_000_000), "30 s"}, {span(125 * second), "2 min 5 s"}, {span(3 * hour), "3 h"},
		{span(200 * minute), "3 h 20 min"},

		{clock(1752484500 * second), "09:15:00.000"}, {clock(1752484500*second + 60*millisecond), "09:15:00.060"},
		{clock(1752484500*second + 1), "09:15:00.000000001"}, {date(1752484500 * second), "2025-07-14"},

		{millis(10_000_000), "+10"}, {millis(-500_000), "-0.5"}, {millis(0), "0"},
		{shiftedTime(7_000_000), "7 ms later"}, {shiftedTime(-7_000_000), "7 ms earlier"}, {shiftedTime(0), "at the same time"},
		{shiftedPrice(120_000_000), "0.12 dearer"}, {shiftedPrice(-120_000_000), "0.12 cheaper"}, {shiftedPrice(0), "the same price"},

		{percent(250, 70000), "0.4 %"}, {percent(1, 70000), "0.001 %"}, {percent(1, 2), "50 %"}, {percent(0, 0), "-"}, {percent(0, 5), "0 %"},
		{figure(0.357142), "0.36"}, {figure(0), "0"}, {figure(12), "12"}, {figure(0.00012), "0.00012"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestSpanSaysWhatItRounds(t *testing.T) {
	if got := span(tick.Nanos(1_234_567_890)); got != "1.235 s" {
		t.Errorf("got %q", got)
	}
}
