package seq_test

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/internal/soak"
	"holdfast/record/seq"
)

func statuses(log []seq.Line, s seq.Status) (n int) {
	for _, l := range log {
		if l.Status == s {
			n++
		}
	}
	return n
}

func inOrder(log []seq.Line) bool {
	return slices.IsSortedFunc(log, func(a, b seq.Line) int { return int(int64(a.Seq) - int64(b.Seq)) })
}

func only(lost ...uint64) func(uint64) bool {
	return func(s uint64) bool { return slices.Contains(lost, s) }
}

// Section 8, loss: one packet, the first, the last ones.
func TestLossOfFew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		lost     []uint64
		beats    bool
		requests int
		lines    int
	}{
		{"one", []uint64{50}, false, 1, 100},
		{"first", []uint64{1}, false, 1, 100},
		{"run", []uint64{30, 31, 32}, false, 1, 100},
		{"two", []uint64{30, 40}, false, 2, 100},
		{"tail with end", []uint64{98, 99, 100}, false, 1, 100},
		{"tail with heartbeat", []uint64{98, 99, 100}, true, 1, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 1, 100, seq.Config{})
			w.lose, w.beats = only(c.lost...), c.beats
			r := w.run()
			if len(r.requests) != c.requests || len(r.log) != c.lines || !inOrder(r.log) || statuses(r.log, seq.Retransmit) != len(c.lost) {
				t.Errorf("requests %v, %d lines, in order %t, %d retransmits", r.requests, len(r.log), inOrder(r.log), statuses(r.log, seq.Retransmit))
			}
		})
	}
	// A tail of which nothing tells is not known to be missing.
	w := newWorld(t, 1, 100, seq.Config{})
	w.lose, w.noEnd = only(98, 99, 100), true
	if r := w.run(); len(r.requests) != 0 || len(r.log) != 97 {
		t.Errorf("requests %v, %d lines", r.requests, len(r.log))
	}
}

// Section 8, wire: 1, 3, then an answer with 2 to 6, of which only 2 was asked
// for, then 7, 8, 9. That is one request for 2 at most, and none later.
func TestLossAnswerWithMore(t *testing.T) {
	t.Parallel()
	for _, asked := range []bool{false, true} {
		r := newRecorder(t, seq.Config{First: 1, Source: askable})
		must(t, r.start(0))
		give := func(now time.Duration, s uint64, origin seq.Origin) {
			d := original(s)
			d.At, d.Origin = now, origin
			r.packet(now, d)
		}
		now := time.Millisecond
		give(now, 1, seq.Original)
		give(now, 3, seq.Original)
		if asked {
			now = r.ready.Wake
			r.do(r.m.Tick(now), 0)
		}
		for s := uint64(2); s <= 6; s++ {
			give(now, s, seq.Answer)
		}
		for s := uint64(4); s <= 9; s++ { // and the stream catches up
			give(now, s, seq.Original)
		}
		for range 20 {
			if r.ready.Wake == seq.Never {
				break
			}
			now = max(now, r.ready.Wake)
			r.do(r.m.Tick(now), 0)
		}
		var want []seq.Range
		if asked {
			want = []seq.Range{{First: 2, Count: 1, Cause: seq.Loss, Try: 1}}
		}
		if diff := cmp.Diff(want, r.requests); diff != "" || len(r.log) != 9 || !inOrder(r.log) || r.ready.Wake != seq.Never {
			t.Errorf("asked %t: log %v, wake %v, requests %s", asked, r.log, r.ready.Wake, diff)
		}
		if n := r.total().DuplicatesDiscarded; n != 4 { // 3, and then 4 to 6
			t.Errorf("asked %t: %d duplicates", asked, n)
		}
	}
}

// Section 8, wire: the end is told before all has come: what is on its way, or
// has to be asked for, is waited for, but not for ever.
func TestLossEndBeforeAll(t *testing.T) {
	t.Parallel()
	for _, answers := range []bool{true, false} {
		r := newRecorder(t, seq.Config{First: 1, Source: askable})
		must(t, r.start(0))
		for _, s := range []uint64{1, 2, 5} {
			r.packet(time.Millisecond, original(s))
		}
		r.hi = 9
		now := 2 * time.Millisecond
		r.do(r.m.End(now, 9), 0)
		late := original(4)
		late.At = now
		r.packet(now, late)
		for answered := 0; !r.ready.Done; {
			now = max(now, r.ready.Wake)
			r.do(r.m.Tick(now), 0)
			for ; answered < len(r.requests); answered++ {
				q := r.requests[answered]
				for s := q.First; answers && s < q.First+uint64(q.Count); s++ {
					d := original(s)
					d.At, d.Origin = now, seq.Answer
					r.packet(now, d)
				}
			}
		}
		lines, limit := 8, 100*time.Millisecond
		if !answers {
			lines, limit = 4, 2*time.Second+2*time.Millisecond
		}
		r.stop(now, seq.StopComplete)
		if len(r.log) != lines || !inOrder(r.log) || now > limit || r.total().Gaps != uint64(8-lines) {
			t.Errorf("answers %t: log %v at %v, requests %v, %d gaps", answers, r.log, now, r.requests, r.total().Gaps)
		}
		r.checkStats()
	}
}

// An outage of a second is one gap and one request; so is one of 70,000
// packets, but for the most that a request can name.
func TestLossOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, 3000, seq.Config{})
	w.lose = func(s uint64) bool { return 1000 <= s && s < 2000 }
	if r := w.run(); len(r.requests) != 1 || len(r.log) != 3000 || !inOrder(r.log) {
		t.Errorf("requests %v, %d lines", r.requests, len(r.log))
	}
	w = newWorld(t, 1, 80000, seq.Config{})
	w.every = time.Microsecond
	w.lose = func(s uint64) bool { return 1000 <= s && s < 71000 }
	if r := w.run(); len(r.requests) != 2 || r.requests[0].Count != 65534 || len(r.log) != 80000 || !inOrder(r.log) {
		t.Errorf("requests %v, %d lines", r.requests, len(r.log))
	}
}

// A round trip of ten times the first timer costs two requests, and is learned.
func TestLossLongWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, 8000, seq.Config{})
	w.rtt = time.Second
	w.lose = func(s uint64) bool { return s%1000 == 500 }
	r := w.run()
	if len(r.log) != 8000 || !inOrder(r.log) || len(r.requests) > 8+2 {
		t.Errorf("%d lines, in order %t, requests %v", len(r.log), inOrder(r.log), r.requests)
	}
	if p := r.m.State().Policy; p.SRTT < 990*time.Millisecond || p.SRTT > 1010*time.Millisecond {
		t.Errorf("smoothed round trip %v: something else than first requests was measured", p.SRTT)
	}
}

// Section 8's model: 100 seeds of 2 % loss, 3 % corruption, 5 % copies, window
// 10, round trip 20 packet times, answers with the same faults.
func TestLossModel(t *testing.T) {
	t.Parallel()
	var lines, inverted, asked, needed uint64
	seeds := uint64(soak.Rounds(4, 40))
	const packets = 10000
	for seed := range seeds {
		var digests [2]uint64
		for i := range digests {
			if i > 0 && seed >= 10 {
				digests[i] = digests[0]
				break
			}
			w := newWorld(t, seed, packets, seq.Config{})
			w.out = faults{loss: 0.02, corrupt: 0.03, copies: 0.05, reorder: 10 * w.every}
			w.back = w.out
			r := w.run()
			digests[i] = r.digest()
			if i > 0 {
				continue
			}
			s := r.total()
			lines += s.PacketsWritten
			inverted += s.Inversions
			asked += uint64(s.Extra["requested_sequences"])
			needed += uint64(w.lost())
		}
		if digests[0] != digests[1] {
			t.Fatalf("seed %d: two runs differ", seed)
		}
	}
	coverage := float64(lines) / float64(seeds*packets)
	perNeeded := float64(asked) / float64(needed)
	t.Logf("coverage %.6f, inverted %d of %d, asked %d for %d needed: %.3f", coverage, inverted, lines, asked, needed, perNeeded)
	if coverage < 0.9999 || float64(inverted) > 0.0001*float64(lines) || perNeeded > 1.10 {
		t.Errorf("coverage %.6f, inverted %d of %d, asked per needed %.3f", coverage, inverted, lines, perNeeded)
	}
}

// Reordering alone is hardly ever taken for loss.
func TestLossNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, 50000, seq.Config{})
	w.out.reorder = 10 * w.every
	if r := w.run(); len(r.requests) > 20 || len(r.log) != 50000 {
		t.Errorf("%d requests, %d lines", len(r.requests), len(r.log))
	}
}

// A server that answers with one packet at a time is asked for the rest at once.
func TestLossOneMessageAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, 400, seq.Config{})
	w.lose = func(s uint64) bool { return 100 <= s && s < 140 }
	w.answer = 1
	r := w.run()
	if len(r.log) != 400 || !inOrder(r.log) || len(r.requests) != 40 || w.done > 1500*time.Millisecond {
		t.Errorf("%d lines, %d requests, done at %v", len(r.log), len(r.requests), w.done)
	}
	for _, q := range r.requests {
		if q.Try != 1 {
			t.Fatalf("request %+v: a partial answer is progress", q)
		}
	}
}

// A silent server is asked so often and no more, and the log goes on.
func TestLossSilentServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, 30000, seq.Config{})
	w.silent = true
	w.lose = func(s uint64) bool { return s%300 == 0 }
	r := w.run()
	s := r.total()
	ranges := 100
	background := int(s.Extra["background_requests"])
	if len(r.log) != 30000-100 || !inOrder(r.log) || len(r.requests) > 6*ranges+background || background > 15*ranges {
		t.Errorf("%d lines, %d requests, %d of them in the background", len(r.log), len(r.requests), background)
	}
	for _, q := range r.requests {
		if q.Cause != seq.Background && q.Try > 6 {
			t.Fatalf("request %+v", q)
		}
	}
}

// A damaged answer is asked for again at once, and counts as a try.
func TestLossDamagedAnswer(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{Source: seq.Caps{Requests: true, HeaderTrusted: true}})
	must(t, r.start(0))
	for s := range uint64(5) {
		if s != 1 {
			r.packet(time.Millisecond, original(s))
		}
	}
	bad := original(1)
	bad.Valid, bad.Origin = false, seq.Answer
	for now := 2 * time.Millisecond; len(r.requests) < 6; now += 2 * time.Millisecond {
		before := len(r.requests)
		ready := r.packet(now, bad)
		if ready.Wake != now {
			t.Fatalf("after a damaged answer: wake at %v, not %v", ready.Wake, now)
		}
		r.do(r.m.Tick(now), 0)
		if len(r.requests) != before+1 || r.requests[before].Try != uint8(before+1) {
			t.Fatalf("requests %v", r.requests)
		}
	}
	r.packet(time.Second, bad) // that was the last try
	r.do(r.m.Tick(time.Second), 0)
	if len(r.log) != 4 || len(r.requests) != 6 {
		t.Errorf("log %v, requests %v", r.log, r.requests)
	}
}

// A request that could not be sent is counted, and sent again by the timer.
func TestLossSendFails(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, seq.Config{Source: seq.Caps{Requests: true, HeaderTrusted: true}})
	must(t, r.start(0))
	r.packet(0, original(0))
	ready := r.packet(0, original(4))
	r.do(r.m.RequestFailed(ready.Wake, r.requests0(ready.Wake)), 0)
	r.do(r.m.Tick(r.ready.Wake), 0)
	if s := r.total(); s.Extra["send_errors"] != 1 || len(r.requests) != 2 || r.requests[1].Try != 2 {
		t.Errorf("%d errors, requests %v", s.Extra["send_errors"], r.requests)
	}
}

// requests0 lets time pass until something is asked for.
func (r *recorder) requests0(now time.Duration) seq.Range {
	r.t.Helper()
	for len(r.requests) == 0 {
		r.do(r.m.Tick(now), 0)
		now = max(now, r.ready.Wake)
	}
	return r.requests[0]
}

// Every second packet of two million lost: memory for runs only, and requests
// at the rate of the bucket.
func TestLossEverySecond(t *testing.T) {
	packets := uint64(2_000_000) // it is about the bound, so a soak has no more
	if testing.Short() {
		packets = 100_000
	}
	m, err := seq.New(seq.Config{Source: seq.Caps{Requests: true, HeaderTrusted: true}})
	must(t, err)
	_, err = m.Start(0, 0)
	must(t, err)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	d := original(0)
	requests := 0
	var now time.Duration
	for s := uint64(0); s < packets; s += 2 {
		d.Sequence = s
		now += 5 * time.Microsecond
		d.At = now
		requests += len(m.Packet(now, d).Request)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	used := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	if limit := int(now/time.Millisecond) + 64; requests > limit {
		t.Errorf("%d requests in %v, want at most %d", requests, now, limit)
	}
	if used > 64*int64(packets/2)+2<<20 {
		t.Errorf("%d bytes for %d runs", used, packets/2)
	}
	if s := m.State(); uint64(len(s.Gaps)) < packets/2-10_000 {
		t.Errorf("%d gaps", len(s.Gaps))
	}
}

func original(s uint64) seq.Delivery {
	return seq.Delivery{Packet: packet(s), Valid: true, HeaderTrusted: true}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
