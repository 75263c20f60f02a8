package match

import (
	"slices"
	"testing"

	"holdfast/replay"
	"holdfast/replay/tick"
)

func TestBracketDistance(t *testing.T) {
	t.Parallel()
	both := Bracket{Before: 10, After: 20, HasBefore: true, HasAfter: true}
	for _, test := range []struct {
		b    Bracket
		end  tick.Nanos
		want tick.Nanos
	}{
		{both, 15, 0}, {both, 10, 0}, {both, 20, 0}, {both, 7, 3}, {both, 26, 6},
		{Bracket{Before: 20, After: 10, HasBefore: true, HasAfter: true}, 26, 6},
		{Bracket{Before: 10, HasBefore: true}, 99, 0}, {Bracket{Before: 10, HasBefore: true}, 4, 6},
		{Bracket{After: 10, HasAfter: true}, 4, 0}, {Bracket{After: 10, HasAfter: true}, 14, 4},
		{Bracket{}, 5, 0},
	} {
		if got := test.b.distance(test.end); got != test.want {
			t.Errorf("%+v: distance of %d = %d, want %d", test.b, test.end, got, test.want)
		}
	}
}

func TestHalfOctaves(t *testing.T) {
	t.Parallel()
	last := 0
	for d := tick.Nanos(0); d < 1<<62; d += 1 + d/9 {
		i := halfOctave(d)
		if i < last || i >= halfOctaves || halfOctaveStart(i) > d || halfOctaveStart(i+1) <= d {
			t.Fatalf("%d is in class %d, which begins at %d, after class %d", d, i, halfOctaveStart(i), last)
		}
		last = i
	}
}

func TestLocate(t *testing.T) {
	t.Parallel()
	anchors := slices.Values([]Anchor{{N: 2, End: 20}, {N: 3, End: 30}, {N: 7, End: 70}})
	var got []Bracket
	rows := []Row{{Row: row(1, 0, 0)}, {Row: row(5, 0, 0)}, {Row: row(6, 0, 0)}, {Row: row(9, 0, 0)}}
	NewClock(anchors).Locate(slices.Values(rows), func(r Row) { got = append(got, r.Bracket) })
	want := []Bracket{
		{After: 20, HasAfter: true},
		{Before: 30, After: 70, HasBefore: true, HasAfter: true},
		{Before: 30, After: 70, HasBefore: true, HasAfter: true},
		{Before: 70, HasBefore: true},
	}
	for i := range want {
		w := want[i]
		if g := got[i]; g.HasBefore != w.HasBefore || g.HasAfter != w.HasAfter || w.HasBefore && g.Before != w.Before || w.HasAfter && g.After != w.After {
			t.Errorf("row %d: %+v, want %+v", rows[i].N, g, w)
		}
	}
}

// R34a: a file that was sorted or shuffled, or that has few anchors, is no clock.
func TestDialDropsOut(t *testing.T) {
	t.Parallel()
	s := shape{events: 20_000, rate: 0.05, late: 200, price: 50}
	for order, want := range map[string]string{"": "", "commit": "", "time": noteSorted, "shuffled": noteShuffled} {
		s := s
		s.order = order
		l := s.make(1).link(Config{HaveWorkers: true}, true)
		if _, note := l.clock.dial(200 * ms); note != want {
			t.Errorf("order %q: %q, want %q", order, note, want)
		}
	}
	l := shape{events: 50, rate: 0.5, late: 200, price: 50}.make(1).link(Config{HaveWorkers: true}, true)
	if d, note := l.clock.dial(200 * ms); d != nil || note != noteFewAnchors {
		t.Errorf("few anchors: %q", note)
	}
}

// Distances cost more the farther they are, and open attempts cost nothing.
func TestDialCost(t *testing.T) {
	t.Parallel()
	l := shape{events: 20_000, rate: 0.05, late: 200, price: 50, order: "commit"}.make(2).link(Config{HaveWorkers: true}, true)
	d, _ := l.clock.dial(200 * ms)
	b := Bracket{Before: 1000 * ms, After: 1010 * ms, HasBefore: true, HasAfter: true}
	end := func(at tick.Nanos) []replay.Attempt {
		return []replay.Attempt{{End: at, Status: replay.StatusSuccess}}
	}
	costOf := func(as []replay.Attempt) cost { return d.cost(d.place(b, as)) }
	inside, close, distant := costOf(end(1005*ms)), costOf(end(1020*ms)), costOf(end(1150*ms))
	if inside >= close || close > distant || inside >= 0 || distant <= 0 {
		t.Errorf("costs inside %d, close %d, distant %d", inside, close, distant)
	}
	if stray := d.stray; distant > stray {
		t.Errorf("a distant row costs %d, a stray %d", distant, stray)
	}
	open := []replay.Attempt{{Open: true}}
	if c := costOf(open); c != 0 {
		t.Errorf("an open attempt costs %d", c)
	}
	if c := costOf(append(open, end(1005*ms)...)); c != inside {
		t.Errorf("the best attempt costs %d, want %d", c, inside)
	}
	var off *dial
	if c := off.cost(off.place(b, end(1005*ms))); c != 0 {
		t.Errorf("no dial costs %d", c)
	}
}
