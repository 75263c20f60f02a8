package pace_test

import (
	"strconv"
	"testing"
	"time"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
)

// A direct conversation with a scheduler: no model servers.
func begin(t *testing.T, c pace.Config) *pace.Scheduler {
	t.Helper()
	sched, err := pace.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if e := sched.Begin(0); e.ReadMore == 0 || len(e.Start) > 0 || e.Finish {
		t.Fatalf("%+v", e)
	}
	return sched
}

func found(header ...string) retry.Attempt {
	r := status(302, header...)
	r.Kind = retry.KindNone
	return r
}

// A redirect gives its slots back, and goes on with those of the other origin:
// its limit, gate and breaker; a retry starts again at the URL's own.
func TestHop(t *testing.T) {
	t.Parallel()
	c := smart()
	c.Policy.SlowStart, c.Policy.PerHost, c.Policy.Concurrency = 1, 1, 3
	sched := begin(t, c)
	sched.Read(0, pace.Unit{ID: 1, Origin: a})
	sched.Read(0, pace.Unit{ID: 2, Origin: a})
	sched.Read(0, pace.Unit{ID: 3, Origin: b})
	e := sched.Hop(2*s, 1, b, found())
	if len(e.Start) != 1 || e.Start[0].ID != 2 || len(e.Emit) != 0 {
		t.Fatalf("the slot at a is not free: %+v", e)
	}
	e = sched.Done(5*s, 3, status(200)) // b is free
	if len(e.Start) != 1 {
		t.Fatalf("%+v", e)
	}
	if got := e.Start[0]; got.ID != 1 || got.Attempt != 1 || got.Hop != 1 || got.Limit != 58*s || got.LimitKind != retry.LimitAttempt || got.Waited != 3*s || got.Queued != 3*s {
		t.Fatalf("%+v", got)
	}
	e = sched.Done(6*s, 1, status(429, "Retry-After", "4")) // b's gate closes, not a's
	if v := e.Emit[0].Verdict; v.Action != retry.Retry || v.CloseGate != 10*s || e.Emit[0].Attempt != 1 {
		t.Fatalf("%+v", e)
	}
	for _, o := range sched.Origins(6 * s) {
		if closed := o.GateUntil != 0; closed != (o.Origin == b) {
			t.Errorf("%+v", o)
		}
	}
	sched.Done(7*s, 2, status(200))
	sched.InputEOF(7 * s)
	e = sched.Tick(11 * s)
	if len(e.Start) != 1 || e.Start[0].ID != 1 || e.Start[0].Attempt != 2 || e.Start[0].Hop != 0 || e.Start[0].Limit != 60*s {
		t.Fatalf("%+v", e)
	}
	e = sched.Hop(12*s, 1, b, found())
	if len(e.Start) != 1 || e.Start[0].Hop != 1 || e.Start[0].Waited != 0 {
		t.Fatalf("%+v", e)
	}
	if e = sched.Done(13*s, 1, status(200)); !e.Finish || e.Emit[0].Attempt != 2 || e.Wake != pace.Never {
		t.Fatalf("%+v", e)
	}
}

// A redirect may name a pause, or lead to where nothing goes now.
func TestHopWaits(t *testing.T) {
	t.Parallel()
	c := smart()
	c.Policy.RetryAfterCap, c.Policy.Deadline = 10*s, 8*s
	for asked, want := range map[int]retry.Outcome{0: retry.OutcomeNone, 5: retry.OutcomeNone, 9: retry.OutcomeDeadline, 2000000000: retry.OutcomeDeadline} {
		sched := begin(t, c)
		sched.Read(0, pace.Unit{ID: 1, Origin: a})
		e := sched.Hop(s, 1, b, found("Retry-After", strconv.Itoa(asked)))
		switch {
		case want == retry.OutcomeNone && asked == 0:
			if len(e.Start) != 1 {
				t.Errorf("no pause: %+v", e)
			}
		case want == retry.OutcomeNone:
			if len(e.Start)+len(e.Emit) != 0 || e.Wake != s+time.Duration(asked)*s || sched.Counts().InFlight != 0 {
				t.Errorf("a pause of %d s: %+v", asked, e)
			}
			if e = sched.Tick(e.Wake); len(e.Start) != 1 || e.Start[0].Waited != time.Duration(asked)*s || e.Start[0].Queued != 0 {
				t.Errorf("after a pause of %d s: %+v", asked, e)
			}
		default:
			if len(e.Emit) != 1 || e.Emit[0].Verdict.Outcome != want || e.Emit[0].Attempted || e.Emit[0].Attempt != 1 {
				t.Errorf("a pause of %d s: %+v", asked, e)
			}
		}
	}
	c.Policy.Deadline = 0
	for asked, until := range map[string]time.Duration{"20": 21 * s, "1734000000": 11 * s} {
		sched := begin(t, c)
		sched.Read(0, pace.Unit{ID: 1, Origin: a})
		e := sched.Hop(s, 1, b, found("Retry-After", asked))
		if len(e.Emit) != 1 || e.Emit[0].Verdict.Outcome != retry.OutcomeParked || e.Emit[0].Verdict.NotBefore != until {
			t.Errorf("a pause of %s s: %+v", asked, e)
		}
	}
	sched := begin(t, c) // b says an hour
	sched.Read(0, pace.Unit{ID: 1, Origin: a})
	sched.Read(0, pace.Unit{ID: 2, Origin: b})
	sched.Done(s, 2, status(503, "Retry-After", "3600"))
	if e := sched.Hop(2*s, 1, b, found()); len(e.Emit) != 1 || e.Emit[0].Verdict.Outcome != retry.OutcomeParked {
		t.Errorf("%+v", e)
	}
	sched = begin(t, c)
	sched.Read(0, pace.Unit{ID: 1, Origin: a})
	sched.Stop(s)
	if e := sched.Hop(2*s, 1, b, found()); len(e.Emit) != 1 || e.Emit[0].Verdict.Outcome != retry.OutcomeCancelled || !e.Finish {
		t.Errorf("%+v", e)
	}
}

// An origin that demands HTTP/1.1 is spoken to in it, by all.
func TestHTTP1Required(t *testing.T) {
	t.Parallel()
	sched := begin(t, smart())
	sched.Read(0, pace.Unit{ID: 1, Origin: a})
	sched.Done(s, 1, retry.Attempt{Class: retry.ClassConnection, Kind: retry.KindHTTP1Required, Sent: true, Idempotent: true})
	if e := sched.Read(2*s, pace.Unit{ID: 2, Origin: a}); len(e.Start) != 2 || !e.Start[0].ForceHTTP1 || !e.Start[0].FreshConn || !e.Start[1].ForceHTTP1 || e.Start[1].FreshConn {
		t.Errorf("%+v", e)
	}
	if e := sched.Read(2*s, pace.Unit{ID: 3, Origin: b}); e.Start[0].ForceHTTP1 {
		t.Errorf("%+v", e)
	}
}

// Hidden resends are paid for.
func TestResendsCost(t *testing.T) {
	t.Parallel()
	sched := begin(t, smart())
	sched.Read(0, pace.Unit{ID: 1, Origin: a})
	sent := status(200)
	sent.Resends = 3
	sched.Done(0, 1, sent)
	if got := sched.Origins(0)[0].Budget; got != 100*retry.Token+retry.Token/5-3*retry.Token {
		t.Errorf("%d millionths are left", got)
	}
}

// Origins without URLs are forgotten after ten minutes, or sooner if there are
// too many; those that are unwell are kept while there is room.
func TestOriginsAreForgotten(t *testing.T) {
	t.Parallel()
	c := smart()
	c.MaxOrigins = 50
	sched := begin(t, c)
	one := func(now time.Duration, id int, answer retry.Attempt) {
		t.Helper()
		if e := sched.Read(now, pace.Unit{ID: pace.ID(id), Origin: "http://h" + strconv.Itoa(id)}); len(e.Start) != 1 {
			t.Fatalf("%+v", e)
		}
		sched.Done(now, pace.ID(id), answer)
	}
	names := func(now time.Duration) int { return len(sched.Origins(now)) }
	for id := range 40 {
		one(0, id, status(200, "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "3000"))
	}
	for id := range 200 {
		one(s, 100+id, status(200))
		if n := names(s); n > 50 {
			t.Fatalf("%d origins", n)
		}
	}
	sched = begin(t, c)
	one(0, 1, status(200))
	one(0, 2, status(200, "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "3000"))
	one(9*time.Minute, 3, status(200))
	if n := names(0); n != 3 {
		t.Errorf("%d origins", n)
	}
	one(11*time.Minute, 4, status(200))
	if n := names(0); n != 3 { // 1 is gone, 2 is closed, 3 is young
		t.Errorf("%d origins: %+v", n, sched.Origins(0))
	}
}

// Reading goes in bursts: not one URL for each that ends.
func TestReadsInBursts(t *testing.T) {
	c := pace.Config{Policy: retry.Spec(), Window: 64}
	c.Policy.Concurrency, c.Policy.PerHost = 1, 1
	s, err := pace.New(c)
	if err != nil {
		t.Fatal(err)
	}
	e := s.Begin(0)
	next := pace.ID(0)
	var flying pace.ID
	bursts, done := 0, 0
	for ; done < 640; done++ {
		if e.ReadMore > 0 {
			bursts++
		}
		for e.ReadMore > 0 {
			next++
			e = s.Read(0, pace.Unit{ID: next, Origin: "http://a:80"})
			for _, st := range e.Start {
				flying = st.ID
			}
		}
		e = s.Done(0, flying, status(200))
		for _, st := range e.Start {
			flying = st.ID
		}
	}
	if most := done/16 + 1; bursts > most || bursts < most/2 {
		t.Errorf("%d bursts for %d URLs, want about %d", bursts, done, most)
	}
}
