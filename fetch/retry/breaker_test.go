package retry_test

import (
	"testing"
	"time"

	"holdfast/fetch/retry"
)

// failing gives a breaker that has just opened at now.
func failing(t *testing.T, now time.Duration) *retry.Breaker {
	t.Helper()
	b := &retry.Breaker{}
	for i := range 20 {
		if b.State() != retry.BreakerClosed {
			t.Fatalf("open after %d results", i)
		}
		b.Record(now, retry.Unhealthy, false, 0.5)
	}
	if b.State() != retry.BreakerOpen {
		t.Fatal("20 failures do not open it")
	}
	return b
}

func TestBreakerOpensAtItsThreshold(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for _, c := range []struct {
		name            string
		healthy, failed int
		every           time.Duration
		open            bool
	}{
		{"19 failures", 0, 19, 0, false},
		{"20 failures", 0, 20, 0, true},
		{"80 % of 20", 4, 16, 0, true},
		{"79 % of 100", 21, 79, 0, false},
		{"80 % of 100", 20, 80, 0, true},
		{"20 failures in 10 s", 0, 20, 499 * ms, true},
		{"20 failures in 20 s", 0, 20, s, false},
	} {
		b := retry.Breaker{}
		now := 3 * time.Hour
		for range c.healthy {
			b.Record(now, retry.Healthy, false, 0.5)
			now += c.every
		}
		for range c.failed {
			b.Record(now, retry.Unhealthy, false, 0.5)
			now += c.every
		}
		if open := b.State() == retry.BreakerOpen; open != c.open {
			t.Errorf("%s: open %v", c.name, open)
		}
	}
	b := retry.Breaker{}
	for range 1000 {
		b.Record(0, retry.HealthUnknown, false, 0.5)
	}
	for range 19 {
		b.Record(0, retry.Unhealthy, false, 0.5)
	}
	if b.State() != retry.BreakerClosed {
		t.Error("results that say nothing were counted")
	}
}

func TestBreakerProbesOnce(t *testing.T) {
	t.Parallel()
	const s = time.Second
	b := failing(t, time.Minute)
	if since, open := b.OpenSince(); !open || since != time.Minute {
		t.Errorf("open since %v, %v", since, open)
	}
	if p, until := b.Ask(time.Minute); p != retry.Reject || until != time.Minute+5*s {
		t.Errorf("just opened: %v until %v", p, until)
	}
	now := time.Minute + 5*s
	if p, _ := b.Peek(now); p != retry.Probe {
		t.Errorf("looking: %v", p)
	}
	probes := 0
	for range 100 {
		if p, until := b.Ask(now); p == retry.Probe {
			probes++
		} else if p != retry.Reject || until != retry.Forever {
			t.Fatalf("while a probe is out: %v until %v", p, until)
		}
	}
	if probes != 1 {
		t.Fatalf("%d probes", probes)
	}
	// others that were sent long before change nothing
	b.Record(now, retry.Healthy, false, 0.5)
	b.Record(now, retry.Unhealthy, false, 0.5)
	if b.State() != retry.BreakerHalfOpen {
		t.Fatalf("%v", b.State())
	}
	if since, open := b.OpenSince(); !open || since != time.Minute {
		t.Errorf("open since %v, %v", since, open)
	}
	// each failed probe doubles the interval, up to a minute
	for _, next := range []time.Duration{10 * s, 20 * s, 40 * s, 60 * s, 60 * s} {
		if !b.Record(now, retry.Unhealthy, true, 0.5) {
			t.Error("not told")
		}
		if _, until := b.Ask(now); until != now+next {
			t.Errorf("open for %v, want %v", until-now, next)
		}
		now += next
		if p, _ := b.Ask(now); p != retry.Probe {
			t.Fatalf("no probe after %v", next)
		}
	}
	// a probe that teaches nothing is given to the next
	b.Record(now, retry.HealthUnknown, true, 0.5)
	if p, _ := b.Ask(now); p != retry.Probe {
		t.Fatal("the probe is lost")
	}
	if !b.Record(now, retry.Healthy, true, 0.5) || b.State() != retry.BreakerClosed {
		t.Fatal("a good probe does not close it")
	}
	if _, open := b.OpenSince(); open {
		t.Error("still open since")
	}
	if p, _ := b.Ask(now); p != retry.Allow {
		t.Errorf("closed: %v", p)
	}
	// and it starts over: 20 results, 5 s
	for range 19 {
		b.Record(now, retry.Unhealthy, false, 0.5)
	}
	if b.State() != retry.BreakerClosed {
		t.Error("old results were kept")
	}
	b.Record(now, retry.Unhealthy, false, 0.5)
	if _, until := b.Ask(now); until != now+5*s {
		t.Errorf("open for %v again", until-now)
	}
}

func TestBreakerSpreadsItsOpenings(t *testing.T) {
	t.Parallel()
	for u, want := range map[float64]time.Duration{0: 4500 * ms, 0.5: 5 * time.Second, 0.999999: 5500 * ms} {
		b := retry.Breaker{}
		for range 20 {
			b.Record(0, retry.Unhealthy, false, u)
		}
		if _, until := b.Ask(0); (until - want).Abs() > ms {
			t.Errorf("draw %v: open for %v", u, until)
		}
	}
}

func TestBreakerForgetsWhatIsOld(t *testing.T) {
	t.Parallel()
	b := retry.Breaker{}
	now := time.Duration(0)
	for range 1000 { // one failure a second for ever: never 20 in 10 s
		b.Record(now, retry.Unhealthy, false, 0.5)
		now += time.Second
	}
	if b.State() != retry.BreakerClosed {
		t.Error("old failures were counted")
	}
	for range 9 {
		b.Record(now, retry.Unhealthy, false, 0.5)
	}
	for range 20 {
		b.Record(now+time.Hour, retry.Healthy, false, 0.5)
	}
	for range 79 {
		b.Record(now+time.Hour, retry.Unhealthy, false, 0.5)
	}
	if b.State() != retry.BreakerClosed {
		t.Error("failures of an hour ago were counted")
	}
}
