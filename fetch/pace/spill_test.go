package pace_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
)

// What becomes of a URL, and after how many attempts, does not depend on
// whether it waits in memory or in a spool.
func TestSpillingChangesNoOutcome(t *testing.T) {
	t.Parallel()
	runs, urls := 60, 600
	if testing.Short() {
		runs, urls = 12, 300
	}
	spilled := 0
	for seed := range uint64(runs) {
		run := func(spill bool) (results []string) {
			draw := rand.New(rand.NewPCG(seed, 2))
			c := pace.Config{Policy: retry.Smart(), Seed: seed, Spill: spill, Window: 5 + draw.IntN(60)}
			p := &c.Policy
			p.Budget, p.Breaker = false, false // they judge an origin by what others of its URLs met before
			p.Concurrency, p.PerHost, p.Retries = 1+draw.IntN(16), 1+draw.IntN(8), draw.IntN(4)
			servers := map[string]server{}
			for i := range 12 {
				pauses := draw.IntN(3) > 0
				servers[fmt.Sprint("http://h", i)] = func(_ time.Duration, _ int, u *url, s pace.Start) (retry.Attempt, time.Duration) {
					r := rand.New(rand.NewPCG(seed, uint64(u.unit.ID)<<8|uint64(s.Attempt)))
					took := time.Duration(r.IntN(100)) * ms
					switch n := r.IntN(20); {
					case n < 3 && pauses:
						return status(429, "Retry-After", fmt.Sprint(1+r.IntN(600))), took
					case n < 6:
						return status(500), took
					case n < 7:
						return status(404), took
					case n < 8:
						return refused(), took
					}
					return status(200), took
				}
			}
			w := newWorld(t, c, servers)
			for i := range urls {
				w.list(fmt.Sprint("http://h", (i*12/urls+draw.IntN(2))%12), 1) // nearly sorted, as lists are
			}
			w.run()
			for _, u := range w.urls {
				v := u.emits[len(u.emits)-1].Verdict
				results = append(results, fmt.Sprintf("%v %s after %d", v.Outcome, v.Rule, len(u.starts)))
			}
			spilled += w.s.Counts().SpilledInAll
			return results
		}
		without := run(false)
		for i, with := range run(true) {
			if with != without[i] {
				t.Fatalf("seed %d: URL %d: %s with a spool, %s without", seed, i+1, with, without[i])
			}
		}
	}
	if spilled < runs*urls/4 {
		t.Errorf("only %d were spilled", spilled)
	}
}

// While a spool supplies all slots nothing more is read: it would only go to the
// end of the spool, all of a list in the end.
func TestSpoolComesFirst(t *testing.T) {
	t.Parallel()
	c := pace.Config{Policy: retry.Smart(), Spill: true, Window: 8}
	c.Policy.Concurrency, c.Policy.PerHost, c.Policy.SlowStart = 4, 4, 1
	s, err := pace.New(c)
	if err != nil {
		t.Fatal(err)
	}
	const origin = "http://a"
	var flying, spool []pace.ID
	var back, wanted int
	perform := func(e pace.Effects) {
		for _, u := range e.Spill {
			spool = append(spool, u.ID)
		}
		for _, u := range e.Unspill {
			back += u.Count
		}
		for _, u := range e.Start {
			flying = append(flying, u.ID)
		}
		wanted = e.ReadMore
	}
	perform(s.Begin(0))
	next, asked := pace.ID(0), false
	for now := time.Duration(0); now < 40*ms; {
		switch {
		case back > 0:
			id := spool[0]
			spool, back = spool[1:], back-1
			perform(s.Read(now, pace.Unit{ID: id, Origin: origin, Spilled: true}))
		case wanted > 0 && next < 60:
			next++
			perform(s.Read(now, pace.Unit{ID: next, Origin: origin}))
		default:
			asked = asked || len(flying) == 4 && len(spool) > 0
			if asked && len(spool) > 0 && wanted > 0 {
				t.Fatalf("at %v %d more are wanted, with %d in flight and %d in the spool", now, wanted, len(flying), len(spool))
			}
			now += ms
			id := flying[0]
			flying = flying[1:]
			perform(s.Done(now, id, status(200)))
		}
	}
	if !asked {
		t.Error("the slots were never full with a spool that had more")
	}
}
