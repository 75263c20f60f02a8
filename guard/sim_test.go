package guard

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"holdfast/internal/des"
	"holdfast/internal/soak"
)

// TestSimulation runs whole relays against a source and a sink over a network
// that drops, repeats, reorders and delays every message, while relays are
// killed: every key is in the sink once, nothing is lost, and no message is
// acknowledged before its fate is known. Each schedule comes from one seed.
func TestSimulation(t *testing.T) {
	t.Parallel()
	n := uint64(soak.Rounds(5_000, 40_000))
	var seen [numOutcomes]int
	for seed := range n {
		w := newWorld(seed)
		if err := w.run(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for o, c := range w.outcomes {
			seen[o] += c
		}
	}
	for o, c := range seen {
		if c == 0 {
			t.Errorf("outcome %d never happened: the simulation proves nothing of it", o)
		}
	}
	t.Logf("%d schedules; accepted, resumed, duplicate, conflict, dead, returned: %v", n, seen)
}

// TestSimulationRepeats: a seed gives the same run each time.
func TestSimulationRepeats(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		a, b := newWorld(seed), newWorld(seed)
		if err := a.run(); err != nil {
			t.Fatal(err)
		}
		if err := b.run(); err != nil {
			t.Fatal(err)
		}
		if a.q.Now() != b.q.Now() || fmt.Sprint(a.sink, a.dead, a.outcomes) != fmt.Sprint(b.sink, b.dead, b.outcomes) {
			t.Fatalf("seed %d: two runs differ", seed)
		}
	}
}

const (
	numOutcomes = 6
	ackWait     = 2 * time.Second
	simWindow   = 12 * time.Second
	calm        = 40 * time.Second // no faults later: everything must end
)

type simMessage struct {
	key, body int
	sound     bool
	large     bool
	deliver   time.Duration // not before
	delivered int
	acked     bool
	at        time.Duration // when it came to the source
}

type simStored struct {
	id        uint64
	key, body int
	at        time.Duration
}

type simRelay struct {
	life     int // grows with each kill
	m        *Relay
	room     int
	answered map[uint64]bool // in this life, definitely
	timer    int
}

type world struct {
	rng      *rand.Rand
	q        des.Queue[func()]
	source   []*simMessage // by id - 1
	sink     []simStored
	dead     map[uint64]Why
	relays   []*simRelay
	window   bool // the sink forgets
	faults   float64
	outage   [2]time.Duration // the sink stores and says nothing
	outcomes [numOutcomes]int
	err      error
}

func newWorld(seed uint64) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 1)), dead: map[uint64]Why{}}
	w.window = w.rng.IntN(3) == 0
	w.faults = []float64{0, 0.05, 0.2, 0.4}[w.rng.IntN(4)]
	if w.rng.IntN(4) == 0 {
		w.outage[0] = w.delay(2 * time.Second)
		w.outage[1] = w.outage[0] + w.delay(calm-5*time.Second)
	}
	for range 1 + w.rng.IntN(8) {
		w.source = append(w.source, &simMessage{
			key: w.rng.IntN(3), body: w.rng.IntN(5) / 4, sound: w.rng.IntN(8) > 0, large: w.rng.IntN(10) == 0, at: w.delay(500 * time.Millisecond),
		})
	}
	for range 1 + w.rng.IntN(3) {
		w.relays = append(w.relays, &simRelay{})
	}
	for _, r := range w.relays {
		w.start(r)
		for range w.rng.IntN(3) {
			w.q.After(w.delay(3*time.Second), func() { w.kill(r) })
		}
		if w.rng.IntN(3) == 0 { // the connection breaks, as often as it is told that it is back
			for range 1 + w.rng.IntN(3) {
				at := w.delay(3 * time.Second)
				w.q.After(at, func() { w.step(r, Input{Kind: Broken}) })
				w.q.After(at+w.delay(2*time.Second), func() { w.step(r, Input{Kind: Whole}) })
			}
		}
		if w.rng.IntN(4) == 0 { // stops in order, and comes back
			w.q.After(w.delay(3*time.Second), func() { w.step(r, Input{Kind: Stop}) })
			w.q.After(4*time.Second, func() { w.kill(r) })
		}
	}
	w.q.After(0, w.pump)
	return w
}

func (w *world) delay(most time.Duration) time.Duration {
	return time.Duration(w.rng.Int64N(int64(most)))
}

// send carries a message over the network: dropped, repeated, late, or all of it.
func (w *world) send(arrive func()) {
	copies := 1
	if w.q.Now() < calm {
		switch p := w.rng.Float64(); {
		case p < w.faults:
			copies = 0
		case p < 1.5*w.faults:
			copies = 2
		}
	}
	for range copies {
		d := w.delay(20 * time.Millisecond)
		if w.q.Now() < calm && w.rng.Float64() < w.faults/2 {
			d = w.delay(3 * time.Second)
		}
		w.q.After(d, arrive)
	}
}

func (w *world) start(r *simRelay) {
	c := Config{InFlight: 1 + w.rng.IntN(4), Patience: 300 * time.Millisecond, Backoff: 20 * time.Millisecond,
		MaxBackoff: 200 * time.Millisecond, Tries: w.rng.IntN(4), Seed: w.rng.Uint64()}
	if w.window {
		c.Tries, c.Horizon = -1, simWindow/4
	}
	m, err := New(c)
	if err != nil {
		panic(err)
	}
	r.m, r.answered = m, map[uint64]bool{}
	w.step(r, Input{Kind: Tick})
}

// kill ends a relay at once; its successor knows nothing.
func (w *world) kill(r *simRelay) {
	if w.q.Now() > calm {
		return
	}
	r.life++
	w.start(r)
}

// pump is the source: it delivers what is due to relays that have room.
func (w *world) pump() {
	left := false
	for i, m := range w.source {
		left = left || !m.acked
		if m.acked || m.at > w.q.Now() || m.deliver > w.q.Now() {
			continue
		}
		if r := w.relays[w.rng.IntN(len(w.relays))]; r.room > 0 {
			m.delivered++
			m.deliver = w.q.Now() + ackWait
			in := Input{Kind: Fetched, ID: uint64(i + 1)}
			if !m.sound {
				in.Why = NoKey
			}
			again := m.delivered > 1
			w.toRelay(r, func() Input {
				if again && in.Why == Sound && w.window && w.q.Now()-m.at > simWindow/2 {
					in.Why = Undecided
				}
				return in
			})
		}
	}
	if left && w.err == nil {
		w.q.After(10*time.Millisecond, w.pump)
	}
}

func (w *world) toRelay(r *simRelay, input func() Input) {
	life := r.life
	w.send(func() {
		if r.life != life {
			return
		}
		in := input()
		switch in.Kind {
		case SinkAccepted, SinkResumed, SinkDuplicate, SinkConflict, SinkRefused:
			r.answered[in.ID] = true
		}
		w.step(r, in)
	})
}

func (w *world) answer(r *simRelay, in Input) { w.toRelay(r, func() Input { return in }) }

func (w *world) step(r *simRelay, in Input) {
	e := r.m.Step(w.q.Now(), in)
	for _, l := range e.DeadLetter {
		w.send(func() {
			if _, ok := w.dead[l.ID]; !ok && !w.refuses() {
				w.dead[l.ID] = l.Why
			} else if !ok {
				w.answer(r, Input{Kind: SinkUnknown, ID: l.ID, Try: l.Try, Why: l.Why})
				return
			}
			w.answer(r, Input{Kind: SinkAccepted, ID: l.ID, Try: l.Try, Why: l.Why})
		})
	}
	for _, p := range e.Publish {
		w.send(func() {
			kind := SinkUnknown // no responders, no leader, no space
			if !w.refuses() {
				kind = w.store(p.ID)
			}
			if now := w.q.Now(); now < w.outage[0] || now >= w.outage[1] {
				w.answer(r, Input{Kind: kind, ID: p.ID, Try: p.Try})
			}
		})
	}
	for _, a := range e.AckSource {
		if !r.answered[a.ID] {
			w.fail("message %d is acknowledged without an answer", a.ID)
		}
		w.send(func() {
			w.source[a.ID-1].acked = true
			w.answer(r, Input{Kind: SourceAcked, ID: a.ID})
		})
	}
	for _, n := range e.NakSource {
		w.send(func() { w.source[n.ID-1].deliver = w.q.Now() + n.Delay })
	}
	for _, p := range e.Report {
		w.outcomes[p.Outcome]++
		_, dead := w.dead[p.ID]
		if p.Outcome <= Resumed && !w.stored(p.ID) || (p.Outcome == Conflicted || p.Outcome == Dead) && !dead {
			w.fail("message %d is reported as %d, which is not so", p.ID, p.Outcome)
		}
	}
	c := r.m.Counters()
	if c.Received != c.Accepted+c.Resumed+c.Duplicates+c.Conflicts+c.Dead+c.Returned+c.InFlight {
		w.fail("the counters do not add up: %+v", c)
	}
	if e.Done && c.InFlight > 0 {
		w.fail("done with %d in flight", c.InFlight)
	}
	r.room = e.Room
	r.timer++
	if e.Wake != Never {
		life, timer := r.life, r.timer
		w.q.At(max(e.Wake, w.q.Now()), func() {
			if r.life == life && r.timer == timer {
				w.step(r, Input{Kind: Tick})
			}
		})
	}
}

// refuses reports whether a stream cannot store anything now.
func (w *world) refuses() bool { return w.q.Now() < calm && w.rng.Float64() < w.faults/2 }

// store is the sink: it refuses a second message of a key while it knows the first.
func (w *world) store(id uint64) Kind {
	m := w.source[id-1]
	if m.large {
		return SinkRefused
	}
	for i := len(w.sink) - 1; i >= 0; i-- {
		s := w.sink[i]
		if s.key != m.key || w.window && w.q.Now()-s.at >= simWindow {
			continue
		}
		switch {
		case s.id == id:
			return SinkResumed
		case s.body == m.body:
			return SinkDuplicate
		}
		return SinkConflict
	}
	w.sink = append(w.sink, simStored{id, m.key, m.body, w.q.Now()})
	return SinkAccepted
}

func (w *world) stored(id uint64) bool {
	return slices.ContainsFunc(w.sink, func(s simStored) bool { return s.id == id })
}

func (w *world) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("at %v: %s", w.q.Now(), fmt.Sprintf(format, args...))
	}
}

func (w *world) run() error {
	for w.err == nil {
		f, ok := w.q.Next()
		if !ok {
			break
		}
		f()
		if w.q.Now() > 10*calm {
			w.fail("it does not end")
		}
	}
	w.judge()
	return w.err
}

func (w *world) judge() {
	byKey, byID := map[int]int{}, map[uint64]int{}
	for _, s := range w.sink {
		byKey[s.key]++
		byID[s.id]++
	}
	for i, m := range w.source {
		id := uint64(i + 1)
		_, dead := w.dead[id]
		switch {
		case !m.acked:
			w.fail("message %d was never acknowledged", id)
		case (!m.sound || m.large) && (!dead || byID[id] > 0):
			w.fail("message %d must be a dead letter: dead %v, stored %d times", id, dead, byID[id])
		case byID[id] > 1:
			w.fail("message %d is stored %d times", id, byID[id])
		case m.sound && byKey[m.key] == 0 && !dead:
			w.fail("key %d is lost", m.key)
		case m.sound && byKey[m.key] > 1 && !w.window:
			w.fail("key %d is stored %d times", m.key, byKey[m.key])
		case m.sound && byID[id] == 0 && !dead && !w.sameBody(m):
			w.fail("message %d is nowhere, and no other has its body", id)
		}
	}
}

func (w *world) sameBody(m *simMessage) bool {
	for _, s := range w.sink {
		if s.key == m.key && s.body == m.body {
			return true
		}
	}
	return false
}
