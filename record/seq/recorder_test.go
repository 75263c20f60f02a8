package seq_test

import (
	"fmt"
	"hash/fnv"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"holdfast/record/seq"
)

// A recorder is the least that a shell does: it performs each Ready on values,
// and fails the test when the machine breaks a promise that holds always.
type recorder struct {
	t *testing.T
	c seq.Config
	m *seq.Machine

	frames   []seq.Frame
	log      []seq.Line
	after    []int // of log: how many frames are durable before the line is written
	wrote    int   // lines that frames 4 say
	requests []seq.Range
	alarms   []seq.Alarm

	taken  map[uint64]bool // accepted, by sequence
	lines  map[uint64]bool
	held   map[uint64]bool // in the memory of this process
	hi     uint64          // one above the highest proven
	probes bool            // the source may stall: probes and the last sweep may name anything
	ready  seq.Ready
}

func newRecorder(t *testing.T, c seq.Config) *recorder {
	t.Helper()
	r := &recorder{t: t, c: c, taken: map[uint64]bool{}, lines: map[uint64]bool{}}
	if c.First != seq.FirstOfStream {
		r.hi = c.First
	}
	return r
}

// start begins a process: the state is what the frames say, and the log.
func (r *recorder) start(now time.Duration) error {
	r.t.Helper()
	r.held = map[uint64]bool{}
	c := r.c
	if len(r.frames) > 0 {
		r.frameOfLines()
		s := r.replay()
		c.State = &s
		for _, h := range s.Held {
			r.held[h.Sequence] = true
		}
		if c.JournalOff {
			r.taken = map[uint64]bool{}
			for _, l := range r.log {
				r.taken[l.Seq] = true
			}
		}
	}
	m, err := seq.New(c)
	if err != nil {
		r.t.Fatal(err)
	}
	r.m = m
	ready, err := m.Start(now, 0)
	if err == nil {
		r.do(ready, 0)
	}
	return err
}

// cut is a power cut that leaves n frames, and the lines that may be there when
// no more than those are durable.
func (r *recorder) cut(n int) {
	r.t.Helper()
	r.frames = r.frames[:n]
	r.wrote = 0
	r.taken = map[uint64]bool{}
	for _, f := range r.frames {
		switch f.Type {
		case seq.FramePacket:
			r.taken[f.Packet.Sequence] = true
		case seq.FrameWrote:
			for _, run := range f.Wrote.Runs {
				r.wrote += int(run.Count)
			}
		}
	}
	for i := len(r.log) - 1; i >= 0 && r.after[i] > n; i-- {
		delete(r.lines, r.log[i].Seq)
		r.log, r.after = r.log[:i], r.after[:i]
	}
	if r.wrote > len(r.log) {
		r.t.Fatalf("%d lines are said to be written, %d can be", r.wrote, len(r.log))
	}
}

func (r *recorder) replay() seq.State {
	r.t.Helper()
	s, err := seq.Replay(r.c, slices.Values(r.frames))
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *recorder) frameOfLines() {
	if r.wrote < len(r.log) {
		runs := seq.AppendRuns(nil, r.log[r.wrote:])
		r.frames = append(r.frames, seq.Frame{Type: seq.FrameWrote, Wrote: seq.WroteFrame{Runs: runs}})
		r.wrote = len(r.log)
	}
}

func (r *recorder) packet(now time.Duration, d seq.Delivery) seq.Ready {
	r.t.Helper()
	ready := r.m.Packet(now, d)
	if ready.Accepted {
		if !d.Valid || r.taken[d.Sequence] {
			r.t.Fatalf("sequence %d was accepted (valid %t, known %t)", d.Sequence, d.Valid, r.taken[d.Sequence])
		}
		r.taken[d.Sequence] = true
		r.held[d.Sequence] = true
	}
	if ready.Accepted || !d.Valid && d.HeaderTrusted {
		r.hi = max(r.hi, d.Sequence+1)
	}
	return r.do(ready, d.Sequence)
}

// do performs a Ready.
func (r *recorder) do(ready seq.Ready, cause uint64) seq.Ready {
	r.t.Helper()
	if len(ready.Journal) > 0 {
		r.frameOfLines()
	}
	for _, f := range ready.Journal {
		f.Tally.Deltas = slices.Clone(f.Tally.Deltas)
		if f.Type == seq.FramePacket && r.c.JournalOff {
			r.t.Fatalf("frame of packet %d without a journal", f.Packet.Sequence)
		}
		if f.Type == seq.FrameGap {
			r.hi = max(r.hi, f.Gap.Last+1)
		}
		r.frames = append(r.frames, f)
	}
	for _, l := range ready.Write {
		if r.lines[l.Seq] || !r.held[l.Seq] {
			r.t.Fatalf("after %d: line %v for a packet that is written (%t) or not there (%t)", cause, l, r.lines[l.Seq], !r.held[l.Seq])
		}
		r.lines[l.Seq] = true
		delete(r.held, l.Seq)
		r.log = append(r.log, l)
		r.after = append(r.after, len(r.frames))
	}
	for _, q := range ready.Request {
		r.check(q)
		r.requests = append(r.requests, q)
	}
	r.alarms = append(r.alarms, ready.Alarm...)
	r.ready = ready
	return ready
}

// check fails on a request for what is known, or what nothing proves.
func (r *recorder) check(q seq.Range) {
	r.t.Helper()
	if q.Count == 0 || q.Count > 65534 {
		r.t.Fatalf("request %+v", q)
	}
	if q.Cause == seq.Probe || r.probes {
		return
	}
	end := q.First + uint64(q.Count)
	if end > r.hi {
		r.t.Fatalf("request %+v: the highest proven is %d", q, int64(r.hi)-1)
	}
	for s := q.First; s < end; s++ {
		if r.taken[s] {
			r.t.Fatalf("request %+v names %d, which is known", q, s)
		}
		if uint64(q.Count) > uint64(len(r.taken)) {
			for s := range r.taken {
				if q.First <= s && s < end {
					r.t.Fatalf("request %+v names %d, which is known", q, s)
				}
			}
			return
		}
	}
}

// stop ends the process in order, and compares the state with a replay.
func (r *recorder) stop(now time.Duration, reason seq.StopReason) {
	r.t.Helper()
	r.do(r.m.Stop(now, reason), 0)
	r.compare()
}

func (r *recorder) compare() {
	r.t.Helper()
	r.frameOfLines()
	var but cmp.Options
	if r.c.JournalOff { // the fate of a gap is not journaled in step with the packets around it
		but = append(but, cmpopts.IgnoreFields(seq.State{}, "Gaps"))
	}
	if diff := cmp.Diff(r.m.State(), r.replay(), but); diff != "" {
		r.t.Errorf("state (-live +replayed):\n%s", diff)
	}
}

func (r *recorder) total() seq.Stats {
	_, total := r.m.Stats()
	return total
}

// digest covers everything that the machine decided.
func (r *recorder) digest() uint64 {
	h := fnv.New64a()
	fmt.Fprintln(h, r.log, r.requests, r.alarms)
	for _, f := range r.frames {
		fmt.Fprintln(h, f.Type, f.Packet, f.Wrote, f.Request, f.Gap, f.Tally, f.Stop)
	}
	return h.Sum64()
}

// inversions counts the lines below an earlier one, and the pairs in the wrong
// order, with a tree of counts.
func inversions(log []seq.Line) (lines, pairs uint64) {
	sorted := make([]uint64, len(log))
	for i, l := range log {
		sorted[i] = l.Seq
	}
	slices.Sort(sorted)
	tree := make([]uint64, len(log)+1)
	for i, l := range log {
		rank, _ := slices.BinarySearch(sorted, l.Seq)
		below := uint64(0)
		for j := rank; j > 0; j -= j & -j {
			below += tree[j]
		}
		for j := rank + 1; j <= len(log); j += j & -j {
			tree[j]++
		}
		pairs += uint64(i) - below
		lines += min(uint64(i)-below, 1)
	}
	return lines, pairs
}

// checkStats compares the statistics with the log (S2).
func (r *recorder) checkStats() {
	r.t.Helper()
	s := r.total()
	lines, pairs := inversions(r.log)
	if s.Inversions != lines || s.Extra["inverted_pairs"] != int64(pairs) || s.PacketsWritten != uint64(len(r.log)) {
		r.t.Errorf("statistics %+v; the log has %d lines, %d inverted, %d pairs", s, len(r.log), lines, pairs)
	}
	waiting := uint64(len(r.m.State().Held))
	if r.c.JournalOff {
		waiting = s.FinalBufferSize
	}
	if sum := s.PacketsWritten + s.DuplicatesDiscarded + s.CorruptedPackets + waiting + uint64(s.Extra["rejected"]); s.PacketsReceived != sum {
		r.t.Errorf("received %d packets, accounted for %d: %+v", s.PacketsReceived, sum, s)
	}
}

func packet(s uint64) seq.Packet {
	p := seq.Packet{Sequence: s, Timestamp: float64(s) / 1000, Payload: fmt.Appendf(nil, "packet %d", s)}
	p.Checksum = checksum(p.Payload)
	return p
}
