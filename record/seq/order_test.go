package seq_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/record/seq"
)

var askable = seq.Caps{Requests: true, HeaderTrusted: true}

// play feeds sequences as originals, a microsecond apart, and ends the session.
func play(t *testing.T, c seq.Config, sequences ...uint64) *recorder {
	t.Helper()
	c.Source = askable
	c.Drain = seq.NoDrain
	r := newRecorder(t, c)
	must(t, r.start(0))
	for i, s := range sequences {
		r.packet(time.Duration(i)*time.Microsecond, original(s))
	}
	now := time.Duration(len(sequences)) * time.Microsecond
	r.do(r.m.End(now, 0), 0)
	r.stop(now, seq.StopComplete)
	r.checkStats()
	return r
}

func span(from, to uint64) (list []uint64) {
	for s := from; s < to; s++ {
		list = append(list, s)
	}
	return list
}

func text(log []seq.Line) (lines []string) {
	for _, l := range log {
		lines = append(lines, fmt.Sprint(l.Seq, " ", l.Status))
	}
	return lines
}

// Section 8, sequencing tables.
func TestOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		c         seq.Config
		sequences []uint64
		log       string
		dups      uint64
		flushes   uint64
		requests  int
	}{
		{"in order", seq.Config{}, span(0, 5), "[0 OK 1 OK 2 OK 3 OK 4 OK]", 0, 0, 0},
		{"empty", seq.Config{}, nil, "[]", 0, 0, 0},
		{"one packet", seq.Config{}, []uint64{0}, "[0 OK]", 0, 0, 0},
		{"swapped", seq.Config{}, []uint64{1, 0, 3, 2}, "[0 OK 1 OK 2 OK 3 OK]", 0, 2, 0},
		{"twice", seq.Config{}, []uint64{0, 0, 1, 1, 2, 2}, "[0 OK 1 OK 2 OK]", 3, 0, 0},
		{"thrice, before and behind its turn", seq.Config{}, []uint64{2, 2, 0, 1, 2, 0, 1, 0, 1}, "[0 OK 1 OK 2 OK]", 6, 1, 0},
		{"twice after release", seq.Config{BufferSize: 1}, []uint64{1, 0, 0, 1}, "[1 OK 0 LATE]", 2, 0, 0},
		{"first from the stream", seq.Config{First: seq.FirstOfStream}, []uint64{7, 8, 10, 9}, "[7 OK 8 OK 9 OK 10 OK]", 0, 1, 0},
		{"below the first", seq.Config{First: 5}, []uint64{4, 5, 6}, "[5 OK 6 OK]", 0, 0, 0},
		{"joined later", seq.Config{First: 1}, []uint64{50, 51, 52, 53}, "[50 OK 51 OK 52 OK 53 OK]", 0, 1, 1},
		{"a window reversed", seq.Config{Window: 4}, []uint64{4, 3, 2, 1, 0, 9, 8, 7, 6, 5}, "[0 OK 1 OK 2 OK 3 OK 4 OK 5 OK 6 OK 7 OK 8 OK 9 OK]", 0, 2, 1},
		{"highest sequences", seq.Config{First: math.MaxUint64 - 3}, []uint64{math.MaxUint64 - 3, math.MaxUint64 - 1, math.MaxUint64, math.MaxUint64 - 2},
			"[18446744073709551612 OK 18446744073709551613 OK 18446744073709551614 OK]", 0, 1, 0},
		{"bound of 1", seq.Config{BufferSize: 1}, []uint64{0, 2, 4, 1, 3}, "[0 OK 2 OK 4 OK 1 LATE 3 LATE]", 0, 0, 1},
		{"bound of 2", seq.Config{BufferSize: 2}, []uint64{0, 2, 4, 1, 3}, "[0 OK 2 OK 1 LATE 3 OK 4 OK]", 0, 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := play(t, c.c, c.sequences...)
			s := r.total()
			if got := fmt.Sprint(text(r.log)); got != c.log || s.DuplicatesDiscarded != c.dups || s.BufferFlushes != c.flushes || len(r.requests) != c.requests {
				t.Errorf("log %s, want %s; %d duplicates, %d flushes, requests %v", got, c.log, s.DuplicatesDiscarded, s.BufferFlushes, r.requests)
			}
		})
	}
}

// The requirement's own example.
func TestOrderFiveLines(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{First: 42, BufferSize: 1, CorruptGrace: seq.AtOnce, Source: askable})
	must(t, r.start(0))
	for _, s := range []uint64{42, 43, 45, 44} {
		r.packet(0, original(s))
	}
	bad, again := original(46), original(46)
	bad.Valid = false
	again.Origin = seq.Answer
	r.packet(0, bad)
	r.packet(0, again)
	want := []string{"42 OK", "43 OK", "45 OK", "44 LATE", "46 RETRANSMIT"}
	if diff := cmp.Diff(want, text(r.log)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]seq.Range{{First: 46, Count: 1, Cause: seq.Corrupt, Try: 1}}, r.requests); diff != "" {
		t.Error(diff)
	}
}

// Reordering within a known window asks for nothing; an unknown one is learned
// with at most two requests for each place of it, all in the first half.
func TestOrderWindows(t *testing.T) {
	t.Parallel()
	for _, window := range []uint64{2, 10, 50, 500} {
		for _, known := range []bool{true, false} {
			t.Run(fmt.Sprint(window, known), func(t *testing.T) {
				t.Parallel()
				const n = 20000
				c := seq.Config{}
				if known {
					c.Window = window
				}
				w := newWorld(t, window, n, c)
				w.every, w.rtt = 100*time.Microsecond, time.Millisecond
				w.out.reorder = time.Duration(window) * w.every
				r := w.run()
				limit := 0
				if !known {
					limit = int(2 * window)
				}
				if len(r.log) != n || !inOrder(r.log) || len(r.requests) > limit {
					t.Errorf("%d lines, in order %t, %d requests", len(r.log), inOrder(r.log), len(r.requests))
				}
				if m := len(r.requests); m > 0 && r.requests[m-1].First > n/2 {
					t.Errorf("the last of %d requests is %+v", m, r.requests[m-1])
				}
			})
		}
	}
}

// Blocks of W+1 packets, each block backwards, are one farther out of order than
// the window allows: each costs one request, for its first, and no order.
func TestOrderReversedBlocks(t *testing.T) {
	t.Parallel()
	for _, window := range []uint64{2, 10, 50, 500} {
		const blocks = 20
		var sequences []uint64
		for block := range uint64(blocks) {
			for i := range window + 1 {
				sequences = append(sequences, block*(window+1)+window-i)
			}
		}
		r := play(t, seq.Config{Window: window}, sequences...)
		if len(r.log) != len(sequences) || !inOrder(r.log) || len(r.requests) > blocks {
			t.Errorf("window %d: %d lines, in order %t, %d requests", window, len(r.log), inOrder(r.log), len(r.requests))
		}
	}
}

// With a gap that never closes, no more than the bound waits, and the rest
// stays in order.
func TestOrderBounds(t *testing.T) {
	t.Parallel()
	for _, bound := range []int{1, 30, 64} {
		r := newRecorder(t, seq.Config{BufferSize: bound, Ask: seq.AskAll, Source: askable})
		must(t, r.start(0))
		for s := range uint64(1000) {
			if s != 100 {
				r.packet(0, original(s))
			}
			if n := len(r.held); n >= bound {
				t.Fatalf("bound %d: %d wait", bound, n)
			}
		}
		if len(r.log) != 999 || !inOrder(r.log) || len(r.requests) != 1 {
			t.Errorf("bound %d: %d lines, requests %v", bound, len(r.log), r.requests)
		}
	}
	big := original(0)
	big.Payload = make([]byte, 1<<20)
	r := newRecorder(t, seq.Config{BufferBytes: 4 << 20, Source: askable})
	must(t, r.start(0))
	for s := uint64(1); s < 20; s++ {
		big.Sequence = s
		r.packet(0, big)
		if len(r.held) >= 4 {
			t.Fatalf("%d MiB wait", len(r.held))
		}
	}
}

// A copy that differs is counted and the first one kept; one alarm a session.
func TestOrderConflicts(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{Source: askable})
	must(t, r.start(0))
	for s := range uint64(200) {
		r.packet(0, original(s))
	}
	other, later, nan := original(5), original(6), original(7)
	other.Payload = []byte("other")
	other.Checksum = checksum(other.Payload)
	later.Timestamp++
	nan.Timestamp = math.NaN()
	for _, d := range []seq.Delivery{original(5), other, later, nan} {
		r.packet(0, d)
	}
	s := r.total()
	if s.Extra["conflicts"] != 3 || s.DuplicatesDiscarded != 4 || len(r.alarms) != 1 || r.alarms[0].Kind != seq.AlarmConflict {
		t.Errorf("%d conflicts, %d duplicates, alarms %v", s.Extra["conflicts"], s.DuplicatesDiscarded, r.alarms)
	}
}

// A jump is believed when a second packet confirms it (G11).
func TestOrderJump(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{MaxJump: 100, Source: askable})
	must(t, r.start(0))
	for _, s := range []uint64{0, 1, 5000, 2, 9000, 5001, 3, 5002} {
		r.packet(0, original(s))
	}
	if s := r.total(); len(r.log) != 4 || s.Extra["quarantined"] != 3 || s.Extra["rejected"] != 3 {
		t.Errorf("log %v, %v", r.log, s.Extra)
	}
	if r.taken[5001] || !r.taken[5002] || len(r.alarms) != 1 {
		t.Errorf("taken %v, alarms %v", r.taken, r.alarms)
	}
	r.checkStats()
	r.do(r.m.Heartbeat(0, 1<<40, 0), 0)
	if top := r.m.State().Top; top != 5003 {
		t.Errorf("after an unlikely heartbeat the highest is below %d", top)
	}
	r.hi = 1 << 40
	r.do(r.m.Heartbeat(0, 1<<40, 0), 0)
	if top := r.m.State().Top; top != 1<<40 {
		t.Errorf("after a second heartbeat the highest is below %d", top)
	}
}

// A damaged header proves nothing, and is asked for only inside a gap (G12).
func TestOrderUntrustedHeader(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{CorruptGrace: seq.AtOnce, Source: seq.Caps{Requests: true}})
	must(t, r.start(0))
	r.packet(0, original(0))
	r.packet(0, original(3))
	for _, s := range []uint64{7, 0, 2} {
		d := original(s)
		d.Valid, d.HeaderTrusted = false, false
		r.packet(0, d)
	}
	if diff := cmp.Diff([]seq.Range{{First: 2, Count: 1, Cause: seq.Corrupt, Try: 1}}, r.requests); diff != "" || r.m.State().Top != 4 {
		t.Errorf("highest below %d, requests %s", r.m.State().Top, diff)
	}
}

// What is asked for, by mode (G10); without requests gaps are given up by D.
func TestOrderAsk(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ask      seq.Ask
		caps     seq.Caps
		requests string
		alarms   int
		lines    int
	}{
		{seq.AskAuto, askable, "[{6 1 corrupt 1} {2 2 loss 1}]", 0, 2},
		{seq.AskAll, askable, "[{6 1 corrupt 1} {2 2 loss 1}]", 0, 2},
		{seq.AskCorrupt, askable, "[{6 1 corrupt 1}]", 0, 4},
		{seq.AskNever, askable, "[]", 0, 9},
		{seq.AskAuto, seq.Caps{HeaderTrusted: true}, "[]", 1, 9},
	} {
		r := newRecorder(t, seq.Config{Ask: c.ask, CorruptGrace: seq.AtOnce, Source: c.caps})
		must(t, r.start(0))
		for _, s := range []uint64{0, 1, 4, 5, 6, 7, 8, 9, 10, 11} {
			d := original(s)
			d.Valid = s != 6
			r.packet(0, d)
		}
		got := fmt.Sprint(r.requests)
		if got != c.requests || len(r.alarms) != c.alarms || len(r.log) != c.lines {
			t.Errorf("%d: requests %s, want %s; alarms %v, log %v", c.ask, got, c.requests, r.alarms, r.log)
		}
	}
}

// A packet that waits too long is not waited for (G6).
func TestOrderMaxHold(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{MaxHold: time.Second, Tries: 100, Source: askable})
	must(t, r.start(0))
	r.packet(0, original(0))
	r.packet(0, original(2))
	for r.ready.Wake < time.Second {
		r.do(r.m.Tick(r.ready.Wake), 0)
		if len(r.log) > 1 {
			t.Fatalf("at %v: log %v", r.ready.Wake, r.log)
		}
	}
	r.do(r.m.Tick(time.Second), 0)
	r.packet(time.Second, original(1))
	if got := fmt.Sprint(text(r.log)); got != "[0 OK 2 OK 1 LATE]" {
		t.Errorf("log %s", got)
	}
	if s := r.total(); s.Extra["spurious_requests"] != 1 || s.Gaps != 0 {
		t.Errorf("%+v", s)
	}
}

// The classic logger's buffer (J2).
func TestOrderJournalOff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		c    seq.Config
		log  string
	}{
		{"half", seq.Config{JournalOff: true, BufferSize: 3}, "[1 OK 2 OK 0 LATE 4 OK 3 LATE 5 OK]"},
		{"all", seq.Config{JournalOff: true, BufferSize: 3, Flush: seq.FlushAll}, "[1 OK 2 OK 5 OK 0 LATE 3 LATE 4 LATE]"},
	} {
		r := play(t, c.c, 2, 5, 1, 0, 4, 3)
		if got := fmt.Sprint(text(r.log)); got != c.log {
			t.Errorf("%s: log %s, want %s", c.name, got, c.log)
		}
	}
	r := newRecorder(t, seq.Config{JournalOff: true, Source: askable})
	must(t, r.start(0))
	for _, s := range []uint64{2, 0, 1} {
		r.packet(0, original(s))
	}
	r.stop(0, seq.StopInterrupted)
	if got := fmt.Sprint(text(r.log)); got != "[0 OK 1 OK 2 OK]" {
		t.Errorf("interrupted: log %s", got)
	}
}

// A twin decides order, duplicates and gaps by looking at everything each time.
type twin struct {
	c               seq.Config
	known, written  map[uint64]bool
	released        map[uint64]bool
	since           map[uint64]time.Duration
	hi              uint64 // one above the highest
	next            uint64
	extent          uint64
	delay           time.Duration
	log             []seq.Line
	copies, highest uint64
}

func (w *twin) packet(now time.Duration, s uint64) {
	if w.known[s] {
		w.copies++
		w.settle(now)
		return
	}
	for ; w.hi <= s; w.hi++ {
		w.since[w.hi] = now
	}
	if late := w.hi - 1 - s; late > 0 {
		w.extent = max(w.extent, late)
		w.delay = max(w.delay, now-w.since[s])
	}
	w.known[s] = true
	w.settle(now)
}

func (w *twin) settle(now time.Duration) {
	w.order(now)
	d, t := max(w.extent+1, 3), 10*time.Millisecond
	if w.delay > 0 {
		t = min(max(w.delay+w.delay/4, time.Millisecond), 100*time.Millisecond)
	}
	for s := range w.hi {
		last := s
		for !w.known[last+1] && last+1 < w.hi {
			last++
		}
		if !w.known[s] && (w.hi-1-last >= d || now-w.since[s] >= t) {
			w.released[s] = true
		}
	}
	w.order(now)
}

func (w *twin) order(now time.Duration) {
	for {
		w.advance()
		waits := 0
		for s := range w.hi {
			if w.known[s] && !w.written[s] {
				waits++
			}
		}
		if waits < w.c.BufferSize {
			return
		}
		for s := w.next; !w.known[s]; s++ {
			w.released[s] = true
		}
	}
}

// advance writes what is behind next, and then what continues the log.
func (w *twin) advance() {
	for s := range w.next {
		w.write(s)
	}
	for w.next < w.hi && (w.known[w.next] || w.released[w.next]) {
		w.write(w.next)
		w.next++
	}
}

func (w *twin) write(s uint64) {
	if !w.known[s] || w.written[s] {
		return
	}
	w.written[s] = true
	status := seq.OK
	if len(w.log) > 0 && s < w.highest {
		status = seq.Late
	}
	w.highest = max(w.highest, s)
	w.log = append(w.log, seq.Line{Seq: s, Status: status})
}

func TestOrderAgainstTwin(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		draw := rand.New(rand.NewPCG(seed, 3))
		c := seq.Config{BufferSize: []int{1, 2, 5, 20, 1000}[draw.IntN(5)], Source: seq.Caps{HeaderTrusted: true}}
		r := newRecorder(t, c)
		must(t, r.start(0))
		w := &twin{c: c, known: map[uint64]bool{}, written: map[uint64]bool{}, released: map[uint64]bool{}, since: map[uint64]time.Duration{}}
		spread := 1 + draw.Uint64N(30)
		var now time.Duration
		for i := range uint64(150) {
			now += time.Duration(draw.Int64N(int64(3 * time.Millisecond)))
			if draw.IntN(10) == 0 {
				r.do(r.m.Tick(now), 0)
				w.settle(now)
				continue
			}
			s := max(i, spread) - spread + draw.Uint64N(spread+1)
			d := original(s)
			d.At = now
			r.packet(now, d)
			w.packet(now, s)
			if !slices.Equal(r.log, w.log) {
				t.Fatalf("seed %d, packet %d: log\n%v, want\n%v", seed, s, r.log, w.log)
			}
		}
		s := r.total()
		if state := r.m.State(); s.DuplicatesDiscarded != w.copies || state.Top != w.hi || state.Next != w.next {
			t.Fatalf("seed %d: %d duplicates, want %d; highest %d, next %d, want %d, %d", seed, s.DuplicatesDiscarded, w.copies, state.Top, state.Next, w.hi, w.next)
		}
	}
}

// D and T follow what was late (G2, G8), and a long time ago counts half.
func TestOrderLearns(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{Ask: seq.AskAll, Source: askable})
	must(t, r.start(0))
	limbs := func(d uint64, limb time.Duration) {
		t.Helper()
		if s := r.m.State(); s.D != d || s.T != limb {
			t.Errorf("D %d, T %v; want %d, %v", s.D, s.T, d, limb)
		}
	}
	limbs(3, 10*time.Millisecond)
	give := func(now time.Duration, s uint64) {
		d := original(s)
		d.At = now
		r.packet(now, d)
	}
	give(0, 0)
	for s := uint64(2); s < 103; s++ { // 1 is asked for when 4 comes
		give(time.Duration(s)*80*time.Microsecond, s)
	}
	give(8160*time.Microsecond, 1)
	limbs(102, 10*time.Millisecond) // 101 came before it, for 8 ms
	if r.total().Extra["spurious_requests"] != 1 {
		t.Errorf("%v", r.total().Extra)
	}
	give(8200*time.Microsecond, 104)
	give(8250*time.Microsecond, 103)
	limbs(102, 10*time.Millisecond)
	for s := uint64(105); s < 1<<16+10; s++ {
		give(9*time.Millisecond, s)
	}
	limbs(51, 10*time.Millisecond)

	// An answer that comes before its original shows the same.
	r = newRecorder(t, seq.Config{Source: askable})
	must(t, r.start(0))
	for _, s := range []uint64{0, 2, 3, 4} {
		give(0, s)
	}
	answer := original(1)
	answer.Origin = seq.Answer
	r.packet(0, answer)
	give(0, 5)
	give(0, 1)
	if s := r.m.State(); s.D != 5 || s.Counts[seq.SpuriousRequests] != 1 {
		t.Errorf("D %d, %d spurious requests", s.D, s.Counts[seq.SpuriousRequests])
	}
}

// A start is no reason to give up order where nothing can be asked for: what was
// late when the last process ended may still come (G10).
func TestOrderSurvivesStart(t *testing.T) {
	t.Parallel()
	for _, c := range []seq.Config{{Window: 5}, {Window: 5, Ask: seq.AskNever, Source: askable}, {Window: 5, Ask: seq.AskCorrupt, Source: askable}} {
		r := newRecorder(t, c)
		must(t, r.start(0))
		for _, s := range []uint64{0, 1, 3, 4} {
			r.packet(0, original(s))
		}
		must(t, r.start(0))
		for _, s := range []uint64{2, 5, 6, 8, 9, 10, 11, 12, 13} {
			r.packet(0, original(s))
		}
		if got := fmt.Sprint(text(r.log)); got != "[0 OK 1 OK 2 OK 3 OK 4 OK 5 OK 6 OK 8 OK 9 OK 10 OK 11 OK 12 OK 13 OK]" || len(r.requests) > 0 {
			t.Errorf("%+v: log %s, requests %v", c, got, r.requests)
		}
	}
}
