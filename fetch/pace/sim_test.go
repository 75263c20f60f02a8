package pace_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
)

// anyServer draws a server with good times and bad times of its own.
func anyServer(draw *rand.Rand) server {
	type spell struct {
		until time.Duration
		kind  int
	}
	var spells []spell
	for at := time.Duration(0); at < time.Hour; {
		at += time.Duration(draw.ExpFloat64() * float64(30*time.Second))
		spells = append(spells, spell{at, draw.IntN(12)})
	}
	latency := time.Duration(1+draw.IntN(200)) * time.Millisecond
	seed := draw.Uint64()
	return func(now time.Duration, n int, u *url, s pace.Start) (retry.Attempt, time.Duration) {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		kind := 0
		for _, sp := range spells {
			if now < sp.until {
				kind = sp.kind
				break
			}
		}
		took := time.Duration(r.ExpFloat64() * float64(latency))
		switch kind {
		default:
			return status([]int{200, 200, 200, 200, 404, 301, 500, 408, 425}[r.IntN(9)]), took
		case 1:
			return refused(), 0
		case 2:
			return status([]int{500, 502, 503}[r.IntN(3)]), took
		case 3:
			return status(429, "Retry-After", strconv.Itoa(r.IntN(20))), took
		case 4:
			return status(503, "Retry-After", strconv.Itoa(r.IntN(200))), took
		case 5:
			return status(200), time.Hour // hangs
		case 6:
			return status(429), took
		case 7:
			return status(200, "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", strconv.Itoa(r.IntN(9))), took
		}
	}
}

// simulate runs a world drawn from one seed, and gives the digest of all that
// was decided.
func simulate(t *testing.T, seed uint64, urls int) (digest string, steps int) {
	draw := rand.New(rand.NewPCG(seed, 1))
	p := []retry.Policy{retry.Smart(), retry.Smart(), retry.Spec()}[draw.IntN(3)]
	p.Concurrency = 1 + draw.IntN(64)
	p.PerHost = 1 + draw.IntN(16)
	p.Timeout = time.Duration(1+draw.IntN(10)) * time.Second
	p.Retries = draw.IntN(6)
	if p.Name == retry.NameSmart {
		p.RetryAfterCap = time.Duration(1+draw.IntN(100)) * time.Second
		p.BreakerPatience = time.Duration(1+draw.IntN(60)) * time.Second
		p.SlowStart = draw.IntN(5)
		p.Budget, p.Breaker = draw.IntN(4) > 0, draw.IntN(4) > 0
	}
	if draw.IntN(3) == 0 {
		p.Deadline = time.Duration(1+draw.IntN(60)) * time.Second
	}
	if draw.IntN(4) == 0 {
		p.Rate = float64(1 + draw.IntN(1000))
	}
	if draw.IntN(4) == 0 {
		p.PerHostRate = float64(1 + draw.IntN(100))
	}
	c := pace.Config{Policy: p, Seed: seed, Spill: draw.IntN(2) == 0, Window: 1 + draw.IntN(300)}
	servers := map[string]server{}
	origins := 1 + draw.IntN(40)
	name := func(i int) string { return fmt.Sprintf("http://h%d", i) }
	for i := range origins {
		servers[name(i)] = anyServer(draw)
	}
	w := newWorld(t, c, servers)
	sorted := draw.IntN(3) == 0
	for i := range urls {
		o := draw.IntN(origins)
		if sorted {
			o = i * origins / urls
		}
		w.list(name(o), 1)
	}
	if draw.IntN(2) == 0 {
		redirects := draw.Uint64()
		w.hops = func(u *url, s pace.Start) string {
			r := rand.New(rand.NewPCG(redirects, uint64(s.ID)<<16|uint64(s.Attempt)<<8|uint64(s.Hop)))
			if s.Hop < 10 && r.IntN(4) == 0 {
				return name(r.IntN(origins))
			}
			return ""
		}
	}
	if draw.IntN(8) == 0 {
		w.q.At(time.Duration(draw.IntN(60))*time.Second, event{kind: "stop"})
	}
	w.run()
	return fmt.Sprintf("%x", w.digest), w.steps
}

// Scheduler and servers from one seed: the world checks every promise with
// every effect; and the same seed gives the same decisions.
func TestSimulation(t *testing.T) {
	t.Parallel()
	want, urls := 1_000_000, 2000
	if testing.Short() {
		want, urls = 60_000, 500
	}
	seeds := 0
	for steps := 0; steps < want; seeds++ {
		seed := uint64(seeds)
		digest, n := simulate(t, seed, urls)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		steps += n
		if seeds%10 == 0 {
			if again, _ := simulate(t, seed, urls); again != digest {
				t.Fatalf("seed %d: two runs differ", seed)
			}
		}
	}
	t.Logf("%d seeds", seeds)
}
