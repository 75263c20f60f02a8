package merge

import (
	"strings"
	"testing"

	"holdfast/internal/soak"
)

// All lists of at most 2 values with the default options, in a soak of at most
// 3 out of 0..6; smaller ones with the others in a short run.
func TestExplore(t *testing.T) {
	full, small := min(soak.Rounds(2, 2), 3), 2
	if testing.Short() {
		small = 1
	}
	for _, c := range []struct {
		Config
		size int
	}{
		{Config{}, full},
		{Config{Duplicates: Keep}, small},
		{Config{Duplicates: Drop, Confirm: true}, small},
		{Config{Confirm: true, Base: 3}, 1},
		{Config{Balance: Touch}, small},
		{Config{Balance: Touch, Duplicates: Drop, Words: 9}, small},
		{Config{Strategy: Naive}, small},
		{Config{Strategy: Range}, small},
		{Config{Strategy: Exchange}, small},
	} {
		x, err := Explore(c.Config, c.size)
		if err != nil || x.Counterexample != "" {
			t.Errorf("%+v: %v %+v", c, err, x)
		}
		if x.States < 3*x.Pairs {
			t.Errorf("%+v: %d pairs gave only %d states", c, x.Pairs, x.States)
		}
	}
}

// Shells that break the order of effects are found out, by a schedule that
// shows it again.
func TestExploreFindsMistakes(t *testing.T) {
	for m, name := range map[mistake]string{forgets: "forgets", hastens: "hastens", repeats: "repeats"} {
		x, err := (&Explorer{Size: 2, mistake: m}).Run()
		if err != nil || x.Counterexample == "" {
			t.Errorf("%s: %v %+v", name, err, x)
			continue
		}
		heading, path, _ := strings.Cut(x.Counterexample, " | ")
		w, err := readHeading(Config{}, heading)
		if err != nil {
			t.Fatal(err)
		}
		w.mistake = m
		reason, err := w.replay(strings.Fields(path))
		if err != nil || reason != x.Reason {
			t.Errorf("%s: %s: replayed: %q, %v, want %q", name, x.Counterexample, reason, err, x.Reason)
		}
		if reason, err := Replay(Config{}, x.Counterexample); reason != "" && m != hastens {
			t.Errorf("%s: %s: a sound shell shows it too: %q, %v", name, x.Counterexample, reason, err)
		}
	}
}

func TestReplayRefuses(t *testing.T) {
	for _, bad := range []string{"", "A=1 B=2 bend=0", "A=1 B=x bend=0 | As0/1", "A=1 B=2 bend=0 | Bs7/1", "B=1 A=2 bend=0 | As0/1"} {
		if reason, err := Replay(Config{}, bad); err == nil {
			t.Errorf("%q: no error, reason %q", bad, reason)
		}
	}
}
