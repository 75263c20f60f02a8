package record_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"holdfast/internal/soak"
	"holdfast/lab/lossy"
	"holdfast/record"
	"holdfast/record/seq"
)

// Section 8, lab outcomes: the same on every machine.
func TestLabOutcomes(t *testing.T) {
	t.Parallel()
	for i, want := range []struct {
		seed                                                         int64
		set                                                          func(*lossy.Config)
		restarts                                                     int64
		received, written, duplicates, corrupted, requests, answered uint64
		digest                                                       string
	}{
		{42, nil, 8, 1052, 977, 43, 32, 32, 29, "2d421aa947465453"},
		{1, nil, 46, 1061, 979, 52, 30, 29, 25, "7e5cb38b8186b0a9"},
		{7, nil, 9, 1054, 978, 49, 27, 25, 25, "c669d1bc07c55ce9"},
		{139, nil, 37, 1109, 976, 53, 80, 79, 41, "ee29b906a084eb4e"},
		{849, nil, 26, 1075, 981, 44, 50, 51, 25, "ae763e7d38d47ad2"},
		{42, func(c *lossy.Config) { c.TotalPackets, c.TerminationProb = 500, .002 }, 4, 521, 492, 21, 8, 8, 8, "6cbcacb630ba11e3"},
		{42, func(c *lossy.Config) { c.TotalPackets, c.TerminationProb = 100, 0 }, 0, 101, 96, 3, 2, 2, 2, "a6ba59135c56effd"},
		{7, func(c *lossy.Config) { c.ReorderWindow = 50 }, 9, 1060, 984, 53, 23, 23, 23, "fafce9f94f49d0ef"},
	} {
		for _, ask := range []seq.Ask{seq.AskCorrupt, seq.AskAuto} {
			if testing.Short() && i < 5 { // package seq has them too
				continue
			}
			t.Run(fmt.Sprintf("%d/%d/%d/%d", want.seed, want.received, want.requests, ask), func(t *testing.T) {
				r := newRig(t, want.seed)
				if want.set != nil {
					want.set(&r.lab)
				}
				r.c.Policy.Ask = ask
				s := r.finish()
				requests := want.requests
				if ask == seq.AskAuto {
					requests += 3
				}
				total := s.Total
				got := []uint64{uint64(s.Restarts), total.PacketsReceived, total.PacketsWritten, total.DuplicatesDiscarded,
					total.CorruptedPackets, total.RetransmitRequests, total.RetransmitsReceived, total.FinalBufferSize}
				expected := []uint64{uint64(want.restarts), want.received, want.written, want.duplicates,
					want.corrupted, requests, want.answered, 0}
				if fmt.Sprint(got) != fmt.Sprint(expected) {
					t.Errorf("restarts, received, written, duplicates, corrupted, requests, retransmits, lost: %v, want %v", got, expected)
				}
				if digest := fmt.Sprintf("%x", sha256.Sum256(r.read(rigLog)))[:16]; digest != want.digest {
					t.Errorf("log %s, want %s", digest, want.digest)
				}
				if score := r.perfect(); score.Ordering != 1 {
					t.Errorf("ordering %v", score.Ordering)
				}
				names, err := r.disk.ReadDir(rigState)
				if err != nil || len(names) != 1 {
					t.Errorf("left in the state folder: %v, %v", names, err)
				}
			})
		}
	}
}

// Section 8: every seed at its maximum, in order, with few questions.
func TestLabSeeds(t *testing.T) {
	t.Parallel()
	for seed := int64(1); seed <= int64(soak.Rounds(3, 100)); seed++ {
		r := newRig(t, seed)
		s := r.finish()
		if score := r.perfect(); score.Inversions != 0 || s.Total.Inversions != 0 {
			t.Errorf("seed %d: %d inversions", seed, score.Inversions)
		}
		total := s.Total
		if over := int64(total.RetransmitRequests) - int64(total.CorruptedPackets); over > 4 {
			t.Errorf("seed %d: %d requests for %d corrupted packets", seed, total.RetransmitRequests, total.CorruptedPackets)
		}
		if total.PacketsReceived != total.PacketsWritten+total.DuplicatesDiscarded+total.CorruptedPackets {
			t.Errorf("seed %d: S2 does not hold: %+v", seed, total)
		}
	}
}

// Promise 5 and S2: the same input gives the same bytes, and the journal alone
// the same statistics.
func TestSameInputSameBytes(t *testing.T) {
	t.Parallel()
	one, two := newRig(t, 5), newRig(t, 5)
	one.finish()
	two.finish()
	for _, path := range []string{rigLog, record.StatsPath(rigLog)} {
		if a, b := one.read(path), two.read(path); string(a) != string(b) {
			t.Errorf("%s differs:\n%s\n%s", path, a, b)
		}
	}
	fromJournal, err := record.SessionStats(one.disk, rigState, "lab-5")
	if err != nil {
		t.Fatal(err)
	}
	written, err := record.ReadStats(one.disk, rigLog)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := fmt.Sprint(fromJournal.Total), fmt.Sprint(written.Total); a != b {
		t.Errorf("statistics from the journal:\n%s\nof the run:\n%s", a, b)
	}
}

// L10: a session that is over is told again, and its source left alone.
func TestCompletedSession(t *testing.T) {
	t.Parallel()
	r := newRig(t, 42)
	first := r.finish()
	log := r.read(rigLog)
	again, err := r.start()
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(again.Total) != fmt.Sprint(first.Total) || !again.Complete || again.Restarts != first.Restarts {
		t.Errorf("told again: %+v, first: %+v", again, first)
	}
	if r.src.Source != nil {
		t.Error("the source was opened")
	}
	if string(r.read(rigLog)) != string(log) {
		t.Error("the log was changed")
	}
}

// L8: termination at every receive ends with one packet and a clear error; one
// in two still completes.
func TestStalls(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2)
	r.lab.TotalPackets, r.lab.TerminationProb = 50, 1
	var err error
	for range 100 {
		if _, err = r.start(); !errors.Is(err, lossy.ErrTerminated) {
			break
		}
		r.crash.Kill()
	}
	if err == nil || err.Error() != "the source ends the process before delivering anything (17 starts at position 0)" {
		t.Errorf("error: %v", err)
	}
	if truth, _ := r.truth(); len(truth.Generated) != 50 {
		t.Error("the truth is wrong")
	}
	if n := len(splitLines(r.read(rigLog))); n != 1 {
		t.Errorf("%d lines, want 1", n)
	}

	half := newRig(t, 3)
	half.lab.TotalPackets, half.lab.TerminationProb = 50, .5
	half.finish()
	half.perfect()
}

func splitLines(b []byte) []string {
	var lines []string
	for len(b) > 0 {
		i := 0
		for i < len(b) && b[i] != '\n' {
			i++
		}
		lines = append(lines, string(b[:i]))
		b = b[min(i+1, len(b)):]
	}
	return lines
}
