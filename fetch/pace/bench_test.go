package pace_test

import (
	"fmt"
	"testing"
	"time"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
)

// A decision with 100,000 URLs waiting at 10,000 origins: an attempt ends and
// is to be retried, the next due one starts.
func BenchmarkDecision(b *testing.B) {
	c := pace.Config{Policy: retry.Smart(), Seed: 1, Window: 200_000}
	p := &c.Policy
	p.Concurrency, p.PerHost, p.SlowStart, p.Retries = 256, 16, 0, 1_000_000
	p.Budget, p.Breaker = true, true
	p.BudgetReserve = 1e6
	p.InitialBackoff, p.MaxBackoff, p.Jitter = time.Hour, time.Hour, retry.JitterFull
	sched, err := pace.New(c)
	if err != nil {
		b.Fatal(err)
	}
	now := time.Duration(0)
	flying := make([]pace.ID, 0, 1024)
	step := func(e pace.Effects) pace.Effects {
		for _, st := range e.Start {
			flying = append(flying, st.ID)
		}
		return e
	}
	later := status(408) // no failure, so no breaker opens
	later.Class, later.Kind = retry.ClassInvalidStatus, retry.KindHigh
	done := func() pace.Effects {
		id := flying[len(flying)-1]
		flying = flying[:len(flying)-1]
		return step(sched.Done(now, id, later))
	}
	for i := range 100_000 {
		step(sched.Read(now, pace.Unit{ID: pace.ID(i), Origin: fmt.Sprintf("http://h%d", i%10_000), Fingerprint: uint64(i)}))
	}
	for len(flying) > 0 {
		done()
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; {
		e := sched.Tick(now)
		step(e)
		for len(flying) > 0 {
			e = done()
			n++
		}
		now = e.Wake
	}
}
