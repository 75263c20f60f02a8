package retry_test

import (
	"testing"
	"time"

	"holdfast/fetch/retry"
)

// A run is what became of one URL whose attempts went as scripted: the last
// line of the script repeats.
type run struct {
	verdicts []retry.Verdict
	state    retry.State
	now      time.Duration // at the end
}

func (r *run) last() retry.Verdict { return r.verdicts[len(r.verdicts)-1] }
func (r *run) requests() int       { return len(r.verdicts) }

// outcome is where the URL ended, and after how many requests.
func (r *run) outcome() result { return result{r.last().Outcome, r.requests()} }

type result struct {
	outcome  retry.Outcome
	requests int
}

// tries makes the attempts of a script, each at once after its wait and
// lasting nothing, until the verdict is no retry.
func tries(t testing.TB, p retry.Policy, script ...retry.Attempt) *run {
	t.Helper()
	return triesIn(t, p, retry.State{}, script...)
}

func triesIn(t testing.TB, p retry.Policy, s retry.State, script ...retry.Attempt) *run {
	t.Helper()
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	r := &run{state: s}
	for n := 0; ; n++ {
		a := script[min(n, len(script)-1)]
		e := retry.Env{Now: r.now, U: retry.Uniform(1, 2, n+1), Remaining: retry.Forever, Budget: retry.Unlimited}
		var v retry.Verdict
		r.state, v = retry.Decide(&p, r.state, a, e)
		r.verdicts = append(r.verdicts, v)
		if v.Action != retry.Retry {
			return r
		}
		if v.NotBefore < r.now || v.Wait < 0 {
			t.Fatalf("attempt %d at %v: wait %v, not before %v", n+1, r.now, v.Wait, v.NotBefore)
		}
		if n > p.Retries+1 {
			t.Fatalf("%d attempts with %d retries", n+1, p.Retries)
		}
		r.now = v.NotBefore
	}
}

// status is a GET answered so, with pairs of header names and values.
func status(code int, header ...string) retry.Attempt {
	class, kind := retry.ClassifyStatus(code)
	h := map[string][]string{}
	for i := 0; i+1 < len(header); i += 2 {
		h[header[i]] = append(h[header[i]], header[i+1])
	}
	return retry.Attempt{
		Class: class, Kind: kind, Status: code, Sent: true, Idempotent: true,
		RetryAfter: retry.ParseRetryAfter(h, clock), RateLimit: retry.ParseRateLimit(h, clock),
	}
}

var clock = time.Date(2019, 6, 3, 11, 0, 0, 0, time.UTC)

// failure is a GET that failed so before an answer.
func failure(k retry.Kind) retry.Attempt {
	return retry.Attempt{Class: retry.ClassConnection, Kind: k, Idempotent: true}
}

func timeout(during retry.Phase, of retry.Limit) retry.Attempt {
	return retry.Attempt{Class: retry.ClassTimeout, Phase: during, Limit: of, After: 5 * time.Second, Sent: true, Idempotent: true}
}

// post makes an attempt one of a method that must not be repeated.
func post(a retry.Attempt) retry.Attempt {
	a.Idempotent = false
	return a
}

var policies = []retry.Policy{retry.Spec(), retry.Smart()}
