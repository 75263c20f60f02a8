package pace_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
)

const (
	ms = time.Millisecond
	s  = time.Second
	a  = "http://a"
	b  = "http://b"
)

func smart() pace.Config { return pace.Config{Policy: retry.Smart(), Seed: 42} }

// answers gives a server that gives these answers in turn, the last for ever.
func answers(took time.Duration, list ...retry.Attempt) server {
	return func(_ time.Duration, n int, _ *url, _ pace.Start) (retry.Attempt, time.Duration) {
		return list[min(n, len(list))-1], took
	}
}

// perURL gives a server that answers the n-th attempt of each URL so.
func perURL(took time.Duration, list ...retry.Attempt) server {
	return func(_ time.Duration, _ int, _ *url, s pace.Start) (retry.Attempt, time.Duration) {
		return list[min(s.Attempt, len(list))-1], took
	}
}

func want(t *testing.T, w *world, outcomes map[retry.Outcome]int) {
	t.Helper()
	if got := w.outcomes(); fmt.Sprint(got) != fmt.Sprint(outcomes) {
		t.Errorf("outcomes %v, want %v", got, outcomes)
	}
}

// A dead origin costs at most 1.2 N + 100 + seconds requests, with and without
// the breaker; under spec it costs 4 N.
func TestDeadOriginIsNotHammered(t *testing.T) {
	t.Parallel()
	for _, breaker := range []bool{true, false} {
		c := smart()
		c.Policy.Breaker = breaker
		w := newWorld(t, c, map[string]server{a: always(refused(), ms)})
		w.list(a, 1000)
		w.run()
		if most := 1300 + int(w.q.Now()/s); w.requests(a) > most {
			t.Errorf("breaker %v: %d requests in %v", breaker, w.requests(a), w.q.Now())
		}
		if breaker && (w.requests(a) > 120 || w.q.Now() > 2*time.Minute) {
			t.Errorf("with the breaker %d requests in %v", w.requests(a), w.q.Now())
		}
		if !breaker && w.outcomes()[retry.OutcomeBudgetExhausted] == 0 {
			t.Errorf("the budget was never empty: %v", w.outcomes())
		}
	}
	c := smart()
	c.Policy = retry.Spec()
	w := newWorld(t, c, map[string]server{a: always(refused(), ms)})
	w.list(a, 1000)
	if w.run(); w.requests(a) != 4000 {
		t.Errorf("spec: %d requests", w.requests(a))
	}
	want(t, w, map[retry.Outcome]int{retry.OutcomeMaxRetries: 1000})
}

// However many wait, the breaker lets exactly one through to see; when that is
// well, they start again one by one (R7.2, R6.6).
func TestBreakerProbesOnceWithManyWaiting(t *testing.T) {
	t.Parallel()
	back := 30 * s
	c := smart()
	c.Policy.Retries = 10
	var starts []pace.Start
	var at []time.Duration
	w := newWorld(t, c, map[string]server{a: func(now time.Duration, _ int, _ *url, st pace.Start) (retry.Attempt, time.Duration) {
		starts, at = append(starts, st), append(at, now)
		if now < back {
			return status(503), ms
		}
		return status(200), 10 * ms
	}})
	w.list(a, 200)
	w.run()
	probes, inFlight := 0, 0
	for i, st := range starts {
		if st.Probe {
			probes++
		}
		if at[i] >= back && st.Probe {
			for j := i + 1; j < len(at) && at[j] < at[i]+10*ms; j++ {
				inFlight++
			}
		}
	}
	if probes < 2 || probes > 4 {
		t.Errorf("%d probes in %v", probes, w.q.Now())
	}
	if inFlight != 0 {
		t.Errorf("%d others started while the probe was out", inFlight)
	}
	for i, st := range starts {
		if at[i] >= back && st.Probe && (at[i+1] != at[i]+10*ms || at[i+2] == at[i+1]) {
			t.Errorf("after the probe at %v: starts at %v", at[i], at[i+1:i+4])
		}
	}
	if n := w.outcomes()[retry.OutcomeSuccess]; n < 150 {
		t.Errorf("%d successes: %v", n, w.outcomes())
	}
	if c := w.s.Counts(); c.BreakerOpened != 1 {
		t.Errorf("opened %d times", c.BreakerOpened)
	}
}

// A list of dead hosts ends: past the patience all of an origin's URLs are put
// off at once, new ones too, in memory or spilled.
func TestBreakerPatience(t *testing.T) {
	t.Parallel()
	for _, spill := range []bool{false, true} {
		c := smart()
		c.Spill, c.Window = spill, 50
		w := newWorld(t, c, map[string]server{a: always(refused(), ms), b: always(status(200), 100*ms)})
		w.list(a, 2000)
		w.list(b, 10)
		w.run()
		if w.q.Now() > 2*time.Minute || w.requests(a) > 200 {
			t.Errorf("spill %v: %d requests in %v", spill, w.requests(a), w.q.Now())
		}
		got := w.outcomes()
		if got[retry.OutcomeBreakerOpen] < 1900 || got[retry.OutcomeSuccess] != 10 {
			t.Errorf("spill %v: %v", spill, got)
		}
		if last := w.byID[2000].emits; len(last) != 1 || last[0].Verdict.Rule.String() != "smart.29.breaker_open" || last[0].Attempted {
			t.Errorf("%+v", last)
		}
	}
}

// Past the patience, what was kept waiting is put off at once, and so is what
// a probe leaves behind; not only when that probe ends.
func TestImpatience(t *testing.T) {
	t.Parallel()
	c := smart()
	w := newWorld(t, c, map[string]server{a: always(refused(), 0)})
	w.list(a, 40)
	w.run()
	for _, u := range w.urls {
		if last := len(u.emits) - 1; u.emits[last].Verdict.Outcome == retry.OutcomeBreakerOpen && !u.emits[last].Attempted {
			if at := u.emitted[last]; at != w.twins[a].firstOpened+60*s {
				t.Errorf("opened at %v, URL %d put off at %v", w.twins[a].firstOpened, u.unit.ID, at)
			}
		}
	}

	c.Policy.BreakerPatience, c.Policy.Concurrency = 0, 1
	w = newWorld(t, c, map[string]server{
		a: func(_ time.Duration, n int, _ *url, _ pace.Start) (retry.Attempt, time.Duration) {
			return refused(), time.Duration(n/21) * 50 * s // the probe hangs
		},
		b: always(status(200), 20*s),
	})
	w.list(a, 21)
	w.list(b, 1)
	w.list(a, 3)
	later := w.urls[21:]
	w.urls, w.eof = w.urls[:21], true // the others come later
	w.perform(w.s.Begin(0))
	w.until(5 * s)
	w.perform(w.s.Read(5*s, later[0].unit)) // it takes the slot
	w.until(20 * s)
	for _, u := range later[1:] {
		w.perform(w.s.Read(20*s, u.unit))
	}
	if n := w.requests(a); n != 20 || len(later[2].emits) != 0 {
		t.Fatalf("%d requests: %+v", n, w.s.Origins(20*s))
	}
	w.until(26 * s) // the probe has started, and is not back
	if n := w.requests(a); n != 21 || len(later[1].emits) != 0 || len(later[2].emits) != 1 || len(later[3].emits) != 1 {
		t.Fatalf("%d requests: %+v", n, w.s.Origins(26*s))
	}
}

// After a pause one request passes first, then two, then three: no herd (R6.6).
// Half of the limit before was 2, so from there on it grows by one a round.
func TestGateReopensSlowly(t *testing.T) {
	t.Parallel()
	var starts []time.Duration
	c := smart()
	w := newWorld(t, c, map[string]server{a: func(now time.Duration, n int, _ *url, _ pace.Start) (retry.Attempt, time.Duration) {
		starts = append(starts, now)
		if n <= 4 {
			return status(429, "Retry-After", "10"), ms
		}
		return status(200), 100 * ms
	}})
	w.list(a, 60)
	w.run()
	want(t, w, map[retry.Outcome]int{retry.OutcomeSuccess: 60})
	rounds := map[time.Duration]int{}
	for _, at := range starts[4:] {
		rounds[(at-10*s-ms)/(100*ms)]++
	}
	for i, n := range []int{1, 2, 3, 4} {
		if rounds[time.Duration(i)] != n {
			t.Errorf("round %d: %d starts (%v)", i, rounds[time.Duration(i)], rounds)
		}
	}
	// a fresh origin starts at 4, and grows
	var fresh []time.Duration
	w = newWorld(t, c, map[string]server{a: func(now time.Duration, _ int, _ *url, _ pace.Start) (retry.Attempt, time.Duration) {
		fresh = append(fresh, now)
		return status(200), 100 * ms
	}})
	w.list(a, 60)
	w.run()
	n := 0
	for _, at := range fresh {
		if at == 0 {
			n++
		}
	}
	if n != 4 || fresh[11] != 100*ms || fresh[12] == 100*ms {
		t.Errorf("%d at once, then %v", n, fresh[4:16])
	}
}

// Beyond the cap one request was made, and what waits is put off unsent.
func TestParked(t *testing.T) {
	t.Parallel()
	for _, spill := range []bool{false, true} {
		c := smart()
		c.Policy.RetryAfterCap = 10 * s
		c.Policy.SlowStart = 1
		c.Spill, c.Window = spill, 20
		w := newWorld(t, c, map[string]server{a: always(status(503, "Retry-After", "3600"), ms), b: always(status(200), ms)})
		w.list(a, 100)
		w.list(b, 3)
		w.run()
		want(t, w, map[retry.Outcome]int{retry.OutcomeSuccess: 3, retry.OutcomeParked: 100})
		if w.requests(a) != 1 || w.q.Now() > s {
			t.Errorf("%d requests in %v", w.requests(a), w.q.Now())
		}
		for _, u := range w.urls[:100] {
			v := u.emits[len(u.emits)-1].Verdict
			if v.NotBefore != time.Hour+ms || v.Action != retry.Postpone || v.Rule.String() != "smart.29.parked" {
				t.Fatalf("%+v", v)
			}
		}
	}
}

// A closed gate of one origin never delays another, whatever the list's order
// and however small the window is, if there is a spool.
func TestClosedGateDelaysNobodyElse(t *testing.T) {
	t.Parallel()
	c := smart()
	c.Spill, c.Window = true, 30
	served := func(now time.Duration, _ int, _ *url, _ pace.Start) (retry.Attempt, time.Duration) {
		return status(200), ms
	}
	w := newWorld(t, c, map[string]server{
		a: perURL(ms, status(429, "Retry-After", "600"), status(200)),
		b: served,
	})
	w.list(a, 1000)
	w.list(b, 100)
	w.list(a, 1000)
	w.run()
	want(t, w, map[retry.Outcome]int{retry.OutcomeSuccess: 2100})
	for _, u := range w.urls[1000:1100] {
		if u.starts[0] > s {
			t.Fatalf("a URL of b started at %v", u.starts[0])
		}
	}
	if w.most.memory > 2*30+32 {
		t.Errorf("%d URLs in memory", w.most.memory)
	}
	for i, u := range w.urls[:1000] { // the spool keeps the order of the list
		if i > 0 && u.starts[0] < w.urls[i-1].starts[0] {
			t.Fatalf("URL %d started at %v, the one before at %v", i+1, u.starts[0], w.urls[i-1].starts[0])
		}
	}
}

func TestRateLimitHeaderClosesTheGate(t *testing.T) {
	t.Parallel()
	c := smart()
	c.Policy.SlowStart = 1
	w := newWorld(t, c, map[string]server{
		a: answers(ms, status(200, "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "3"), status(200)),
		b: always(status(200), ms),
	})
	w.list(a, 5)
	w.list(b, 5)
	w.run()
	if at := w.urls[1].starts[0]; at != 3*s+ms {
		t.Errorf("the next request to a is at %v", at)
	}
	if at := w.urls[9].starts[0]; at > 10*ms {
		t.Errorf("b waits until %v", at)
	}
}

// Origins take turns: between two starts of one, no other has more than one.
func TestRoundRobin(t *testing.T) {
	t.Parallel()
	c := smart()
	c.Policy.Concurrency, c.Policy.SlowStart = 5, 0
	c.Window = 100_000
	var order []string
	servers := map[string]server{}
	for i := range 50 {
		name := fmt.Sprintf("http://h%d", i)
		servers[name] = func(_ time.Duration, n int, u *url, _ pace.Start) (retry.Attempt, time.Duration) {
			order = append(order, u.unit.Origin)
			return status(200), time.Duration(1+n%7+i%3) * ms
		}
	}
	w := newWorld(t, c, servers)
	for i := range 50 {
		w.list(fmt.Sprintf("http://h%d", i), 100)
	}
	w.run()
	last := map[string]int{}
	for i, o := range order[:49*100] {
		if before, ok := last[o]; ok && i > 100 {
			seen := map[string]int{}
			for _, other := range order[before+1 : i] {
				if seen[other]++; seen[other] > 1 {
					t.Fatalf("start %d: between two of %s, %s had %d", i, o, other, seen[other])
				}
			}
			if i-before < 45 {
				t.Fatalf("start %d: %s again after %d", i, o, i-before)
			}
		}
		last[o] = i
	}
}

// A retry whose wait is over goes ahead of URLs that were never tried.
func TestRetriesGoFirst(t *testing.T) {
	t.Parallel()
	c := smart()
	c.Policy.Concurrency, c.Policy.Jitter = 1, retry.JitterNone
	w := newWorld(t, c, map[string]server{a: func(_ time.Duration, n int, u *url, st pace.Start) (retry.Attempt, time.Duration) {
		if u.unit.ID == 1 && st.Attempt == 1 {
			return status(503), 10 * ms
		}
		return status(200), 10 * ms
	}})
	w.list(a, 100)
	w.run()
	if at := w.urls[0].starts[1]; at != 110*ms {
		t.Errorf("the retry started at %v", at)
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	c := smart()
	c.Policy.Rate = 100
	w := newWorld(t, c, map[string]server{a: always(status(200), ms), b: always(status(200), ms)})
	w.list(a, 100)
	w.list(b, 101)
	w.run()
	if end := w.q.Now(); end < 2*s || end > 2*s+10*ms {
		t.Errorf("201 URLs at 100 a second took %v", end)
	}
	c.Policy.Rate, c.Policy.PerHostRate = 0, 10
	w = newWorld(t, c, map[string]server{a: always(status(200), ms), b: always(status(200), ms)})
	w.list(a, 21)
	w.list(b, 11)
	w.run()
	if end := w.q.Now(); end < 2*s || end > 2*s+10*ms {
		t.Errorf("21 URLs at 10 a second took %v", end)
	}
	if at := w.urls[31].starts[0]; at != s {
		t.Errorf("the last of b started at %v", at)
	}
}

// 100 URLs in 5 slots, each sent away once: all succeed, and no wait is cut short.
func TestEachRateLimitedOnce(t *testing.T) {
	t.Parallel()
	c := smart()
	c.Policy.Concurrency = 5
	w := newWorld(t, c, map[string]server{a: perURL(ms, status(429, "Retry-After", "1"), status(200))})
	w.list(a, 100)
	w.run()
	want(t, w, map[retry.Outcome]int{retry.OutcomeSuccess: 100})
	if w.requests(a) != 200 {
		t.Errorf("%d requests", w.requests(a))
	}
}

// A URL ends at its deadline even while it waits for its turn.
func TestDeadlineWhileQueued(t *testing.T) {
	t.Parallel()
	c := smart()
	c.Policy.Deadline, c.Policy.Jitter = 5*s, retry.JitterNone
	w := newWorld(t, c, map[string]server{a: func(now time.Duration, n int, u *url, _ pace.Start) (retry.Attempt, time.Duration) {
		switch n {
		case 1:
			return status(503), ms // to be retried after 100 ms
		case 2:
			return status(429, "Retry-After", "20"), 50 * ms // and then nobody may
		}
		return status(200), ms
	}})
	w.list(a, 2)
	w.run()
	want(t, w, map[retry.Outcome]int{retry.OutcomeDeadline: 2})
	first := w.urls[0].emits
	if v := first[len(first)-1]; v.Attempted || v.Verdict.Rule.Row != 28 || v.Attempt != 1 {
		t.Errorf("%+v", v)
	}
	if w.q.Now() != 5*s {
		t.Errorf("it took %v", w.q.Now())
	}
}

// A process that slept does not start what is too late.
func TestLateTick(t *testing.T) {
	t.Parallel()
	c := smart()
	c.Policy.Deadline = 5 * s
	w := newWorld(t, c, map[string]server{a: always(status(503), ms)})
	w.list(a, 1)
	w.perform(w.s.Begin(0))
	w.until(ms)
	if e := w.s.Tick(time.Minute); len(e.Start) != 0 || len(e.Emit) != 1 || e.Emit[0].Verdict.Outcome != retry.OutcomeDeadline {
		t.Errorf("%+v", e)
	}
}

// While memory is over the window, an origin of which enough wait begins no
// more; as soon as there is room, it does.
func TestFullMemoryHoldsBack(t *testing.T) {
	t.Parallel()
	c := smart()
	c.Spill, c.Window = true, 6
	c.Policy.Concurrency, c.Policy.PerHost, c.Policy.SlowStart = 4, 2, 0
	c.Policy.InitialBackoff, c.Policy.MaxBackoff, c.Policy.Jitter = 100*s, 100*s, retry.JitterNone
	w := newWorld(t, c, map[string]server{a: perURL(ms, status(503), status(200)), b: always(status(200), 10*s), "http://c": always(status(200), 5*s)})
	w.list(a, 4)
	w.list(b, 2)
	w.list("http://c", 2)
	w.list(a, 1)
	w.run()
	if at := w.urls[8].starts[0]; at != 10*s {
		t.Errorf("started at %v", at)
	}
	want(t, w, map[retry.Outcome]int{retry.OutcomeSuccess: 9})
}

// The run's deadline puts off what is not done.
func TestRunDeadline(t *testing.T) {
	t.Parallel()
	c := smart()
	c.RunDeadline = 10 * s
	w := newWorld(t, c, map[string]server{a: always(status(200), 3*s)})
	w.list(a, 100)
	w.perform(w.s.Begin(0))
	w.until(pace.Never)
	if !w.latest.Finish || w.q.Now() != 10*s {
		t.Fatalf("ended at %v: %+v", w.q.Now(), w.s.Counts())
	}
	got := w.outcomes()
	if got[retry.OutcomeSuccess] == 0 || got[retry.OutcomeCancelled] == 0 || got[retry.OutcomeNotStarted] == 0 || got[retry.OutcomeSuccess]+got[retry.OutcomeCancelled]+got[retry.OutcomeNotStarted] != 100 {
		t.Errorf("%v", got)
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	c := smart()
	w := newWorld(t, c, map[string]server{a: perURL(s, status(503), status(200)), b: always(status(503), 10*ms)})
	w.list(a, 50)
	w.list(b, 1)
	w.q.At(50*ms, event{kind: "stop"})
	w.run()
	want(t, w, map[retry.Outcome]int{retry.OutcomeCancelled: 5, retry.OutcomeNotStarted: 46})
	if w.q.Now() != s { // what is in flight ends in its time
		t.Errorf("it took %v", w.q.Now())
	}
	if v := w.urls[50].emits[1]; v.Attempted || v.Attempt != 1 || v.Verdict.NotBefore == 0 {
		t.Errorf("%+v", v)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	c := smart()
	c.Policy.Jitter = retry.JitterNone
	w := newWorld(t, c, map[string]server{a: always(status(503), 10*ms)})
	w.list(a, 20)
	w.perform(w.s.Begin(0))
	w.until(15 * ms) // 4 wait, 4 are in flight, the rest is queued
	w.perform(w.s.Cancel(w.q.Now(), 1))
	w.perform(w.s.Cancel(w.q.Now(), 20))
	w.perform(w.s.Cancel(w.q.Now(), 999))
	inFlight := w.s.Counts().InFlight
	w.perform(w.s.Cancel(w.q.Now(), 5))
	if w.s.Counts().InFlight != inFlight {
		t.Error("one in flight was cancelled")
	}
	w.until(pace.Never)
	w.verify()
	got := w.outcomes()
	if got[retry.OutcomeCancelled] != 1 || got[retry.OutcomeNotStarted] != 1 {
		t.Errorf("%v", got)
	}
	if v := w.urls[0].emits[1]; v.Attempt != 1 || v.Attempted || v.Verdict.Outcome != retry.OutcomeCancelled {
		t.Errorf("%+v", v)
	}
}

// The waits of a URL depend on the seed and on what happened to it, and on
// nothing else: not on the slots, the order of the list or other URLs.
func TestWaitsDoNotDependOnScheduling(t *testing.T) {
	t.Parallel()
	waits := func(concurrency int, shuffle, seed uint64) map[pace.ID][]time.Duration {
		c := smart()
		c.Seed = seed
		c.Policy.Concurrency, c.Policy.Budget, c.Policy.Breaker, c.Policy.Retries = concurrency, false, false, 6
		answer := func(_ time.Duration, _ int, u *url, st pace.Start) (retry.Attempt, time.Duration) {
			r := rand.New(rand.NewPCG(uint64(u.unit.ID), uint64(st.Attempt)))
			return []retry.Attempt{status(503), refused(), status(200), status(503, "Retry-After", "2"), status(429)}[r.IntN(5)], time.Duration(r.IntN(100)) * ms
		}
		w := newWorld(t, c, map[string]server{a: answer, b: answer})
		w.list(a, 200)
		w.list(b, 200)
		rand.New(rand.NewPCG(shuffle, 0)).Shuffle(len(w.urls), func(i, j int) { w.urls[i], w.urls[j] = w.urls[j], w.urls[i] })
		w.run()
		all := map[pace.ID][]time.Duration{}
		for _, u := range w.urls {
			for _, e := range u.emits {
				all[u.unit.ID] = append(all[u.unit.ID], e.Verdict.Wait)
			}
		}
		return all
	}
	first := waits(1, 1, 42)
	for concurrency, shuffle := range map[int]uint64{1: 2, 3: 3, 64: 4} {
		for id, w := range waits(concurrency, shuffle, 42) {
			if !slices.Equal(w, first[id]) {
				t.Fatalf("URL %d waits %v, with %d slots %v", id, first[id], concurrency, w)
			}
		}
	}
	if fmt.Sprint(waits(1, 1, 43)) == fmt.Sprint(first) {
		t.Error("another seed gives the same waits")
	}
}

// A unit's own policy decides about it.
func TestPolicyOfOneURL(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smart(), map[string]server{a: always(status(501), ms)})
	spec := retry.Spec()
	w.list(a, 1)
	w.add(&url{unit: pace.Unit{ID: 2, Origin: a, Policy: &spec}})
	w.run()
	if len(w.urls[0].starts) != 1 || len(w.urls[1].starts) != 4 {
		t.Errorf("%d and %d attempts", len(w.urls[0].starts), len(w.urls[1].starts))
	}
}

// A URL that an earlier run put off waits, and so do the others of its origin.
func TestNotBeforeOfAnEarlierRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smart(), map[string]server{a: always(status(200), ms), b: always(status(200), ms)})
	w.add(&url{unit: pace.Unit{ID: 1, Origin: a, NotBefore: 30 * s}})
	w.add(&url{unit: pace.Unit{ID: 2, Origin: a}})
	w.add(&url{unit: pace.Unit{ID: 3, Origin: b, NotBefore: s}})
	w.add(&url{unit: pace.Unit{ID: 4, Origin: b}})
	w.add(&url{unit: pace.Unit{ID: 5, Origin: "http://c", NotBefore: 2 * time.Hour}})
	w.servers["http://c"], w.twins["http://c"] = always(status(200), ms), &twin{w: w, name: "http://c", budget: 100}
	w.run()
	for i, at := range []time.Duration{30*s + ms, 30 * s, s, 0} {
		if got := w.urls[i].starts[0]; got != at {
			t.Errorf("URL %d started at %v, want %v", i+1, got, at)
		}
	}
	if v := w.urls[4].emits[0].Verdict; v.Outcome != retry.OutcomeParked || v.NotBefore != 2*time.Hour {
		t.Errorf("%+v", v)
	}
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	panics := func(name string, f func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s does not panic", name)
			}
		}()
		f()
	}
	sched, _ := pace.New(smart())
	sched.Begin(0)
	sched.Read(0, pace.Unit{ID: 1, Origin: a})
	panics("reading a URL twice", func() { sched.Read(0, pace.Unit{ID: 1, Origin: a}) })
	panics("ending an attempt that never began", func() { sched.Done(0, 7, status(200)) })
	for _, c := range []pace.Config{{}, {Policy: retry.Smart(), Window: -1}, {Policy: retry.Smart(), MaxOrigins: -1}, {Policy: retry.Smart(), RunDeadline: -1}} {
		if _, err := pace.New(c); err == nil {
			t.Errorf("%+v is a configuration", c)
		}
	}
}
