package pace_test

import (
	"time"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
)

// A twin knows of one origin what its server saw, and from that alone when
// nothing may start there: a dumb second account of gate, breaker and budget.
type twin struct {
	w        *world
	name     string
	requests int
	first    time.Duration // request
	inFlight int
	firsts   int

	closed time.Duration // the server asked to be left alone until then

	results     []result // of the last seconds
	opened      time.Duration
	firstOpened time.Duration
	open        bool
	probe       pace.ID // in flight; 0 is none
	failed      int     // probes in a row

	budget float64
}

type result struct {
	at time.Duration
	ok bool
}

func (o *twin) started(now time.Duration, s pace.Start) {
	if o.requests == 0 {
		o.first = now
	}
	o.requests++
	o.inFlight++
	p := &o.w.c.Policy
	switch {
	case p.PerHostRate > 0 && float64(o.requests) > 2.001+p.PerHostRate*(now-o.first).Seconds()*1.00001:
		o.w.t.Fatalf("at %v: %d requests since %v, with a rate of %v an origin", now, o.requests, o.first, p.PerHostRate)
	case o.inFlight > p.PerHost:
		o.w.t.Fatalf("at %v: %d in flight at %s", now, o.inFlight, o.name)
	case p.RetryAfter && now < o.closed:
		o.w.t.Fatalf("at %v: %+v, but %s is closed until %v", now, s, o.name, o.closed)
	case !p.Breaker:
		return
	case s.Probe != o.open:
		o.w.t.Fatalf("at %v: %+v, but the breaker of %s is open: %v", now, s, o.name, o.open)
	case !o.open:
		return
	case o.probe != 0:
		o.w.t.Fatalf("at %v: a second probe of %s", now, o.name)
	case now < o.opened+min(5*time.Second<<o.failed, time.Minute)*9/10:
		o.w.t.Fatalf("at %v: %s is probed, but it opened at %v for the %d. time", now, o.name, o.opened, o.failed+1)
	}
	o.probe = s.ID
}

func (o *twin) ended(now time.Duration, u *url, a retry.Attempt) {
	o.inFlight--
	if a.Status == 429 || a.Status == 503 {
		wait := a.RetryAfter.Wait
		if a.RetryAfter.Absurd {
			wait = o.w.c.Policy.RetryAfterCap
		}
		o.closed = max(o.closed, now+wait)
	}
	o.closed = max(o.closed, now+a.RateLimit.Reset)
	h := retry.HealthOf(&a)
	probe := u.unit.ID == o.probe
	if probe {
		o.probe = 0
	}
	switch {
	case !o.w.c.Policy.Breaker:
	case probe && h == retry.Healthy:
		o.open, o.failed, o.results = false, 0, nil
	case probe && h == retry.Unhealthy:
		o.opened = now
		o.failed++
	case o.open || h == retry.HealthUnknown:
	default:
		o.count(now, h == retry.Healthy)
	}
}

func (o *twin) count(now time.Duration, ok bool) {
	o.results = append(o.results, result{now, ok})
	recent := o.results[:0]
	failures := 0
	for _, r := range o.results {
		if now/time.Second-r.at/time.Second < 10 {
			recent = append(recent, r)
			if !r.ok {
				failures++
			}
		}
	}
	o.results = recent
	if !ok && len(recent) >= 20 && failures*10 >= len(recent)*8 {
		o.open, o.opened, o.failed = true, now, 0
		if o.firstOpened == 0 {
			o.firstOpened = now
		}
	}
}

// paid accounts for a verdict about a URL of this origin: what was spent is
// never more than the reserve, a fifth of the first attempts and a token a
// second.
func (o *twin) paid(now time.Duration, v retry.Verdict) {
	if !o.w.c.Policy.Budget {
		return
	}
	const token = float64(retry.Token)
	o.budget -= float64(v.Cost) / token
	if earned := o.w.c.Policy.BudgetRatio*float64(o.firsts) + now.Seconds(); o.budget+earned < -1e-6 {
		o.w.t.Fatalf("at %v: %s has spent %v more than it earned", now, o.name, -o.budget-earned)
	}
	o.budget += float64(v.Refund) / token
}
