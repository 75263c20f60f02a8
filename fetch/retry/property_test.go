package retry_test

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"holdfast/fetch/retry"
)

// anyPolicy draws a policy that is valid.
func anyPolicy(t *rapid.T) retry.Policy {
	p := rapid.SampledFrom(policies).Draw(t, "policy")
	p.Retries = rapid.IntRange(0, 6).Draw(t, "retries")
	for g := range p.RetriesFor {
		p.RetriesFor[g] = rapid.IntRange(retry.Any, 3).Draw(t, "retries for")
	}
	p.InitialBackoff = time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "initial"))
	p.MaxBackoff = time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "max"))
	p.Multiplier = rapid.Float64Range(1, 20).Draw(t, "multiplier")
	p.Jitter = retry.JitterMode(rapid.IntRange(0, int(retry.JitterDecorrelated)).Draw(t, "jitter"))
	p.RetryAfter, p.Budget, p.Breaker = rapid.Bool().Draw(t, "retry-after"), rapid.Bool().Draw(t, "budget"), rapid.Bool().Draw(t, "breaker")
	p.RetryAfterCap = time.Duration(rapid.Int64Range(0, int64(2*time.Hour)).Draw(t, "cap"))
	p.ServerHint = rapid.Bool().Draw(t, "hint")
	return p
}

func anyAttempt(t *rapid.T) retry.Attempt {
	a := retry.Attempt{
		Phase: retry.Phase(rapid.IntRange(0, 6).Draw(t, "phase")), After: time.Second,
		Sent: rapid.Bool().Draw(t, "sent"), Idempotent: rapid.Bool().Draw(t, "idempotent"), Unreplayable: rapid.IntRange(0, 9).Draw(t, "unreplayable") == 0,
		ServerHint: retry.Hint(rapid.IntRange(0, 2).Draw(t, "hint")),
	}
	if rapid.Bool().Draw(t, "answered") {
		a.Status = rapid.OneOf(rapid.SampledFrom([]int{200, 404, 408, 413, 421, 425, 429, 500, 501, 503}), rapid.IntRange(0, 999)).Draw(t, "status")
		a.Class, a.Kind = retry.ClassifyStatus(a.Status)
		h := map[string][]string{}
		if s := rapid.SampledFrom([]string{"", "0", "1", "7200", "1734000000", "x"}).Draw(t, "Retry-After"); s != "" {
			h["Retry-After"] = []string{s}
		}
		if rapid.Bool().Draw(t, "empty") {
			h["X-Ratelimit-Remaining"], h["X-Ratelimit-Reset"] = []string{"0"}, []string{"5"}
		}
		a.RetryAfter, a.RateLimit = retry.ParseRetryAfter(h, clock), retry.ParseRateLimit(h, clock)
		return a
	}
	a.Class = retry.Class(rapid.IntRange(int(retry.ClassTimeout), int(retry.ClassCancelled)).Draw(t, "class"))
	a.Kind = rapid.SampledFrom(kinds[a.Class]).Draw(t, "kind")
	if a.Class == retry.ClassTimeout {
		a.Limit = retry.Limit(rapid.IntRange(1, 7).Draw(t, "limit"))
	}
	return a
}

// Whatever happens, a verdict makes sense: it is the same for the same values,
// its waits lie where they may, it pays once, and a URL ends after at most as
// many attempts as were allowed.
func TestVerdictsMakeSense(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := anyPolicy(t)
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		s := retry.State{}
		if rapid.Bool().Draw(t, "has a deadline") {
			s.Deadline = time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "deadline"))
		}
		now, paid := time.Duration(0), retry.Tokens(0)
		for n := 1; ; n++ {
			a := anyAttempt(t)
			e := retry.Env{
				Now: now, U: rapid.Float64Range(0, 1-1e-16).Draw(t, "u"), Remaining: retry.Forever,
				Budget: retry.Tokens(rapid.Int64Range(0, 3e6).Draw(t, "budget")), BreakerOpen: rapid.IntRange(0, 9).Draw(t, "breaker open") == 0,
			}
			if rapid.IntRange(0, 3).Draw(t, "gate closed") == 0 {
				e.Gate = now + time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "gate"))
			}
			next, v := retry.Decide(&p, s, a, e)
			if n2, v2 := retry.Decide(&p, s, a, e); !reflect.DeepEqual(v, v2) || n2 != next {
				t.Fatalf("%+v, then %+v", v, v2)
			}
			check(t, &p, s, a, e, v)
			if a.Class == retry.ClassSuccess && v.Refund != s.Paid || a.Class != retry.ClassSuccess && v.Refund != 0 {
				t.Fatalf("refund of %d, paid %d", v.Refund, s.Paid)
			}
			paid += v.Cost
			if v.Action != retry.Retry {
				if v.Outcome == retry.OutcomeNone || v.Wait != 0 || v.Cost != 0 || v.Reason != "" {
					t.Fatalf("over: %+v", v)
				}
				if v.Outcome == retry.OutcomeMaxRetries && next.Attempts > p.Retries+1 {
					t.Fatalf("%d attempts with %d retries", next.Attempts, p.Retries)
				}
				return
			}
			if n > p.Retries {
				t.Fatalf("retry %d of %d", n, p.Retries)
			}
			now += v.Wait + time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "took"))
			now = max(now, v.NotBefore)
			s = next
		}
	})
}

func check(t *rapid.T, p *retry.Policy, s retry.State, a retry.Attempt, e retry.Env, v retry.Verdict) {
	if v.Wait < 0 || v.NotBefore < 0 || v.CloseGate < 0 || v.Cost < 0 || v.Nominal < 0 || v.Nominal > p.MaxBackoff {
		t.Fatalf("negative: %+v", v)
	}
	if v.Rule.Policy != p.Name || v.Rule.Row < 1 || v.Event == "" {
		t.Fatalf("no rule: %+v", v)
	}
	if v.CloseGate != 0 && v.CloseGate <= e.Now {
		t.Fatalf("closes the gate until the past: %+v", v)
	}
	if p.Name == retry.NameSpec && !p.RetryAfter && (v.CloseGate != 0 || v.Outcome == retry.OutcomeParked) {
		t.Fatalf("spec heeds a header: %+v", v)
	}
	if v.Outcome.Postponed() != (v.Action == retry.Postpone) {
		t.Fatalf("postponed or not: %+v", v)
	}
	if v.Action != retry.Retry {
		return
	}
	asked := time.Duration(0)
	if p.RetryAfter && (a.Status == 413 || a.Status == 429 || a.Status == 503) {
		asked = a.RetryAfter.Wait
	}
	if v.Wait < asked || v.Wait > max(p.MaxBackoff, asked)+time.Second || asked > p.RetryAfterCap {
		t.Fatalf("asked for %v: %+v", asked, v)
	}
	if v.NotBefore < e.Now+v.Wait || v.NotBefore < e.Gate || p.RetryAfter && e.Gate-e.Now > p.RetryAfterCap {
		t.Fatalf("too early: %+v", v)
	}
	if s.Deadline > 0 && v.NotBefore >= s.Deadline {
		t.Fatalf("deadline %v: %+v", s.Deadline, v)
	}
	if p.Budget && v.Cost > e.Budget || !p.Budget && v.Cost != 0 {
		t.Fatalf("paid with %d: %+v", e.Budget, v)
	}
	if a.Sent && !a.Idempotent && a.Status != 408 && a.Status != 425 && a.Status != 429 || a.Unreplayable {
		t.Fatalf("repeated: %+v", a)
	}
}
