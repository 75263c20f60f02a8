package retry

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Names of the two columns of the decision table.
const (
	NameSpec  = "spec"
	NameSmart = "smart"
)

// Any is the entry of RetriesFor that limits nothing.
const Any = -1

// A Policy is a column of the decision table and the numbers that go with it.
// It is a plain value: copy it and change what you like, then call Validate.
type Policy struct {
	Name string // NameSpec or NameSmart: the column

	Retries    int            // most retries of a URL
	RetriesFor [NumGroups]int // most retries of a kind of failure; Any

	Timeout  time.Duration // one attempt, dial to last byte
	Connect  time.Duration // phases of an attempt; 0 is off
	TLS      time.Duration
	Headers  time.Duration
	Idle     time.Duration
	MinSpeed int64         // bytes a second over 10 s; 0 is off
	Deadline time.Duration // one URL from its first attempt, waits included; 0 is off

	InitialBackoff time.Duration
	MaxBackoff     time.Duration
	Multiplier     float64 // at least 1
	Jitter         JitterMode

	RetryAfter    bool          // respect what servers ask for
	RetryAfterCap time.Duration // the longest such wait that is waited for in one run
	ServerHint    bool          // heed x-should-retry

	Budget          bool
	BudgetRatio     float64 // tokens for each first attempt
	BudgetReserve   float64 // tokens an origin starts with; the run has ten times that
	Breaker         bool
	BreakerPatience time.Duration // how long URLs wait for an origin whose breaker is not closed

	Concurrency int     // attempts in flight
	PerHost     int     // of them to one origin
	Rate        float64 // attempts a second; 0 is any number
	PerHostRate float64 // of them to one origin
	SlowStart   int     // the limit that an origin starts at; 0 is PerHost at once

	Slow        time.Duration // above it a response is slow
	RangeResume bool
}

// Spec is the requirement to the letter.
func Spec() Policy {
	return Policy{
		Name:           NameSpec,
		Retries:        3,
		RetriesFor:     [NumGroups]int{Any, Any, Any, Any, Any},
		Timeout:        5 * time.Second,
		InitialBackoff: 100 * time.Millisecond,
		MaxBackoff:     5 * time.Second,
		Multiplier:     2,
		Jitter:         JitterAdditive,
		Concurrency:    16,
		PerHost:        16,
		Slow:           500 * time.Millisecond,

		// Switched off, and what they are when switched on.
		RetryAfterCap:   time.Hour,
		BudgetRatio:     0.2,
		BudgetReserve:   100,
		BreakerPatience: time.Minute,
	}
}

// Smart is what an operator wants.
func Smart() Policy {
	p := Spec()
	p.Name = NameSmart
	p.Timeout = time.Minute
	p.Connect, p.TLS, p.Headers, p.Idle = 5*time.Second, 5*time.Second, 15*time.Second, 15*time.Second
	p.Jitter = JitterFull
	p.RetryAfter, p.Budget, p.Breaker = true, true, true
	p.Concurrency, p.PerHost, p.SlowStart = 32, 8, 4
	p.RangeResume = true
	return p
}

// Named gives the policy of a name.
func Named(name string) (Policy, bool) {
	switch name {
	case NameSpec:
		return Spec(), true
	case NameSmart:
		return Smart(), true
	}
	return Policy{}, false
}

// Limits of what a policy may say, so that no sum of waits overflows.
const (
	longest     = 10 * 365 * 24 * time.Hour
	mostRetries = 1_000_000
	mostSlots   = 1_000_000
)

// Validate names the first field that makes no sense, by its flag, and the
// range that does. An InitialBackoff above MaxBackoff is fine: every wait is
// the maximum.
func (p *Policy) Validate() error {
	if p.Name != NameSpec && p.Name != NameSmart {
		return fmt.Errorf("--policy %q: spec or smart", p.Name)
	}
	if p.Retries < 0 || p.Retries > mostRetries {
		return fmt.Errorf("--retries %d: 0 to %d", p.Retries, mostRetries)
	}
	for g, n := range p.RetriesFor {
		if n < Any || n > mostRetries {
			return fmt.Errorf("--retries-for %v=%d: 0 to %d", Group(g), n, mostRetries)
		}
	}
	if p.Jitter > JitterDecorrelated {
		return fmt.Errorf("--jitter: no mode %d", p.Jitter)
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
		least time.Duration
	}{
		{"timeout", p.Timeout, 1}, {"connect-timeout", p.Connect, 0}, {"tls-timeout", p.TLS, 0}, {"header-timeout", p.Headers, 0},
		{"idle-timeout", p.Idle, 0}, {"deadline", p.Deadline, 0}, {"initial-backoff", p.InitialBackoff, 0}, {"max-backoff", p.MaxBackoff, 0},
		{"retry-after-cap", p.RetryAfterCap, 0}, {"breaker-patience", p.BreakerPatience, 0}, {"slow", p.Slow, 0},
	} {
		if d.value < d.least || d.value > longest {
			return fmt.Errorf("--%s %v: %s to %v", d.flag, d.value, map[bool]string{true: "above 0", false: "0"}[d.least > 0], longest)
		}
	}
	for _, n := range []struct {
		flag         string
		value, least float64
		most         float64
	}{
		{"multiplier", p.Multiplier, 1, 1e6}, {"budget", p.BudgetRatio, 0, 100}, {"budget-reserve", p.BudgetReserve, 0, 1e6},
		{"concurrency", float64(p.Concurrency), 1, mostSlots}, {"per-host", float64(p.PerHost), 1, mostSlots},
		{"rate", p.Rate, 0, 1e9}, {"per-host-rate", p.PerHostRate, 0, 1e9}, {"min-speed", float64(p.MinSpeed), 0, math.MaxInt64},
	} {
		if !(n.value >= n.least && n.value <= n.most) { // NaN is neither
			return fmt.Errorf("--%s %s: %s to %s", n.flag, plain(n.value), plain(n.least), plain(n.most))
		}
	}
	if p.SlowStart < 0 {
		return fmt.Errorf("slow start at %d: 0 or more", p.SlowStart)
	}
	return nil
}

// plain is a number as people write it: 1000000, not 1e+06.
func plain(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
