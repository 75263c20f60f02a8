package retry_test

import (
	"testing"
	"time"

	"holdfast/fetch/retry"
)

// first decides about the first attempt.
func first(p retry.Policy, a retry.Attempt, u float64) retry.Verdict {
	_, v := retry.Decide(&p, retry.State{}, a, retry.Env{Now: time.Hour, U: u, Remaining: retry.Forever, Budget: retry.Unlimited})
	return v
}

// A wait is never shorter than what the server asked for, and spread beyond it.
func TestNeverBelowRetryAfter(t *testing.T) {
	t.Parallel()
	p := retry.Smart()
	seen := map[time.Duration]bool{}
	for i := range 10_000 {
		u := retry.Uniform(7, uint64(i), 1)
		v := first(p, status(429, "Retry-After", "2"), u)
		if v.Wait < 2*time.Second || v.Wait > 2200*time.Millisecond {
			t.Fatalf("draw %d: %v", i, v.Wait)
		}
		seen[v.Wait] = true
		if v := first(p, status(503, "Retry-After", "1000"), u); v.Wait < 1000*time.Second || v.Wait > 1001*time.Second {
			t.Fatalf("draw %d: %v", i, v.Wait)
		}
	}
	if len(seen) < 9000 {
		t.Errorf("10,000 waits have only %d lengths: they come back together", len(seen))
	}
}

func TestRetryAfterIsReadWhereItMeansSomething(t *testing.T) {
	t.Parallel()
	smart, ignoring := retry.Smart(), retry.Smart()
	ignoring.RetryAfter = false
	const asked = 30 * time.Second
	for _, c := range []struct {
		policy  retry.Policy
		status  int
		waits   bool // at least as long as asked
		closes  bool // the gate for others
		retried bool
	}{
		{smart, 429, true, true, true},
		{smart, 503, true, true, true},
		{smart, 413, true, false, true},
		{smart, 500, false, false, true},
		{smart, 502, false, false, true},
		{smart, 404, false, false, false},
		{ignoring, 503, false, false, true},
		{retry.Spec(), 503, false, false, true},
		{retry.Spec(), 429, false, false, false},
	} {
		v := first(c.policy, status(c.status, "Retry-After", "30"), 0.9)
		if (v.Action == retry.Retry) != c.retried || (v.Wait >= asked) != c.waits {
			t.Errorf("%s %d: %v after %v", c.policy.Name, c.status, v.Action, v.Wait)
		}
		if closed := v.CloseGate == time.Hour+asked; closed != c.closes {
			t.Errorf("%s %d: gate until %v", c.policy.Name, c.status, v.CloseGate)
		}
	}
	if v := first(ignoring, status(429, "Retry-After", "30"), 0.9); v.CloseGate != time.Hour+v.Wait {
		t.Errorf("429, ignoring what it asks: gate until %v, wait %v", v.CloseGate, v.Wait)
	}
}

func TestPauses(t *testing.T) {
	t.Parallel()
	p := retry.Smart()
	p.RetryAfterCap = 10 * time.Second
	const now = time.Hour

	v := first(p, status(429), 0.5)
	if v.Action != retry.Retry || v.CloseGate != now+v.Wait || v.Cost != 0 || v.Event != "transient_client_error" {
		t.Errorf("429 alone: %+v", v)
	}
	v = first(p, status(429, "Retry-After", "0"), 0.5)
	if v.Action != retry.Retry || v.Wait != 50*time.Millisecond || v.CloseGate != now+v.Wait {
		t.Errorf("429 with 0: %+v", v)
	}
	v = first(p, status(503, "Retry-After", "Mon, 03 Jun 2019 10:00:00 GMT"), 0.5)
	if v.Action != retry.Retry || v.Wait != 50*time.Millisecond || v.CloseGate != 0 {
		t.Errorf("503 with a past date: %+v", v)
	}
	v = first(p, status(503, "Retry-After", "3600"), 0.5)
	if v.Action != retry.Postpone || v.Outcome != retry.OutcomeParked || v.NotBefore != now+time.Hour || v.CloseGate != now+time.Hour || v.Event != "server_error" || v.Then != "parked" || v.Rule.Row != 29 || v.Why == "" {
		t.Errorf("longer than the cap: %+v", v)
	}
	v = first(p, status(429, "Retry-After", "3600"), 0.5)
	if v.Outcome != retry.OutcomeParked || v.Event != "transient_client_error" {
		t.Errorf("parked at a 429: %+v", v)
	}
	for _, absurd := range []string{"1734000000", "9223372037", "99999999999999999999999"} {
		v = first(p, status(503, "Retry-After", absurd), 0.5)
		if v.Outcome != retry.OutcomeParked || v.NotBefore != now+p.RetryAfterCap || v.CloseGate != now+p.RetryAfterCap || v.Warning == "" || v.Wait < 0 {
			t.Errorf("%s: %+v", absurd, v)
		}
	}
	v = first(p, status(503, "Retry-After", "10"), 0.5)
	if v.Action != retry.Retry || v.Wait < 10*time.Second {
		t.Errorf("exactly the cap: %+v", v)
	}
	v = first(p, status(503, "Retry-After", "soon"), 0.5)
	if v.Action != retry.Retry || v.Warning == "" || v.CloseGate != 0 || v.Cost != retry.Token {
		t.Errorf("cannot be read: %+v", v)
	}
	v = first(retry.Spec(), status(503, "Retry-After", "soon"), 0.5)
	if v.Warning != "" || v.CloseGate != 0 {
		t.Errorf("spec ignores headers: %+v", v)
	}
	v = first(p, status(200, "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "3"), 0.5)
	if v.Outcome != retry.OutcomeSuccess || v.CloseGate != now+3*time.Second {
		t.Errorf("no request is left: %+v", v)
	}
	v = first(retry.Spec(), status(200, "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "3"), 0.5)
	if v.CloseGate != 0 {
		t.Errorf("spec ignores headers: %+v", v)
	}
	v = first(p, status(503, "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "3600"), 0.5)
	if v.Outcome != retry.OutcomeParked || v.NotBefore != now+time.Hour {
		t.Errorf("no request is left for an hour: %+v", v)
	}

	// a deadline that cannot be met ends at once, one request made
	q := retry.Smart()
	state := retry.State{Deadline: 10 * time.Second}
	r := triesIn(t, q, state, status(503, "Retry-After", "200"))
	if r.outcome() != (result{retry.OutcomeDeadline, 1}) {
		t.Errorf("%+v", r.last())
	}
	// retries used up: the others still wait
	q.Retries = 0
	v = first(q, status(429, "Retry-After", "5"), 0.5)
	if v.Outcome != retry.OutcomeMaxRetries || v.CloseGate != now+5*time.Second || v.Event != "client_error" {
		t.Errorf("%+v", v)
	}
	// the gate of others is respected too
	_, v = retry.Decide(&p, retry.State{}, status(500), retry.Env{U: 0.1, Remaining: retry.Forever, Budget: retry.Unlimited, Gate: 7 * time.Second})
	if v.Action != retry.Retry || v.NotBefore != 7*time.Second || v.Wait != 10*time.Millisecond {
		t.Errorf("%+v", v)
	}
}

// A wait that the server dictated starts the backoff again (R5.2).
func TestRetryAfterResetsTheExponent(t *testing.T) {
	t.Parallel()
	p := retry.Smart()
	p.Retries, p.Jitter = 10, retry.JitterNone
	r := tries(t, p, status(500), status(500), status(503, "Retry-After", "1"), status(500), status(500), status(200))
	for i, want := range []time.Duration{100 * ms, 200 * ms, 400 * ms, 100 * ms, 200 * ms} {
		if got := r.verdicts[i].Nominal; got != want {
			t.Errorf("retry %d: nominal %v, want %v", i+1, got, want)
		}
	}
	if got := r.verdicts[2].Wait; got < time.Second || got > 1100*ms {
		t.Errorf("the dictated wait is %v", got)
	}
}
