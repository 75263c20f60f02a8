package outage_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"holdfast/fetch/outage"
	"holdfast/fetch/retry"
)

const (
	ms = time.Millisecond
	s  = time.Second
)

func simulate(t *testing.T, c outage.Config) outage.Result {
	t.Helper()
	r, err := outage.Simulate(c)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, n := range r.Outcomes {
		sum += n
	}
	if sum != r.URLs || r.URLs != c.Hosts*c.URLs || r.OutageRequests > r.Requests || r.HerdAtOnce > r.Herd || r.Successes != r.Outcomes["success"] {
		t.Errorf("%+v", r)
	}
	return r
}

// An outage that outlasts all retries: spec sends everything four times, smart
// little more than once.
func TestLongOutage(t *testing.T) {
	t.Parallel()
	c := outage.Config{Policy: retry.Spec(), Hosts: 2, URLs: 500, Outage: time.Hour, Latency: 50 * ms, Seed: 1}
	r := simulate(t, c)
	if r.Requests != 4000 || r.LoadFactor != 4 || r.Outcomes["max_retries"] != 1000 || r.NoticeMS != -1 || r.Herd != 0 {
		t.Errorf("spec: %+v", r)
	}
	if r.GiveUp50MS < 700 || r.GiveUpMaxMS > 3000 {
		t.Errorf("spec gives up after %v to %v ms", r.GiveUp50MS, r.GiveUpMaxMS)
	}
	c.Policy = retry.Smart()
	r = simulate(t, c)
	if r.LoadFactor > 5 || r.Requests > 150 || r.Outcomes["breaker_open"] < 800 {
		t.Errorf("smart: %+v", r)
	}
	c.Policy.Breaker = false
	r = simulate(t, c)
	if most := 1.2*1000 + 200 + r.ElapsedMS/1000*2; float64(r.Requests) > most || r.Outcomes["budget_exhausted"] == 0 {
		t.Errorf("smart without breaker: %+v", r)
	}
	c.As = outage.Hang
	if r = simulate(t, c); r.GiveUpMaxMS < 15_000 {
		t.Errorf("hanging: %+v", r)
	}
}

// URLs that arrive steadily through an outage of a minute.
func TestSteadyArrival(t *testing.T) {
	t.Parallel()
	c := outage.Config{Policy: retry.Spec(), Hosts: 1, URLs: 1200, Arrival: 10, Lead: 10 * s, Outage: 60 * s, As: outage.Error, Latency: 20 * ms, Seed: 1}
	spec := simulate(t, c)
	if spec.LoadFactor < 3.5 || spec.LoadFactor > 4 || spec.Successes < 550 || spec.Successes > 650 || spec.PeakPerSecond < 35 {
		t.Errorf("spec: %+v", spec)
	}
	c.Policy = retry.Smart()
	impatient := simulate(t, c)
	if impatient.Outcomes["breaker_open"] < 500 { // a minute of patience ends just before the outage is noticed to be over
		t.Errorf("smart: %+v", impatient)
	}
	c.Policy.BreakerPatience = 5 * time.Minute
	smart := simulate(t, c)
	if smart.Successes < 1000 || smart.OutageRequests > spec.OutageRequests/10 {
		t.Errorf("smart: %+v", smart)
	}
	if smart.NoticeMS < 0 || smart.NoticeMS > 60_000 {
		t.Errorf("smart notices after %v ms", smart.NoticeMS)
	}
	c.As, c.RetryAfter = outage.Limit, 30*s
	asked := simulate(t, c)
	if asked.Successes != 1200 || asked.HerdAtOnce > 8 || asked.OutageRequests > 20 {
		t.Errorf("asked to wait: %+v", asked)
	}
}

// No outage: one request for each URL.
func TestNoOutage(t *testing.T) {
	t.Parallel()
	for _, p := range []retry.Policy{retry.Spec(), retry.Smart()} {
		r := simulate(t, outage.Config{Policy: p, Hosts: 3, URLs: 100, Latency: 10 * ms})
		if r.Requests != 300 || r.Successes != 300 || r.OutageRequests != 0 || r.LoadFactor != 0 {
			t.Errorf("%s: %+v", p.Name, r)
		}
	}
}

func TestSameSeedSameResult(t *testing.T) {
	t.Parallel()
	c := outage.Config{Policy: retry.Smart(), Hosts: 3, URLs: 300, Arrival: 20, Lead: s, Outage: 10 * s, As: outage.Error, Latency: 20 * ms, Seed: 7}
	first := simulate(t, c)
	if again := simulate(t, c); !reflect.DeepEqual(first, again) {
		t.Errorf("%+v, then %+v", first, again)
	}
	c.Seed = 8
	if other := simulate(t, c); reflect.DeepEqual(first, other) {
		t.Error("the seed changes nothing")
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	good := outage.Config{Policy: retry.Smart(), Hosts: 1, URLs: 1}
	for name, change := range map[string]func(*outage.Config){
		"policy":      func(c *outage.Config) { c.Policy = retry.Policy{} },
		"no host":     func(c *outage.Config) { c.Hosts = 0 },
		"no URL":      func(c *outage.Config) { c.URLs = 0 },
		"too many":    func(c *outage.Config) { c.Hosts, c.URLs = 10_000, 10_000 },
		"outage":      func(c *outage.Config) { c.Outage = -1 },
		"lead":        func(c *outage.Config) { c.Lead = -1 },
		"latency":     func(c *outage.Config) { c.Latency = -1 },
		"retry after": func(c *outage.Config) { c.RetryAfter = ms },
		"arrival":     func(c *outage.Config) { c.Arrival = -1 },
		"mode":        func(c *outage.Config) { c.As = 99 },
	} {
		c := good
		change(&c)
		if _, err := outage.Simulate(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, name := range outage.Modes() {
		if m, ok := outage.ParseMode(name); !ok || m.String() != name {
			t.Errorf("%s: %v", name, m)
		}
	}
}

func ExampleSimulate() {
	for _, p := range []retry.Policy{retry.Spec(), retry.Smart()} {
		r, _ := outage.Simulate(outage.Config{
			Policy: p, Hosts: 10, URLs: 1000, Outage: time.Minute, As: outage.Refuse, Latency: 50 * time.Millisecond, Seed: 42,
		})
		fmt.Printf("%-5s %5d requests for %d URLs\n", r.Policy, r.Requests, r.URLs)
	}
	// Output:
	// spec  40000 requests for 10000 URLs
	// smart   260 requests for 10000 URLs
}
