package seq_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"holdfast/internal/des"
	"holdfast/record/seq"
)

// A faults are what a way does to packets. Delays are drawn evenly.
type faults struct {
	loss, corrupt, copies float64
	reorder               time.Duration // most that one comes later than it should
}

// A world is a sender, a server of requests and the ways between them and a
// recorder, in virtual time and from one seed.
type world struct {
	t       *testing.T
	q       des.Queue[event]
	draw    *rand.Rand
	r       *recorder
	packets uint64        // sequences 1 to packets
	every   time.Duration // between two packets
	out     faults        // of the stream
	back    faults        // of answers; requests get lost too
	rtt     time.Duration
	answer  int                 // most packets in an answer; 0 is any number
	silent  bool                // the server
	lose    func(s uint64) bool // additionally
	two     bool                // lines
	skew    time.Duration       // of the second
	loseB   func(s uint64) bool // additionally, on it
	beats   bool                // heartbeats after the end
	noEnd   bool

	wake    time.Duration // of the pending tick
	ticks   int
	needed  map[uint64]bool // of which no good copy came by itself
	arrived map[uint64]bool
	done    time.Duration
}

type event struct {
	kind     eventKind
	delivery seq.Delivery
	request  seq.Range
	next     uint64
}

type eventKind uint8

const (
	sends eventKind = iota
	arrives
	ticks
	serves
	beats
	ends
)

func newWorld(t *testing.T, seed uint64, packets uint64, c seq.Config) *world {
	t.Helper()
	c.First = max(c.First, 1)
	c.Source.HeaderTrusted = true
	return &world{t: t, draw: rand.New(rand.NewPCG(seed, 7)), r: newRecorder(t, c), packets: packets, every: time.Millisecond,
		rtt: 20 * time.Millisecond, wake: seq.Never, needed: map[uint64]bool{}, arrived: map[uint64]bool{}}
}

// run lets everything happen, and stops the machine in order.
func (w *world) run() *recorder {
	w.t.Helper()
	w.r.c.Source.Requests = true
	if err := w.r.start(0); err != nil {
		w.t.Fatal(err)
	}
	w.perform()
	for s := uint64(1); s <= w.packets; s++ {
		w.q.At(time.Duration(s)*w.every, event{kind: sends, next: s})
	}
	end := time.Duration(w.packets+1)*w.every + 4*w.out.reorder
	if w.beats {
		w.q.At(end, event{kind: beats})
	}
	if !w.noEnd {
		w.q.At(end+50*time.Millisecond, event{kind: ends})
	}
	for !w.r.ready.Done {
		e, ok := w.q.Next()
		if !ok || w.q.Now() > end+time.Minute {
			break
		}
		w.happen(e)
	}
	w.done = w.q.Now()
	w.r.stop(w.q.Now(), seq.StopComplete)
	w.r.checkStats()
	return w.r
}

func (w *world) happen(e event) {
	now := w.q.Now()
	switch e.kind {
	case sends:
		if w.lose == nil || !w.lose(e.next) {
			w.send(packet(e.next), seq.Original, w.out, 0, 0)
		}
		if w.two && (w.loseB == nil || !w.loseB(e.next)) {
			w.send(packet(e.next), seq.Original, w.out, w.skew, 1)
		}
		return
	case serves:
		w.serve(e.request)
		return
	case arrives:
		e.delivery.At = now
		if e.delivery.Valid && e.delivery.Origin == seq.Original {
			w.arrived[e.delivery.Sequence] = true
		}
		w.r.packet(now, e.delivery)
	case ticks:
		if now < w.wake {
			return
		}
		w.wake = seq.Never
		w.ticks++
		w.r.do(w.r.m.Tick(now), 0)
	case beats:
		w.r.do(w.r.m.Heartbeat(now, w.packets+1, 0), 0)
	case ends:
		w.r.do(w.r.m.End(now, w.packets+1), 0)
	}
	w.perform()
}

// send puts a packet on a way.
func (w *world) send(p seq.Packet, origin seq.Origin, f faults, latency time.Duration, line byte) {
	if w.draw.Float64() < f.loss {
		return
	}
	copies := 1
	if w.draw.Float64() < f.copies {
		copies = 2
	}
	damaged := w.draw.Float64() < f.corrupt // and so are its copies, as in the lab (L2)
	for i := range copies {
		d := seq.Delivery{Packet: p, Origin: origin, Line: line, Valid: !damaged, HeaderTrusted: true}
		if damaged {
			d.Checksum ^= 1
		}
		late := time.Duration(0)
		if f.reorder > 0 {
			late = time.Duration(w.draw.Int64N(int64(f.reorder) * int64(i+1)))
		}
		w.q.After(latency+late, event{kind: arrives, delivery: d})
	}
}

func (w *world) serve(q seq.Range) {
	n := uint64(q.Count)
	if w.answer > 0 {
		n = min(n, uint64(w.answer))
	}
	for s := q.First; s < q.First+n; s++ {
		w.send(packet(s), seq.Answer, w.back, w.rtt-w.rtt/2, 0)
	}
}

func (w *world) perform() {
	now := w.q.Now()
	for _, q := range w.r.ready.Request {
		for s := q.First; s < q.First+uint64(q.Count); s++ {
			if !w.arrived[s] {
				w.needed[s] = true
			}
		}
		if w.silent || w.draw.Float64() < w.back.loss {
			continue
		}
		w.q.After(w.rtt/2, event{kind: serves, request: q})
	}
	if wake := max(w.r.ready.Wake, now); wake < w.wake {
		w.wake = wake
		if wake < seq.Never {
			w.q.At(wake, event{kind: ticks})
		}
	}
}

// lost counts the requested packets that never came by themselves.
func (w *world) lost() (n int) {
	for s := range w.needed {
		if !w.arrived[s] {
			n++
		}
	}
	return n
}
