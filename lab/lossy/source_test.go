package lossy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/lab/lossy"
	"holdfast/record/seq"
)

// logger is the simplest program that uses a source: it asks for what comes
// damaged and is not known, and remembers across restarts only what it has.
type logger struct {
	known                                                    map[uint64]bool
	Restarts, Received, Written, Duplicates, Corrupted, Asks int
	Retransmits                                              int
}

// run is one process. It says whether the stream is at its end.
func (l *logger) run(t *testing.T, c lossy.Config) bool {
	t.Helper()
	s := open(t, c)
	for {
		d, err := s.Receive(context.Background())
		switch {
		case err == io.EOF:
			return true
		case errors.Is(err, lossy.ErrTerminated):
			l.Restarts++
			return false
		case err != nil:
			t.Fatal(err)
		}
		l.Received++
		switch {
		case l.known[d.Sequence] && d.Valid:
			l.Duplicates++
		case d.Valid:
			l.known[d.Sequence] = true
			l.Written++
			if d.Origin == seq.Answer {
				l.Retransmits++
			}
		default:
			l.Corrupted++
			if !l.known[d.Sequence] {
				request(t, s, d.Sequence)
				l.Asks++
			}
		}
	}
}

// TestOutcomes: section 8, lab outcomes, the rows without stalls.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		seed       int64
		edit       func(*lossy.Config)
		deliveries int
		want       logger
	}{
		"42": {42, nil, 1020, logger{Restarts: 8, Received: 1052, Written: 977, Duplicates: 43, Corrupted: 32, Asks: 32, Retransmits: 29}},
		"1":  {1, nil, 1032, logger{Restarts: 46, Received: 1061, Written: 979, Duplicates: 52, Corrupted: 30, Asks: 29, Retransmits: 25}},
		"7":  {7, nil, 1029, logger{Restarts: 9, Received: 1054, Written: 978, Duplicates: 49, Corrupted: 27, Asks: 25, Retransmits: 25}},
		"42, the snippet's parameters": {42, func(c *lossy.Config) { c.TotalPackets, c.TerminationProb = 500, .002 }, 513,
			logger{Restarts: 4, Received: 521, Written: 492, Duplicates: 21, Corrupted: 8, Asks: 8, Retransmits: 8}},
		"42, 100 packets": {42, func(c *lossy.Config) { c.TotalPackets, c.TerminationProb = 100, 0 }, 99,
			logger{Received: 101, Written: 96, Duplicates: 3, Corrupted: 2, Asks: 2, Retransmits: 2}},
		"7, window 50": {7, func(c *lossy.Config) { c.ReorderWindow = 50 }, 1037,
			logger{Restarts: 9, Received: 1060, Written: 984, Duplicates: 53, Corrupted: 23, Asks: 23, Retransmits: 23}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(t, c.seed, c.edit)
			stream, err := lossy.Generate(cfg)
			if err != nil {
				t.Fatal(err)
			}
			got := logger{known: map[uint64]bool{}}
			for !got.run(t, cfg) {
			}
			if len(stream.Queue) != c.deliveries || len(got.known) != stream.Deliverable() {
				t.Errorf("%d deliveries, want %d; %d sequences known, want %d", len(stream.Queue), c.deliveries, len(got.known), stream.Deliverable())
			}
			got.known = nil
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(logger{})); diff != "" {
				t.Error(diff)
			}
			if files, _ := os.ReadDir(cfg.StateDir); len(files) != 0 {
				t.Errorf("%d files left", len(files))
			}
		})
	}
}

// TestRequests: rules L3 and L4.
func TestRequests(t *testing.T) {
	t.Parallel()
	c := config(t, 42, steady)
	s := open(t, c)
	stream := s.Stream()
	lost := uint64(0)
	for in := map[uint64]bool{}; ; lost++ { // the lowest sequence that is not in the queue
		for i := range stream.Queue {
			in[stream.Queue[i].Packet.Sequence] = true
		}
		if !in[lost] {
			break
		}
	}
	if err := s.RequestRetransmit(700, 2); err != nil {
		t.Fatal(err)
	}
	request(t, s, 701, lost, 1<<63)
	if diff := cmp.Diff([]uint64{700, 701, lost, 1 << 63}, s.Caps().Pending); diff != "" {
		t.Fatal(diff)
	}

	d := receive(t, s)
	if d.Sequence != 700 || d.Origin != seq.Answer || !d.HeaderTrusted || d.Cursor != 0 || s.Position() != 0 {
		t.Errorf("first delivery %+v, want the answer 700 at position 0", d)
	}
	request(t, s, 700) // it was answered, so it can be asked for again
	if d := receive(t, s); d.Sequence != 701 || d.Origin != seq.Answer {
		t.Errorf("second delivery %+v, want the answer 701", d)
	}
	if d := receive(t, s); d.Sequence != stream.Queue[0].Packet.Sequence || d.Origin != seq.Original || d.Cursor != 1 {
		t.Errorf("after a request for a lost packet: %+v, want the first of the queue", d)
	}
	if diff := cmp.Diff([]uint64{1 << 63, 700}, s.Caps().Pending); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []struct {
		first uint64
		count int
	}{{1, 0}, {1, -1}, {1<<64 - 1, 2}} {
		if err := s.RequestRetransmit(bad.first, bad.count); err == nil {
			t.Errorf("a request for %d from %d was taken", bad.count, bad.first)
		}
	}
	if err := s.RequestRetransmit(1<<64-1, 1); err != nil {
		t.Error(err)
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	c := config(t, 3, func(c *lossy.Config) { c.TotalPackets, c.LossProb, c.TerminationProb = 3, 0, 0 })
	s := open(t, c)
	want := seq.Caps{Requests: true, Definitive: true, HeaderTrusted: true, Total: uint64(s.TotalDeliveries()), End: 3}
	if diff := cmp.Diff(want, s.Caps()); diff != "" {
		t.Error(diff)
	}
	for range s.TotalDeliveries() {
		receive(t, s)
	}
	if s.Terminated() {
		t.Error("terminated before the end was told")
	}
	for range 2 {
		if _, err := s.Receive(context.Background()); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
		request(t, s, 1)
	}
	if files, _ := os.ReadDir(c.StateDir); len(files) != 0 || !s.Terminated() {
		t.Errorf("%d files at the end, terminated %v", len(files), s.Terminated())
	}
	if diff := cmp.Diff([]uint64{0, 1, 2}, s.GroundTruth()); diff != "" {
		t.Error(diff)
	}
}

func TestTerminationIsForGood(t *testing.T) {
	t.Parallel()
	c := config(t, 2, func(c *lossy.Config) { c.TerminationProb = 1 })
	for range 3 {
		s := open(t, c)
		if !s.Caps().MayExit {
			t.Error("the source does not say that it may end the process")
		}
		for range 2 {
			if _, err := s.Receive(context.Background()); !errors.Is(err, lossy.ErrTerminated) {
				t.Errorf("receive: %v", err)
			}
		}
		if err := s.RequestRetransmit(1, 1); !errors.Is(err, lossy.ErrTerminated) {
			t.Errorf("request: %v", err)
		}
		if s.Position() != 0 || s.Terminated() {
			t.Errorf("position %d, terminated %v", s.Position(), s.Terminated())
		}
	}
}

// TestAnswersAndTerminations: an answer makes no termination draw (L3), so a
// source that always terminates still answers.
func TestAnswersAndTerminations(t *testing.T) {
	t.Parallel()
	c := config(t, 2, func(c *lossy.Config) { c.TerminationProb, c.CorruptionProb = 1, 0 })
	s := open(t, c)
	request(t, s, 10, 11)
	for _, want := range []uint64{10, 11} {
		if d := receive(t, s); d.Sequence != want || !d.Valid {
			t.Errorf("%+v, want %d", d, want)
		}
	}
}

func TestCancelledReceiveTakesNothing(t *testing.T) {
	t.Parallel()
	c := config(t, 42, steady)
	s := open(t, c)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Receive(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if d := receive(t, s); d.Sequence != s.Stream().Queue[0].Packet.Sequence {
		t.Errorf("%+v", d)
	}
}

// TestEveryReceiveIsSaved: a packet is handed over after its file is saved (L4).
func TestEveryReceiveIsSaved(t *testing.T) {
	t.Parallel()
	c := config(t, 42, func(c *lossy.Config) { c.TotalPackets = 60; steady(c) })
	s := open(t, c)
	for i := 1; i <= s.TotalDeliveries(); i++ {
		d := receive(t, s)
		text, err := os.ReadFile(filepath.Join(c.StateDir, ".ms_42_position.txt"))
		if err != nil {
			t.Fatal(err)
		}
		again := open(t, c)
		if again.Position() != i || d.Cursor != uint64(i) {
			t.Fatalf("delivery %d: cursor %d, the file says %q", i, d.Cursor, text)
		}
	}
}

func BenchmarkReceive(b *testing.B) {
	c := lossy.Default(42)
	c.StateDir, c.TotalPackets, c.TerminationProb = b.TempDir(), 100_000, 0
	s, err := lossy.New(c)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Receive(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// A payload of one's own changes nothing but what is carried.
func TestPayload(t *testing.T) {
	c := config(t, 3, nil)
	plain, err := lossy.Generate(c)
	if err != nil {
		t.Fatal(err)
	}
	c.Payload = func(i int) []byte { return fmt.Appendf(nil, "tick %d", i) }
	own := open(t, c).Stream()
	if len(own.Queue) != len(plain.Queue) {
		t.Fatalf("%d deliveries, want %d", len(own.Queue), len(plain.Queue))
	}
	for i, item := range own.Queue {
		want := plain.Queue[i]
		want.Packet.Payload = fmt.Appendf(nil, "tick %d", item.Packet.Sequence)
		want.Packet.Checksum = item.Packet.Checksum
		if !cmp.Equal(item, want) || !item.Packet.Valid() || item.Delivered().Valid() == item.Corrupted {
			t.Fatalf("delivery %d: %+v, want %+v", i, item, want)
		}
	}
	c.Payload = nil // what goes on with the state files carries it too
	if again := open(t, c).Stream(); !cmp.Equal(again.Queue, own.Queue) {
		t.Error("another stream after a restart")
	}
}
