package retry_test

import (
	"testing"
	"time"

	"holdfast/fetch/retry"
)

func TestBudget(t *testing.T) {
	t.Parallel()
	const s = time.Second
	p := retry.Smart()
	b := p.OriginBudget(5 * s)
	want := func(now time.Duration, tokens float64) {
		t.Helper()
		if got := b.Available(now); got != retry.Tokens(tokens*float64(retry.Token)) {
			t.Fatalf("at %v: %v tokens, want %v", now, float64(got)/float64(retry.Token), tokens)
		}
	}
	want(5*s, 100)
	want(time.Hour, 100) // time fills up to the reserve
	for range 10 {
		b.First(time.Hour)
	}
	want(time.Hour, 102)
	want(time.Hour+2*s, 102) // what was earned beyond the reserve is not lost with time
	b = p.OriginBudget(time.Hour)
	for range 10 {
		b.First(time.Hour)
	}
	b.Take(time.Hour, 2*retry.Token)
	want(time.Hour, 100)
	b.Take(time.Hour, 99*retry.Token)
	want(time.Hour, 1)
	want(time.Hour+1500*ms, 2.5)
	b.Take(time.Hour+1500*ms, 7*retry.Token)
	want(time.Hour+1500*ms, 0)
	b.Refund(time.Hour+1500*ms, retry.Token)
	want(time.Hour+1500*ms, 1)
	want(time.Hour+1500*ms-s, 1) // a clock that goes back earns nothing
	want(time.Hour+24*time.Hour, 100)
	for range 10_000 {
		b.First(2 * time.Hour * 24)
	}
	want(2*time.Hour*24, 1000)
	b.Refund(2*time.Hour*24, retry.Token)
	want(2*time.Hour*24, 1000)

	run := p.RunBudget(0)
	if got := run.Available(0); got != 1000*retry.Token {
		t.Errorf("the run starts with %d", got/retry.Token)
	}
	// what is looked at often earns as much as what is looked at once
	often := retry.NewBudget(100, 1000, 0, 0)
	often.Take(0, 100*retry.Token)
	for now := time.Duration(0); now <= s; now += 333 * time.Nanosecond {
		often.Available(now)
	}
	if got := often.Available(s); got != retry.Token {
		t.Errorf("a second earns %d millionths", got)
	}
}
