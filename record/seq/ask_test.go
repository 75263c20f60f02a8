package seq_test

import (
	"fmt"
	"testing"
	"time"

	"holdfast/record/seq"
)

// What was given up is asked for now and then, and written when it comes (G6).
func TestAskBackground(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{Tries: 2, Source: askable})
	must(t, r.start(0))
	for _, s := range []uint64{0, 2, 3, 4} {
		r.packet(0, original(s))
	}
	var times []time.Duration
	for len(r.requests) < 4 {
		now, n := r.ready.Wake, len(r.requests)
		r.do(r.m.Tick(now), 0)
		if len(r.requests) > n {
			times = append(times, now)
		}
		if now > time.Minute {
			t.Fatalf("requests %v", r.requests)
		}
	}
	for i, want := range []seq.Range{{First: 1, Count: 1, Try: 1}, {First: 1, Count: 1, Try: 2}, {First: 1, Count: 1, Cause: seq.Background, Try: 2}, {First: 1, Count: 1, Cause: seq.Background, Try: 2}} {
		if r.requests[i] != want {
			t.Errorf("request %d is %+v, want %+v", i, r.requests[i], want)
		}
	}
	if d := times[2] - times[1]; d < 64*100*time.Millisecond {
		t.Errorf("%v between requests for what was given up", d)
	}
	answer := original(1)
	answer.Origin = seq.Answer
	r.packet(time.Minute, answer)
	if got := fmt.Sprint(text(r.log)); got != "[0 OK 2 OK 3 OK 4 OK 1 RETRANSMIT]" || r.total().Gaps != 0 {
		t.Errorf("log %s, %d gaps", got, r.total().Gaps)
	}
	if r.ready.Wake != seq.Never && r.ready.Wake < 2*time.Minute {
		r.do(r.m.Tick(r.ready.Wake), 0)
	}
	if r.ready.Wake != seq.Never {
		t.Errorf("with nothing missing: wake at %v", r.ready.Wake)
	}
}

// After a restart the timer is doubled once, until an answer measures the way.
func TestAskAfterRestart(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{Source: askable})
	must(t, r.start(0))
	for _, s := range []uint64{0, 2, 3, 4} {
		r.packet(0, original(s))
	}
	must(t, r.start(0))
	if len(r.requests) != 2 || r.ready.Wake < 180*time.Millisecond || r.ready.Wake > 220*time.Millisecond {
		t.Errorf("requests %v, wake at %v", r.requests, r.ready.Wake)
	}
	must(t, r.start(time.Hour)) // ages are of this process
	if len(r.log) != 1 {
		t.Errorf("log %v", r.log)
	}
}

// An answer is RETRANSMIT whatever its order, and an inversion if it is late.
// One that nobody asked for is an original (S1).
func TestAskStatus(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{BufferSize: 1, Source: askable})
	must(t, r.start(0))
	for _, s := range []uint64{0, 2, 3, 4} {
		r.packet(0, original(s))
	}
	for _, s := range []uint64{1, 5} {
		d := original(s)
		d.Origin = seq.Answer
		r.packet(0, d)
	}
	s := r.total()
	if got := fmt.Sprint(text(r.log)); got != "[0 OK 2 OK 3 OK 4 OK 1 RETRANSMIT 5 OK]" || s.Inversions != 1 || s.Extra["late_lines"] != 0 || s.RetransmitsReceived != 1 {
		t.Errorf("log %s, %+v", got, s)
	}
}

// Requests for lost packets become rare when three in a row are in vain, and
// frequent again after an answer (Q3).
func TestAskSparingly(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{Window: 1, Source: seq.Caps{Definitive: true, HeaderTrusted: true, MayExit: true}})
	must(t, r.start(0))
	asked := map[int]bool{} // by gap
	next, cursor := uint64(0), uint64(0)
	gap := func(n int, has bool) {
		for _, s := range []uint64{next, next + 2} {
			d := original(s)
			cursor++
			d.Cursor = cursor
			r.packet(0, d)
		}
		missing := next + 1
		next += 3
		if len(r.ready.Request) == 0 {
			return
		}
		asked[n] = r.ready.Request[0].First == missing
		d := original(missing)
		d.Origin, d.Cursor = seq.Answer, cursor
		if !has {
			cursor++
			d = original(next)
			d.Cursor = cursor
			next++
		}
		r.packet(0, d)
	}
	for n := range 200 {
		gap(n, n == 66)
	}
	// Three in vain; of 64 one, which is answered; three in vain; of 64 one each.
	want := map[int]bool{0: true, 1: true, 2: true, 66: true, 67: true, 68: true, 69: true, 133: true, 197: true}
	if fmt.Sprint(asked) != fmt.Sprint(want) {
		t.Errorf("asked for gaps %v, want %v", asked, want)
	}
	if !inOrder(r.log) {
		t.Error("the log is not in order")
	}
}

// Without a journal, a request whose answer died with the process is repeated.
func TestAskKilledWithAnswer(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{JournalOff: true, Window: 1, Source: seq.Caps{Definitive: true, HeaderTrusted: true, MayExit: true}})
	must(t, r.start(0))
	d := original(0)
	d.Valid, d.Cursor = false, 1
	r.packet(0, d)
	r.c.Source.Position = 1
	must(t, r.start(0))
	if len(r.requests) != 2 || r.requests[1].First != 0 {
		t.Errorf("requests %v", r.requests)
	}
}

// A copy of a packet in quarantine does not confirm it.
func TestAskQuarantinedCopy(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{MaxJump: 100, Source: askable})
	must(t, r.start(0))
	for _, s := range []uint64{0, 9000, 9000, 1} {
		r.packet(0, original(s))
	}
	if s := r.total(); len(r.log) != 2 || s.Extra["quarantined"] != 2 {
		t.Errorf("log %v, %v", r.log, s.Extra)
	}
}

// A second damaged copy says nothing new, and an original that came twice
// after its answer is spurious once.
func TestAskCopies(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{CorruptGrace: seq.AtOnce, Source: askable})
	must(t, r.start(0))
	bad := original(0)
	bad.Valid = false
	r.packet(0, bad)
	if ready := r.packet(0, bad); len(ready.Journal) > 0 || len(r.requests) != 1 {
		t.Errorf("a second damaged copy is journaled: %+v, requests %v", ready.Journal, r.requests)
	}
	for _, o := range []seq.Origin{seq.Answer, seq.Original, seq.Original} {
		d := original(0)
		d.Origin = o
		r.packet(0, d)
	}
	if s := r.total(); s.Extra["spurious_requests"] != 1 || s.DuplicatesDiscarded != 2 {
		t.Errorf("%+v", s)
	}
}

// What was late a long time ago counts half at its time, not at a restart.
func TestAskHalvingAfterRestart(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{Source: askable})
	must(t, r.start(0))
	r.packet(0, original(0))
	state := r.m.State()
	state.Counts[seq.Packets], state.Policy.Extent = 100_000, 50
	m, err := seq.New(seq.Config{Source: askable, State: &state})
	must(t, err)
	m.Packet(0, original(1))
	if d := m.State().D; d != 51 {
		t.Errorf("D is %d, not 51", d)
	}
}
