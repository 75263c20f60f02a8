package outage

import (
	"fmt"
	"time"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
	"holdfast/internal/des"
)

// A world is the scheduler, the model servers and what was seen of them.
type world struct {
	c     *Config
	s     *pace.Scheduler
	q     des.Queue[event]
	wake  time.Duration
	hosts []host
	urls  []url
	over  int
	count struct{ requests, outageFirsts, outageRequests int }
}

type url struct {
	host    int
	first   time.Duration // attempt; negative before it
	ended   time.Duration
	outcome retry.Outcome
}

// A host counts its requests: those in this second, the most in one second
// of the outage, and those just after it.
type host struct {
	second, inSecond, peak int
	herd, atOnce           int
	noticed                time.Duration // first request after the outage; negative before it
}

type event struct {
	kind uint8
	id   pace.ID
	a    retry.Attempt
}

const (
	arrives uint8 = iota
	ends
	ticks
)

func newWorld(c *Config, s *pace.Scheduler) *world {
	w := &world{c: c, s: s, wake: pace.Never, hosts: make([]host, c.Hosts), urls: make([]url, c.Hosts*c.URLs)}
	for i := range w.hosts {
		w.hosts[i].noticed = -1
	}
	for i := range w.urls {
		w.urls[i] = url{host: i % c.Hosts, first: -1}
		at := c.Lead
		if c.Arrival > 0 { // hosts in turn, so that they do not arrive in step
			at = time.Duration(float64(i) / float64(c.Hosts) / c.Arrival * float64(time.Second))
		}
		w.q.At(at, event{kind: arrives, id: pace.ID(i)})
	}
	return w
}

func (w *world) run() {
	w.perform(w.s.Begin(0))
	for arrived := 0; w.over < len(w.urls); {
		e, ok := w.q.Next()
		if !ok {
			panic(fmt.Sprintf("outage: %d of %d URLs ended, and nothing more happens", w.over, len(w.urls)))
		}
		now := w.q.Now()
		switch e.kind {
		case arrives:
			w.perform(w.s.Read(now, pace.Unit{ID: e.id, Origin: origin(w.urls[e.id].host), Fingerprint: uint64(e.id)}))
			if arrived++; arrived == len(w.urls) {
				w.perform(w.s.InputEOF(now))
			}
		case ends:
			w.perform(w.s.Done(now, e.id, e.a))
		case ticks:
			if now >= w.wake {
				w.wake = pace.Never
				w.perform(w.s.Tick(now))
			}
		}
	}
}

func origin(host int) string { return fmt.Sprintf("http://host%d", host) }

func (w *world) perform(e pace.Effects) {
	now := w.q.Now()
	for _, x := range e.Emit {
		if x.Verdict.Action != retry.Retry {
			u := &w.urls[x.ID]
			u.ended, u.outcome = now, x.Verdict.Outcome
			w.over++
		}
	}
	for _, x := range e.Start {
		w.note(now, x)
		a, took := w.answer(now, x)
		w.q.After(took, event{kind: ends, id: x.ID, a: a})
	}
	if e.Wake < w.wake {
		w.wake = e.Wake
		w.q.At(max(now, e.Wake), event{kind: ticks})
	}
}

// down reports whether an attempt that starts now meets the outage.
func (w *world) down(now time.Duration) bool {
	return now >= w.c.Lead && now < w.c.Lead+w.c.Outage
}

// answer is what a server does about a request.
func (w *world) answer(now time.Duration, s pace.Start) (retry.Attempt, time.Duration) {
	a := retry.Attempt{Sent: true, Idempotent: true}
	took := w.c.Latency
	switch {
	case !w.down(now):
		a.Status = 200
	case w.c.As == Refuse:
		a = retry.Attempt{Class: retry.ClassConnection, Kind: retry.KindRefused, Phase: retry.PhaseConnect, Idempotent: true}
		return a, min(took, time.Millisecond)
	case w.c.As == Error:
		a.Status = 503
	case w.c.As == Limit:
		a.Status = 429
	case w.c.As == Hang:
		took = pace.Never
	}
	limit, of := s.Limit, s.LimitKind
	if h := w.c.Policy.Headers; h > 0 && h < limit {
		limit, of = h, retry.LimitHeaders
	}
	if took > limit {
		a.Class, a.Phase, a.Limit, a.After, a.Status = retry.ClassTimeout, retry.PhaseHeaders, of, limit, 0
		return a, limit
	}
	a.Class, a.Kind = retry.ClassifyStatus(a.Status)
	if a.Status != 200 && w.c.RetryAfter > 0 {
		a.RetryAfter = retry.RetryAfter{Found: true, Wait: w.c.RetryAfter}
	}
	return a, took
}

// note counts a request.
func (w *world) note(now time.Duration, s pace.Start) {
	u := &w.urls[s.ID]
	h := &w.hosts[u.host]
	w.count.requests++
	down := w.down(now)
	if u.first < 0 {
		u.first = now
		if down {
			w.count.outageFirsts++
		}
	}
	if down {
		w.count.outageRequests++
		if second := int((now - w.c.Lead) / time.Second); second != h.second {
			h.second, h.inSecond = second, 0
		}
		h.inSecond++
		h.peak = max(h.peak, h.inSecond)
		return
	}
	if back := now - w.c.Lead - w.c.Outage; back >= 0 {
		if h.noticed < 0 {
			h.noticed = back
		}
		if back < time.Second {
			h.herd++
		}
		if back < 100*time.Millisecond {
			h.atOnce++
		}
	}
}
