package retry_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"holdfast/fetch/retry"
)

// The requirement's constants, and the operator's.
func TestDefaults(t *testing.T) {
	t.Parallel()
	const s = time.Second
	p := retry.Spec()
	if p.Retries != 3 || p.Timeout != 5*s || p.InitialBackoff != 100*ms || p.MaxBackoff != 5*s || p.Multiplier != 2 || p.Slow != 500*ms ||
		p.Jitter != retry.JitterAdditive || p.Concurrency != 16 || p.PerHost != 16 || p.Budget || p.Breaker || p.RetryAfter || p.SlowStart != 0 || p.Connect != 0 || p.RangeResume {
		t.Errorf("spec: %+v", p)
	}
	p = retry.Smart()
	if p.Retries != 3 || p.Timeout != time.Minute || p.Connect != 5*s || p.TLS != 5*s || p.Headers != 15*s || p.Idle != 15*s || p.MinSpeed != 0 || p.Deadline != 0 ||
		p.InitialBackoff != 100*ms || p.MaxBackoff != 5*s || p.Multiplier != 2 || p.Jitter != retry.JitterFull || !p.RetryAfter || p.RetryAfterCap != time.Hour ||
		!p.Budget || p.BudgetRatio != 0.2 || p.BudgetReserve != 100 || !p.Breaker || p.BreakerPatience != time.Minute || p.Concurrency != 32 || p.PerHost != 8 || p.SlowStart != 4 || !p.RangeResume {
		t.Errorf("smart: %+v", p)
	}
	for _, name := range []string{"spec", "smart"} {
		p, ok := retry.Named(name)
		if !ok || p.Name != name || p.Validate() != nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if _, ok := retry.Named("wise"); ok {
		t.Error("there is a policy named wise")
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for flag, change := range map[string]func(*retry.Policy){
		"--policy":           func(p *retry.Policy) { p.Name = "" },
		"--retries ":         func(p *retry.Policy) { p.Retries = -1 },
		"--retries-for":      func(p *retry.Policy) { p.RetriesFor[retry.GroupTimeout] = -2 },
		"--timeout":          func(p *retry.Policy) { p.Timeout = 0 },
		"--connect-timeout":  func(p *retry.Policy) { p.Connect = -1 },
		"--deadline":         func(p *retry.Policy) { p.Deadline = math.MaxInt64 },
		"--max-backoff":      func(p *retry.Policy) { p.MaxBackoff = -1 },
		"--initial-backoff":  func(p *retry.Policy) { p.InitialBackoff = -1 },
		"--multiplier":       func(p *retry.Policy) { p.Multiplier = 0.5 },
		"--multiplier NaN":   func(p *retry.Policy) { p.Multiplier = math.NaN() },
		"--multiplier +Inf":  func(p *retry.Policy) { p.Multiplier = math.Inf(1) },
		"--jitter":           func(p *retry.Policy) { p.Jitter = 17 },
		"--retry-after-cap":  func(p *retry.Policy) { p.RetryAfterCap = -1 },
		"--budget ":          func(p *retry.Policy) { p.BudgetRatio = -1 },
		"--budget-reserve":   func(p *retry.Policy) { p.BudgetReserve = math.NaN() },
		"--breaker-patience": func(p *retry.Policy) { p.BreakerPatience = -1 },
		"--concurrency":      func(p *retry.Policy) { p.Concurrency = 0 },
		"--per-host":         func(p *retry.Policy) { p.PerHost = 0 },
		"--rate":             func(p *retry.Policy) { p.Rate = math.Inf(1) },
		"--min-speed":        func(p *retry.Policy) { p.MinSpeed = -1 },
		"--slow":             func(p *retry.Policy) { p.Slow = -1 },
		"slow start":         func(p *retry.Policy) { p.SlowStart = -1 },
	} {
		p := retry.Smart()
		change(&p)
		if err := p.Validate(); err == nil || !strings.HasPrefix(err.Error(), flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
	p := retry.Smart()
	p.InitialBackoff = time.Minute
	if err := p.Validate(); err != nil {
		t.Errorf("an initial backoff above the maximum: %v", err)
	}
}
