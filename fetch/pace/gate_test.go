package pace_test

import (
	"testing"
	"time"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
)

func TestGate(t *testing.T) {
	t.Parallel()
	const s = time.Second
	g := pace.NewGate(4, 8)
	grow := func(now time.Duration, want ...int) {
		t.Helper()
		for i, limit := range want {
			if g.Limit() != limit {
				t.Fatalf("after %d successes: limit %d, want %d", i, g.Limit(), limit)
			}
			g.Success(now)
		}
	}
	grow(0, 4, 5, 6, 7, 8, 8, 8)
	g.Close(s, 11*s)
	if !g.Closed(s) || !g.Closed(11*s-1) || g.Closed(11*s) || g.Until() != 11*s {
		t.Fatal("not closed from 1 s to 11 s")
	}
	g.Success(5 * s) // of one that was sent before
	grow(11*s, 1, 2, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5, 6, 6)
	g.Close(12*s, 13*s)
	g.Close(12*s, 15*s) // another of the same burst
	g.Close(12*s, 14*s)
	if g.Until() != 15*s {
		t.Errorf("closed until %v", g.Until())
	}
	grow(15*s, 1, 2, 3, 3, 3, 4)
	g.Close(20*s, 20*s) // no pause
	if g.Closed(20*s) || g.Limit() == 1 {
		t.Error("closed by a pause of nothing")
	}
	g.Restart()
	grow(20*s, 1, 2, 2, 3)
	for range 5 {
		g.Restart()
	}
	grow(20*s, 1, 2, 2, 3, 3, 3, 4)

	for _, start := range []int{0, 8, 99} {
		if g := pace.NewGate(start, 8); g.Limit() != 8 {
			t.Errorf("started at %d: limit %d", start, g.Limit())
		}
	}
}

// A gate that another process was told of holds an origin that this one does
// not know yet; beyond the longest wait its URLs are put off unsent.
func TestCloseGate(t *testing.T) {
	t.Parallel()
	c := pace.Config{Policy: retry.Smart(), Seed: 1}
	sched, err := pace.New(c)
	if err != nil {
		t.Fatal(err)
	}
	sched.Begin(0)
	sched.CloseGate(s, "http://a", 11*s)
	sched.CloseGate(s, "http://over", s)
	if e := sched.Read(2*s, pace.Unit{ID: 1, Origin: "http://a"}); len(e.Start) != 0 || e.Wake != 11*s {
		t.Errorf("%+v", e)
	}
	if e := sched.Read(2*s, pace.Unit{ID: 2, Origin: "http://over"}); len(e.Start) != 1 {
		t.Errorf("%+v", e)
	}
	if e := sched.CloseGate(3*s, "http://a", 3*s+2*c.Policy.RetryAfterCap); len(e.Emit) != 1 || e.Emit[0].Verdict.Outcome != retry.OutcomeParked {
		t.Errorf("%+v", e)
	}
}
