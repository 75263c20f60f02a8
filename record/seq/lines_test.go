package seq_test

import (
	"slices"
	"testing"
	"time"

	"holdfast/record/seq"
)

// every loses one of n packets, once both lines have been heard.
func every(n, rest uint64) func(uint64) bool {
	return func(s uint64) bool { return s%n == rest && s > 100 }
}

// Section 8, A/B: two lines with the same stream, the second as much as 30
// packets behind. What one of them brings is not asked for.
func TestLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		a, b     func(uint64) bool // lost
		requests int
		silent   []seq.Alarm
	}{
		{"both perfect", nil, nil, 0, nil},
		{"A perfect, B lossy", nil, every(3, 0), 0, nil},
		{"A lossy, B perfect", every(3, 0), nil, 0, nil},
		{"disjoint losses", every(20, 3), every(20, 11), 0, nil},
		{"outages one after the other", func(s uint64) bool { return 500 <= s && s < 600 }, func(s uint64) bool { return 700 <= s && s < 800 }, 0,
			[]seq.Alarm{{Kind: seq.AlarmSilent, Sequence: 500, Line: 0}, {Kind: seq.AlarmSilent, Sequence: 700, Line: 1}}},
		{"the same packet on both", only(1000), only(1000), 1, nil},
		{"the same packet and others", func(s uint64) bool { return s == 1000 || every(20, 3)(s) }, func(s uint64) bool { return s == 1000 || every(20, 11)(s) }, 1, nil},
		{"A dies", func(s uint64) bool { return s >= 1000 }, nil, 0, []seq.Alarm{{Kind: seq.AlarmSilent, Sequence: 1000, Line: 0}}},
		{"B dies", nil, func(s uint64) bool { return s >= 1000 }, 0, []seq.Alarm{{Kind: seq.AlarmSilent, Sequence: 1000, Line: 1}}},
		{"A dies, then B loses one", func(s uint64) bool { return s >= 1000 }, only(1500), 1, []seq.Alarm{{Kind: seq.AlarmSilent, Sequence: 1000, Line: 0}}},
	} {
		for _, skew := range []time.Duration{0, 3 * time.Millisecond, 30 * time.Millisecond} {
			t.Run(c.name+", "+skew.String(), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, 1, 2000, seq.Config{})
				w.two, w.skew, w.lose, w.loseB = true, skew, c.a, c.b
				r := w.run()
				if len(r.log) != 2000 || !inOrder(r.log) || len(r.requests) != c.requests {
					t.Errorf("%d lines, in order %t, requests %v", len(r.log), inOrder(r.log), r.requests)
				}
				if d := r.m.State().D; d != 3 {
					t.Errorf("D %d: being behind is not being late", d)
				}
				if !slices.Equal(r.alarms, c.silent) {
					t.Errorf("alarms %v, want %v", r.alarms, c.silent)
				}
			})
		}
	}
}

// Before line B was heard there is one line. How far it is behind is learned at
// once: only what is missing before that is asked for.
func TestLinesBegin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, 2000, seq.Config{})
	w.two, w.skew = true, 30*time.Millisecond
	w.lose = func(s uint64) bool { return s%20 == 3 }
	r := w.run()
	if len(r.log) != 2000 || !inOrder(r.log) || len(r.alarms) > 0 {
		t.Errorf("%d lines, in order %t, alarms %v", len(r.log), inOrder(r.log), r.alarms)
	}
	for _, q := range r.requests {
		if q.First > 2*30 {
			t.Errorf("request %+v", q)
		}
	}
}

// A line that speaks again is waited for again.
func TestLineComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, 3000, seq.Config{})
	w.two, w.skew = true, 3*time.Millisecond
	w.lose = func(s uint64) bool { return s == 2500 }
	w.loseB = func(s uint64) bool { return 1000 <= s && s < 1200 }
	r := w.run()
	if len(r.log) != 3000 || !inOrder(r.log) || len(r.requests) != 0 || len(r.alarms) != 1 {
		t.Errorf("%d lines, requests %v, alarms %v", len(r.log), r.requests, r.alarms)
	}
}

// A heartbeat on one line proves that packets exist, not that they are lost.
func TestLineHeartbeat(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{First: 1, Source: askable})
	must(t, r.start(0))
	give := func(now time.Duration, s uint64, line byte) {
		d := original(s)
		d.Line, d.At = line, now
		r.packet(now, d)
	}
	now := time.Millisecond
	for s := uint64(1); s <= 50; s++ {
		give(now, s, 0)
		give(now, s, 1)
	}
	r.hi = 60
	r.do(r.m.Heartbeat(now, 60, 0), 0)
	for s := uint64(60); s < 70; s++ {
		give(now, s, 0)
	}
	if len(r.requests) > 0 {
		t.Fatalf("requests %v: line B may bring them", r.requests)
	}
	r.do(r.m.Heartbeat(now, 63, 1), 0)
	if want := (seq.Range{First: 51, Count: 9, Cause: seq.Loss, Try: 1}); len(r.requests) != 1 || r.requests[0] != want {
		t.Errorf("requests %v, want %v", r.requests, want)
	}
}
