package publish

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"holdfast/internal/des"
	"holdfast/internal/soak"
)

// TestSimulationSeeds runs recorders of one session, each with its log, against a
// stream and a lease, over a network that drops, repeats, reorders and delays,
// while recorders are killed and stopped for a while, and the servers lose the
// end of what they had acknowledged: the stream ends up with each sequence once,
// in the order of the logs. Each schedule comes from one seed.
func TestSimulationSeeds(t *testing.T) {
	t.Parallel()
	var seen tally
	n := uint64(soak.Rounds(300, 1_500))
	for seed := range n {
		w := newWorld(seed)
		if err := w.run(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		seen.add(&w.tally)
	}
	for what, count := range map[string]int{
		"takeovers": seen.takeovers, "kills": seen.kills, "stalls": seen.stalls, "messages of stale publishers refused": seen.stale,
		"rollbacks": seen.rollbacks, "duplicate answers": seen.duplicates, "10071": seen.wrongLast, "10158": seen.inProcess, "snapshots used": seen.snapshots,
		"reads that failed": seen.unread, "lines found in the stream": seen.skipped, "lines compared with it": seen.compared,
	} {
		if count == 0 {
			t.Errorf("%s: never: the simulation proves nothing of it", what)
		}
	}
	t.Logf("%d schedules: %+v", n, seen)
}

// TestSimulationRepeats: a seed gives the same run each time.
func TestSimulationRepeats(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		a, b := newWorld(seed), newWorld(seed)
		if err := a.run(); err != nil {
			t.Fatal(err)
		}
		if err := b.run(); err != nil {
			t.Fatal(err)
		}
		if a.q.Now() != b.q.Now() || fmt.Sprint(a.stream, a.tally) != fmt.Sprint(b.stream, b.tally) {
			t.Fatalf("seed %d: two runs differ", seed)
		}
	}
}

// TestServersAgree: replicated or not, the same schedule of faults ends in the
// same stream, although the servers answer differently (N4).
func TestServersAgree(t *testing.T) {
	t.Parallel()
	for seed := range uint64(soak.Rounds(30, 150)) {
		var ends []string
		for _, replicated := range []bool{false, true} {
			w := newWorld(seed)
			w.replicated = replicated
			if err := w.run(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			held := make([]uint64, 0, len(w.stream))
			for _, m := range w.stream {
				held = append(held, m.seq)
			}
			if w.shuffled { // the order is that of the epochs, which differ
				slices.Sort(held)
			}
			ends = append(ends, fmt.Sprint(held))
		}
		if ends[0] != ends[1] {
			t.Fatalf("seed %d: %s unreplicated, %s replicated", seed, ends[0], ends[1])
		}
	}
}

type tally struct {
	takeovers, kills, stalls, stale, rollbacks, duplicates, wrongLast, inProcess, snapshots, unread, skipped, compared int
}

func (t *tally) add(o *tally) {
	t.takeovers += o.takeovers
	t.kills += o.kills
	t.stalls += o.stalls
	t.stale += o.stale
	t.rollbacks += o.rollbacks
	t.duplicates += o.duplicates
	t.wrongLast += o.wrongLast
	t.inProcess += o.inProcess
	t.snapshots += o.snapshots
	t.unread += o.unread
	t.skipped += o.skipped
	t.compared += o.compared
}

const (
	simTTL    = time.Second
	simWindow = 20 * time.Second // for which the stream remembers ids
	latest    = 4 * time.Second  // that a message arrives
	calm      = 30 * time.Second // no faults later: everything must end
)

type message struct{ seq, epoch uint64 }

// sumOf is what every recorder says of a sequence.
func sumOf(seq uint64) uint32 { return uint32(7 * seq) }

// known is where and when a server stored a message.
type known struct {
	place uint64
	at    time.Duration
}

// A recorder has a log, which outlives its processes, and a process.
type recorder struct {
	log    []uint64
	grows  []time.Duration // when each line is there
	life   int
	m      *Machine
	taken  int // lines given
	room   int
	timer  int
	done   bool
	frozen bool // SIGSTOP
	inbox  []func()
	epoch  uint64
}

type world struct {
	tally
	rng        *rand.Rand
	q          des.Queue[func()]
	recorders  []*recorder
	faults     float64
	shuffled   bool // the logs differ in order
	replicated bool // the servers look at ids before they look at expectations
	forgetful  bool // they remember no ids

	stream   []message
	ids      map[uint64]known // that the servers remember: some, of messages that are lost
	snapshot []byte
	holder   *recorder
	revision uint64
	leased   uint64 // revision of the lease, 0 without one
	expires  time.Duration
	life     int // of the holder's process
	epochs   uint64
	err      error
}

func newWorld(seed uint64) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 1)), ids: map[uint64]known{}}
	w.faults = []float64{0, 0.02, 0.1, 0.3}[w.rng.IntN(4)]
	w.replicated = w.rng.IntN(2) == 0
	w.shuffled = w.rng.IntN(3) == 0
	w.forgetful = !w.shuffled && w.rng.IntN(2) == 0
	var log []uint64
	for s := range 1 + w.rng.Uint64N(40) {
		if s == 0 || w.rng.IntN(10) > 0 {
			log = append(log, s)
		}
	}
	for range 1 + w.rng.IntN(3) {
		r := &recorder{log: slices.Clone(log)}
		if w.shuffled {
			for range len(log) / 4 {
				i := w.rng.IntN(len(log))
				j := min(len(log)-1, i+w.rng.IntN(4))
				r.log[i], r.log[j] = r.log[j], r.log[i]
			}
		}
		at, pause := time.Duration(0), []time.Duration{1, 50 * time.Millisecond, 300 * time.Millisecond}[w.rng.IntN(3)]
		for range log {
			at += w.delay(pause)
			r.grows = append(r.grows, at)
		}
		w.recorders = append(w.recorders, r)
	}
	for _, r := range w.recorders {
		w.start(r)
		for range w.rng.IntN(4) {
			w.q.After(w.delay(r.grows[len(r.grows)-1]+3*time.Second), func() { w.kill(r) })
		}
		for range w.rng.IntN(3) {
			w.q.After(w.delay(r.grows[len(r.grows)-1]+time.Second), func() { w.input(r, r.life, Input{Kind: Broken}) })
		}
		for range w.rng.IntN(3) {
			w.q.After(w.delay(r.grows[len(r.grows)-1]+2*time.Second), func() { w.stall(r, w.delay(2*simTTL)) })
		}
	}
	for range w.rng.IntN(3) {
		w.q.After(w.delay(6*time.Second), w.rollback)
	}
	return w
}

func (w *world) delay(most time.Duration) time.Duration {
	return time.Duration(w.rng.Int64N(int64(most)))
}

func (w *world) chance(p float64) bool { return w.q.Now() < calm && w.rng.Float64() < p }

// send carries a message over the network: dropped, repeated, late, or all of it.
func (w *world) send(arrive func()) {
	copies := 1
	if w.chance(w.faults) {
		copies = 2 * w.rng.IntN(2)
	}
	for range copies {
		d := w.delay(10 * time.Millisecond)
		if w.chance(w.faults / 2) {
			d = w.delay(latest)
		}
		w.q.After(d, arrive)
	}
}

func (w *world) start(r *recorder) {
	m, err := New(Config{
		Window: 1 + w.rng.IntN(6), Patience: 300 * time.Millisecond, Backoff: 20 * time.Millisecond, MaxBackoff: 200 * time.Millisecond,
		TTL: simTTL, SnapshotEvery: []int{-1, 1, 5}[w.rng.IntN(3)], GiveUp: time.Hour, Seed: w.rng.Uint64(),
	})
	if err != nil {
		panic(err)
	}
	r.m, r.taken, r.room, r.done, r.epoch = m, 0, 0, false, 0
	w.step(r, Input{Kind: Tick})
	w.grow(r, r.life)
}

// grow gives lines as they come and as there is room.
func (w *world) grow(r *recorder, life int) {
	if r.life != life || r.done || w.err != nil {
		return
	}
	if w.q.Now() >= r.grows[len(r.grows)-1] {
		w.input(r, life, Input{Kind: LogEnd, To: r.place(len(r.log))})
	}
	w.feed(r)
	w.q.After(15*time.Millisecond, func() { w.grow(r, life) })
}

func (r *recorder) place(n int) Place { return Place{uint64(n), uint64(10 * n)} }

func (w *world) feed(r *recorder) {
	for r.room > 0 && !r.frozen && r.taken < len(r.log) && r.grows[r.taken] <= w.q.Now() {
		r.taken++
		w.step(r, Input{Kind: Line, Seq: r.log[r.taken-1], Sum: sumOf(r.log[r.taken-1]), To: r.place(r.taken)})
	}
}

// kill ends a process at once; the next has the log and nothing else.
func (w *world) kill(r *recorder) {
	if r.done {
		return
	}
	w.kills++
	r.life++
	r.frozen, r.inbox = false, nil
	w.start(r)
}

// stall stops a process for a while: what comes meanwhile it sees later, and
// what it was about to send it sends later.
func (w *world) stall(r *recorder, d time.Duration) {
	if r.done || r.frozen {
		return
	}
	w.stalls++
	r.frozen = true
	life := r.life
	w.q.After(d, func() {
		if r.life != life {
			return
		}
		r.frozen = false
		inbox := r.inbox
		r.inbox = nil
		for _, f := range inbox {
			f()
		}
	})
}

func (w *world) whenAwake(r *recorder, f func()) {
	if r.frozen {
		r.inbox = append(r.inbox, f)
		return
	}
	f()
}

// rollback is a server that comes back without the end of what it had
// acknowledged (N7).
func (w *world) rollback() {
	growing := slices.ContainsFunc(w.recorders, func(r *recorder) bool { return w.q.Now() < r.grows[len(r.grows)-1] })
	if n := len(w.stream); n > 0 && growing { // else nobody may look at the stream again
		w.rollbacks++
		end := n - 1 - w.rng.IntN(min(n, 6))
		for _, m := range w.stream[end:] {
			if w.rng.IntN(4) > 0 {
				delete(w.ids, m.seq)
			}
		}
		w.stream = w.stream[:end]
	}
}

func (w *world) input(r *recorder, life int, in Input) {
	if r.life == life {
		w.whenAwake(r, func() {
			if r.life == life {
				w.step(r, in)
			}
		})
	}
}

func (w *world) step(r *recorder, in Input) {
	if r.done {
		return
	}
	before := r.m.Counters()
	e := r.m.Step(w.q.Now(), in)
	after := r.m.Counters()
	w.compared += int(after.Compared - before.Compared)
	if e.Conflict != nil || after.Conflicts > 0 {
		w.err = fmt.Errorf("a conflict where all say the same: %+v", e.Conflict)
	}
	if in.Kind == Line && len(e.Publish) == 0 && e.Room > 0 {
		w.skipped++
	}
	if after.Repeated > before.Repeated && !w.forgetful {
		w.fail("a message is in the stream twice")
	}
	if e.Lease.Op != NoOp {
		w.lease(r, e.Lease)
	}
	if e.Read != nil {
		w.read(r, *e.Read)
	}
	if e.Seek != nil {
		r.taken = int(e.Seek.Lines)
	}
	for _, p := range e.Publish {
		if now := w.q.Now(); r.m.lease.since+simTTL*stopParts/renewPart <= now {
			w.fail("published without a lease")
		}
		w.publish(r, p)
	}
	if e.Snapshot != nil {
		data := slices.Clone(e.Snapshot)
		w.send(func() { w.snapshot = data })
	}
	r.room = e.Room
	if e.Done {
		if after.Failed {
			w.fail("gave up")
		}
		r.done = true
		return
	}
	r.timer++
	if e.Wake != Never {
		life, timer := r.life, r.timer
		w.q.At(max(e.Wake, w.q.Now()), func() {
			if r.timer == timer {
				w.input(r, life, Input{Kind: Tick})
			}
		})
	}
}

func (w *world) publish(r *recorder, p Message) {
	life := r.life
	w.send(func() {
		in := w.store(p)
		if p.Epoch < w.epochs && in.Kind == Refused {
			w.stale++
		}
		in.ID = p.ID
		w.send(func() { w.input(r, life, in) })
	})
}

// store is the stream.
func (w *world) store(p Message) Input {
	if w.chance(w.faults / 4) {
		return Input{Kind: Refused}
	}
	id, there := w.ids[p.Seq]
	there = there && w.q.Now()-id.at < simWindow && !w.forgetful
	if w.replicated && there {
		if w.chance(0.1) {
			w.inProcess++
			return Input{Kind: Refused}
		}
		w.duplicates++
		return Input{Kind: Acked, At: id.place}
	}
	if p.Expect != uint64(len(w.stream)) {
		w.wrongLast++
		return Input{Kind: Refused}
	}
	if there {
		w.duplicates++
		return Input{Kind: Acked, At: id.place}
	}
	w.stream = append(w.stream, message{p.Seq, p.Epoch})
	w.ids[p.Seq] = known{uint64(len(w.stream)), w.q.Now()}
	return Input{Kind: Acked, At: uint64(len(w.stream))}
}

// read gives what the stream holds; its end is known before the messages are read.
func (w *world) read(r *recorder, read Read) {
	life := r.life
	w.q.After(w.delay(10*time.Millisecond), func() {
		switch {
		case w.chance(w.faults / 2):
			w.unread++
			w.answer(r, life, Input{Kind: Unread, ID: read.ID})
			return
		case read.Snapshot:
			if w.snapshot != nil {
				w.snapshots++
			}
			w.answer(r, life, Input{Kind: Loaded, ID: read.ID, Data: w.snapshot})
			return
		}
		last := uint64(len(w.stream))
		d := w.delay(10 * time.Millisecond)
		for at := max(read.After, 1); at <= last; at++ {
			m := w.stream[at-1]
			w.q.After(d, func() {
				w.input(r, life, Input{Kind: Stored, ID: read.ID, At: at, Seq: m.seq, Sum: sumOf(m.seq), Epoch: m.epoch})
			})
		}
		w.q.After(d, func() { w.input(r, life, Input{Kind: ReadEnd, ID: read.ID, At: last}) })
	})
}

// lease is the key that expires. An answer may be lost, whatever was done.
func (w *world) lease(r *recorder, l Lease) {
	life := r.life
	w.q.After(w.delay(10*time.Millisecond), func() {
		if w.chance(w.faults / 2) {
			w.answer(r, life, Input{Kind: Unsure})
			return
		}
		now := w.q.Now()
		if w.leased != 0 && now >= w.expires {
			w.leased = 0
		}
		mine := w.leased != 0 && w.holder == r && (w.life == life || l.Steal)
		in := Input{Kind: Denied}
		switch {
		case l.Op == Acquire && (w.leased == 0 || mine), l.Op == Renew && w.leased == l.Rev:
			w.revision++
			if l.Op == Acquire && w.holder != r {
				w.takeovers++
			}
			w.holder, w.life, w.leased, w.expires = r, life, w.revision, now+simTTL
			if l.Op == Acquire {
				w.epochs = w.revision
			}
			in = Input{Kind: Granted, Rev: w.revision}
		case l.Op == Release && w.leased == l.Rev:
			w.leased = 0
		}
		if w.chance(w.faults / 2) {
			in = Input{Kind: Unsure}
		}
		w.answer(r, life, in)
	})
}

// answer carries an answer that a shell makes certain: it comes, good or bad.
func (w *world) answer(r *recorder, life int, in Input) {
	w.q.After(w.delay(10*time.Millisecond), func() { w.input(r, life, in) })
}

func (w *world) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("at %v: %s", w.q.Now(), fmt.Sprintf(format, args...))
	}
}

func (w *world) run() error {
	for w.err == nil {
		next, ok := w.q.Next()
		if !ok {
			break
		}
		if w.q.Now() > calm+time.Minute { // only timers of those that are done
			break
		}
		next()
	}
	for i, r := range w.recorders {
		if !r.done && w.err == nil {
			w.fail("recorder %d is not done", i)
		}
	}
	w.judge()
	return w.err
}

// judge looks at the stream: each sequence once, and in the order of the logs.
func (w *world) judge() {
	if w.err != nil {
		return
	}
	held := map[uint64]int{}
	for _, m := range w.stream {
		held[m.seq]++
	}
	log := w.recorders[0].log
	for _, s := range log {
		if held[s] != 1 {
			w.fail("sequence %d is in the stream %d times", s, held[s])
		}
	}
	if len(held) != len(log) {
		w.fail("%d sequences in the stream, %d in the log", len(held), len(log))
	}
	for i, m := range w.stream {
		if !w.shuffled && i < len(log) && m.seq != log[i] {
			w.fail("message %d is sequence %d, the log has %d there", i+1, m.seq, log[i])
		}
	}
}
