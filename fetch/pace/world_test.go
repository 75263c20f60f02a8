package pace_test

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
	"holdfast/internal/des"
)

// A server says what becomes of an attempt that starts now, and how long it
// takes. n counts the requests that it got, this one included.
type server func(now time.Duration, n int, u *url, s pace.Start) (retry.Attempt, time.Duration)

// A url is a line of the list.
type url struct {
	unit   pace.Unit
	server string // after a redirect another than the origin

	emits      []pace.Emit
	emitted    []time.Duration
	starts     []time.Duration
	decided    time.Duration // when its last retry was decided
	inFlight   bool
	spilled    bool
	wasSpilled bool
	read       bool
	over       bool
}

// A world is a list of URLs, model servers and a scheduler in virtual time.
// It performs the effects as a shell does and checks with each of them what
// the package promises.
type world struct {
	t       testing.TB
	c       pace.Config
	s       *pace.Scheduler
	q       des.Queue[event]
	urls    []*url
	byID    map[pace.ID]*url
	servers map[string]server
	wake    time.Duration
	next    int // line to read
	eof     bool
	stopped bool
	spool   map[string][]pace.Spilled
	back    []pace.Unit // to be read back
	twins   map[string]*twin
	trace   []byte
	digest  [sha256.Size]byte // of all that was decided
	steps   int
	most    struct{ memory, inFlight int }
	counts  struct{ first, retries, finals, postponed int }
	latest  pace.Effects
	rated   time.Duration                     // the first start
	rates   int                               // starts, hops too
	hops    func(u *url, s pace.Start) string // where a redirect leads, if it is one
}

type event struct {
	kind string
	id   pace.ID
	a    retry.Attempt
	to   string
}

func newWorld(t testing.TB, c pace.Config, servers map[string]server) *world {
	t.Helper()
	s, err := pace.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if c.Window == 0 {
		c.Window = max(1024, 8*c.Policy.Concurrency)
	}
	w := &world{t: t, c: c, s: s, servers: servers, byID: map[pace.ID]*url{}, spool: map[string][]pace.Spilled{}, twins: map[string]*twin{}, wake: pace.Never}
	for name := range servers {
		w.twins[name] = &twin{w: w, name: name, budget: c.Policy.BudgetReserve}
	}
	return w
}

// list appends n URLs of an origin.
func (w *world) list(origin string, n int) {
	for range n {
		id := pace.ID(len(w.urls) + 1)
		w.add(&url{unit: pace.Unit{ID: id, Origin: origin, Fingerprint: uint64(id)}})
	}
}

func (w *world) add(u *url) {
	u.server = u.unit.Origin
	w.urls = append(w.urls, u)
	w.byID[u.unit.ID] = u
}

// run lets everything happen until the scheduler has finished.
func (w *world) run() *world {
	w.t.Helper()
	w.perform(w.s.Begin(0))
	w.until(pace.Never)
	if !w.latest.Finish {
		w.t.Fatalf("nothing more happens, but it is not finished: %+v", w.s.Counts())
	}
	w.verify()
	return w
}

// until lets everything happen that happens before a time.
func (w *world) until(end time.Duration) {
	w.t.Helper()
	still := 0
	if end != pace.Never {
		w.q.At(end, event{kind: "pause"})
	}
	for !w.latest.Finish {
		before := w.q.Now()
		e, ok := w.q.Next()
		if !ok || e.kind == "pause" {
			return
		}
		if still++; w.q.Now() > before {
			still = 0
		} else if still > 100_000 {
			w.t.Fatalf("at %v nothing gets on: %+v", w.q.Now(), w.s.Counts())
		}
		w.happen(e)
	}
}

func (w *world) happen(e event) {
	now := w.q.Now()
	switch e.kind {
	case "tick":
		if now < w.wake {
			return
		}
		w.wake = pace.Never
		w.perform(w.s.Tick(now))
	case "stop":
		w.stopped = true
		w.perform(w.s.Stop(now))
	case "hop":
		u := w.byID[e.id]
		u.inFlight = false
		w.twins[u.server].ended(now, u, e.a)
		u.server = e.to
		w.perform(w.s.Hop(now, e.id, e.to, e.a))
	case "done":
		u := w.byID[e.id]
		u.inFlight = false
		w.twins[u.server].ended(now, u, e.a)
		u.server = u.unit.Origin
		w.perform(w.s.Done(now, e.id, e.a))
	}
}

// perform does what an Effects says, field by field, and reads on.
func (w *world) perform(e pace.Effects) {
	for {
		w.effects(e)
		switch {
		case len(w.back) > 0:
			u := w.back[0]
			w.back = w.back[1:]
			e = w.s.Read(w.q.Now(), u)
		case w.latest.ReadMore > 0 && w.next < len(w.urls):
			u := w.urls[w.next]
			w.next++
			u.read = true
			e = w.s.Read(w.q.Now(), u.unit)
		case w.latest.ReadMore > 0 && !w.eof:
			w.eof = true
			e = w.s.InputEOF(w.q.Now())
		default:
			return
		}
	}
}

func (w *world) effects(e pace.Effects) {
	now := w.q.Now()
	w.steps++
	for _, x := range e.Emit {
		w.emit(now, x)
	}
	for _, x := range e.Spill {
		u := w.byID[x.ID]
		if !w.c.Spill || u.inFlight || u.over || u.spilled {
			w.t.Fatalf("URL %d is spilled", x.ID)
		}
		u.spilled, u.wasSpilled = true, true
		w.spool[x.Origin] = append(w.spool[x.Origin], x)
	}
	for _, x := range e.Unspill {
		if len(w.spool[x.Origin]) < x.Count {
			w.t.Fatalf("%d URLs are asked back of %d of %s", x.Count, len(w.spool[x.Origin]), x.Origin)
		}
		for _, p := range w.spool[x.Origin][:x.Count] {
			u := w.byID[p.ID]
			u.spilled = false
			unit := u.unit
			unit.NotBefore, unit.State, unit.Since, unit.Spilled = p.NotBefore, p.State, p.Since, true
			w.back = append(w.back, unit)
		}
		w.spool[x.Origin] = w.spool[x.Origin][x.Count:]
	}
	for _, x := range e.Start {
		w.start(now, x)
	}
	w.latest = e
	w.latest.Emit, w.latest.Spill, w.latest.Unspill, w.latest.Start = nil, nil, nil, nil
	if e.Wake != pace.Never && e.Wake < w.wake {
		w.wake = e.Wake
		w.q.At(max(now, e.Wake), event{kind: "tick"})
	}
	w.wake = min(w.wake, e.Wake)
	c := w.s.Counts()
	w.most.memory, w.most.inFlight = max(w.most.memory, c.InMemory), max(w.most.inFlight, c.InFlight)
	if most := 2*w.c.Window + w.c.Policy.Concurrency; c.InMemory > most {
		w.t.Fatalf("%d URLs in memory, window %d", c.InMemory, w.c.Window)
	}
	if c.InFlight > w.c.Policy.Concurrency {
		w.t.Fatalf("%d attempts in flight", c.InFlight)
	}
	if w.steps%509 == 0 {
		w.checkNobodyStarves(now)
	}
	w.record(now, e)
}

// checkNobodyStarves looks for a URL that could start and does not.
func (w *world) checkNobodyStarves(now time.Duration) {
	p := &w.c.Policy
	if w.stopped || w.s.Counts().InFlight >= p.Concurrency || p.Rate > 0 || p.PerHostRate > 0 {
		return
	}
	for _, o := range w.s.Origins(now) {
		full := w.s.Counts().InMemory > w.c.Window && o.Waiting >= p.PerHost
		if o.Queued > 0 && !full && o.GateUntil == 0 && o.InFlight < o.Limit && o.Breaker == retry.BreakerClosed {
			w.t.Fatalf("%s has %d URLs ready, %d of %d in flight, and nothing starts", o.Origin, o.Queued, o.InFlight, o.Limit)
		}
	}
}

func (w *world) emit(now time.Duration, e pace.Emit) {
	u := w.byID[e.ID]
	if u == nil || u.over || u.inFlight {
		w.t.Fatalf("at %v: %+v of a URL that is over or in flight", now, e)
	}
	u.emits, u.emitted = append(u.emits, e), append(u.emitted, now)
	v := e.Verdict
	if now > w.deadline(u) && !u.wasSpilled {
		w.t.Fatalf("at %v: %+v, but the deadline was %v", now, e, w.deadline(u))
	}
	if e.Attempted && v.Event == "" || !e.Attempted && v.Action == retry.Retry {
		w.t.Fatalf("%+v", e)
	}
	home := w.twins[u.unit.Origin]
	home.paid(now, v)
	switch v.Action {
	case retry.Retry:
		u.decided = now
	case retry.Done:
		u.over = true
		w.counts.finals++
	case retry.Postpone:
		u.over = true
		w.counts.postponed++
	}
}

func (w *world) start(now time.Duration, s pace.Start) {
	u := w.byID[s.ID]
	if u.over || u.inFlight || u.spilled || w.stopped {
		w.t.Fatalf("at %v: %+v of a URL that is over, in flight or spilled", now, s)
	}
	if s.Queued < 0 || s.Waited < 0 || s.Limit <= 0 || s.Limit > w.c.Policy.Timeout {
		w.t.Fatalf("at %v: %+v", now, s)
	}
	if w.rates == 0 {
		w.rated = now
	}
	w.rates++
	if rate := w.c.Policy.Rate; rate > 0 && float64(w.rates) > 2.001+rate*(now-w.rated).Seconds()*1.00001 {
		w.t.Fatalf("at %v: %d starts since %v, with a rate of %v", now, w.rates, w.rated, rate)
	}
	if s.Hop == 0 {
		u.starts = append(u.starts, now)
		if s.Attempt != len(u.starts) {
			w.t.Fatalf("attempt %d of URL %d is called %d", len(u.starts), s.ID, s.Attempt)
		}
		if s.Attempt == 1 {
			w.counts.first++
			w.twins[u.unit.Origin].firsts++
		} else {
			w.counts.retries++
			last := u.emits[len(u.emits)-1].Verdict
			if now < u.decided+last.Wait || s.Waited != now-u.decided || s.FreshConn != last.FreshConn {
				w.t.Fatalf("at %v: %+v after %+v at %v", now, s, last, u.decided)
			}
			if rated := w.c.Policy.Rate > 0 || w.c.Policy.PerHostRate > 0; !rated && s.Waited-s.Queued != last.Wait {
				w.t.Fatalf("at %v: %+v, but the wait was %v and the rest was its turn", now, s, last.Wait)
			}
		}
	}
	if end := w.deadline(u); now >= end || s.LimitKind == retry.LimitDeadline && w.c.RunDeadline == 0 && now+s.Limit != end {
		w.t.Fatalf("at %v: %+v with a deadline at %v", now, s, end)
	}
	u.inFlight = true
	twin := w.twins[u.server]
	twin.started(now, s)
	if w.hops != nil {
		if to := w.hops(u, s); to != "" {
			a := retry.Attempt{Class: retry.ClassRedirect, Status: 302, Sent: true, Idempotent: true}
			w.q.After(time.Millisecond, event{kind: "hop", id: s.ID, a: a, to: to})
			return
		}
	}
	a, took := w.servers[u.server](now, twin.requests, u, s)
	if took > s.Limit {
		a = retry.Attempt{Class: retry.ClassTimeout, Phase: retry.PhaseBody, Limit: s.LimitKind, After: s.Limit, Sent: true, Idempotent: true}
		took = s.Limit
	}
	w.q.After(took, event{kind: "done", id: s.ID, a: a})
}

// deadline is when a URL must be over.
func (w *world) deadline(u *url) time.Duration {
	if d := w.c.Policy.Deadline; d > 0 && len(u.starts) > 0 {
		return u.starts[0] + d
	}
	return pace.Never
}

// verify looks at the whole run.
func (w *world) verify() {
	w.t.Helper()
	read := 0
	for _, u := range w.urls {
		if !u.read || w.stopped && u.spilled {
			continue
		}
		read++
		finals := 0
		for _, e := range u.emits {
			if e.Verdict.Action != retry.Retry {
				finals++
			}
		}
		if finals != 1 || !u.over {
			w.t.Fatalf("URL %d has %d outcomes: %+v", u.unit.ID, finals, u.emits)
		}
		if attempts := len(u.starts); attempts > 1+w.c.Policy.Retries {
			w.t.Fatalf("URL %d had %d attempts", u.unit.ID, attempts)
		}
	}
	if !w.stopped && read != len(w.urls) {
		w.t.Fatalf("%d of %d URLs were read", read, len(w.urls))
	}
	if got := w.counts.finals + w.counts.postponed; got != read {
		w.t.Fatalf("%d URLs, %d outcomes", read, got)
	}
	c := w.s.Counts()
	if c.InFlight != 0 || c.InMemory != 0 || c.Final != w.counts.finals || c.Postponed != w.counts.postponed || c.Started != w.counts.first+w.counts.retries {
		w.t.Fatalf("at the end: %+v, seen %+v", c, w.counts)
	}
}

// outcomes counts the URLs by what they ended as.
func (w *world) outcomes() map[retry.Outcome]int {
	n := map[retry.Outcome]int{}
	for _, u := range w.urls {
		if u.over {
			n[u.emits[len(u.emits)-1].Verdict.Outcome]++
		}
	}
	return n
}

// requests are how many an origin got.
func (w *world) requests(origin string) int { return w.twins[origin].requests }

// record notes what is decided, to be compared between runs.
func (w *world) record(now time.Duration, e pace.Effects) {
	b := append(w.trace[:0], w.digest[:]...)
	num := func(ns ...int64) {
		for _, n := range ns {
			b = binary.LittleEndian.AppendUint64(b, uint64(n))
		}
	}
	num(int64(now), int64(e.ReadMore), int64(e.Wake))
	for _, x := range e.Emit {
		v := x.Verdict
		num(int64(x.ID), int64(x.Attempt), int64(v.Action), int64(v.Outcome), int64(v.Rule.Row), int64(v.Wait), int64(v.NotBefore), int64(v.Cost), int64(v.Refund), int64(v.CloseGate))
		b = append(append(b, v.Why...), v.Rule.Word...)
	}
	for _, x := range e.Spill {
		num(int64(x.ID), int64(x.NotBefore), int64(x.State.Attempts))
	}
	for _, x := range e.Unspill {
		b = append(b, x.Origin...)
		num(int64(x.Count))
	}
	for _, x := range e.Start {
		num(int64(x.ID), int64(x.Attempt), int64(x.Hop), int64(x.Limit), int64(x.Waited), int64(x.Queued))
	}
	w.trace, w.digest = b, sha256.Sum256(b)
}

// Answers.

func status(code int, header ...string) retry.Attempt {
	class, kind := retry.ClassifyStatus(code)
	h := map[string][]string{}
	for i := 0; i+1 < len(header); i += 2 {
		h[header[i]] = append(h[header[i]], header[i+1])
	}
	now := time.Unix(0, 0)
	return retry.Attempt{
		Class: class, Kind: kind, Status: code, Sent: true, Idempotent: true,
		RetryAfter: retry.ParseRetryAfter(h, now), RateLimit: retry.ParseRateLimit(h, now),
	}
}

func refused() retry.Attempt {
	return retry.Attempt{Class: retry.ClassConnection, Kind: retry.KindRefused, Idempotent: true}
}

// always gives a server that answers so each time.
func always(a retry.Attempt, took time.Duration) server {
	return func(time.Duration, int, *url, pace.Start) (retry.Attempt, time.Duration) { return a, took }
}
