package record_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"holdfast/internal/soak"
	"holdfast/internal/vfs"
	"holdfast/lab/lossy"
	"holdfast/record"
	"holdfast/record/journal"
)

// crashAt runs one process whose file system ends at its n-th call; over says
// whether the session was complete before.
func (r *rig) crashAt(n int) (over bool) {
	r.t.Helper()
	r.disk = vfs.NewFaulty(r.crash, vfs.KillAt(n))
	_, err := r.start()
	r.disk = r.crash
	switch {
	case err == nil:
		return true
	case errors.Is(err, vfs.ErrKilled), errors.Is(err, lossy.ErrTerminated):
		return false
	}
	r.t.Fatalf("%v, ended at call %d: %v", r.lab.Seed, n, err)
	return false
}

// Crash tests (a), (b), (d): the process ends at any call of the file system, by
// kill or power cut, also during recovery; what was in the log stays in it,
// coverage is the maximum and the log in order.
func TestCrashAnywhere(t *testing.T) {
	t.Parallel()
	for _, level := range []journal.Level{journal.None, journal.Group, journal.Always} {
		for _, power := range []bool{false, true} {
			if power && level == journal.None {
				continue // it does not promise to survive that
			}
			t.Run(fmt.Sprintf("%v/power=%v", level, power), func(t *testing.T) {
				t.Parallel()
				for seed := range int64(soak.Rounds(6, 30)) {
					crashSession(t, seed+1, level, power)
				}
			})
		}
	}
}

func crashSession(t *testing.T, seed int64, level journal.Level, power bool) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(seed), uint64(level)))
	r := newRig(t, seed)
	r.crash = vfs.NewCrash(uint64(seed), []float64{0, .1, .5, .9, 1}[seed%5])
	r.disk = r.crash
	r.mkdir("/log")
	r.mkdir(rigState)
	r.c.Journal.Level = level
	r.c.Policy.MaxStalls = 100 // what the test kills at once gets nowhere
	if power {                 // the lab's state is not made for that
		r.lair = newRig(t, seed).disk
	}
	r.lab.TotalPackets = 150
	var before []byte
	atEnd, unsure := false, 0 // it was killed with the last deliveries in its hands
	if power {
		unsure = 60 // a power cut takes more than one
	}
	kills := 0
	for over := false; !over && kills < 30; kills++ {
		n := 1 + rng.IntN(1500)
		if rng.IntN(3) == 0 {
			n = 1 + rng.IntN(60) // during recovery
		}
		over = r.crashAt(n)
		atEnd = atEnd || r.src.Source != nil && r.src.Position() >= r.src.TotalDeliveries()-unsure
		after := r.wholeLines()
		if !power && !bytes.HasPrefix(after, before) {
			t.Fatalf("seed %d, level %v, power %v: crash %d took lines that were in the log:\n%s\nthen\n%s", seed, level, power, kills, before, after)
		}
		if len(after) > len(before) {
			before = after
		}
		if power {
			r.crash.Cut()
		} else {
			r.crash.Kill()
		}
	}
	r.finish()
	if after := r.wholeLines(); !bytes.HasPrefix(after, before) {
		t.Fatalf("seed %d, level %v, power %v: lines that were in the log are gone", seed, level, power)
	}
	truth, stream := r.truth()
	s, err := record.ScoreLog(bytes.NewReader(r.read(rigLog)), truth)
	if err != nil {
		t.Fatal(err)
	}
	r.genuine(r.read(rigLog), stream)
	// A source at its end answers until it is asked for what is lost for good.
	if lost := int64(truth.Deliverable) - s.Logged; lost > 0 && !atEnd {
		t.Errorf("seed %d, level %v, power %v: %d packets are missing that could be had", seed, level, power, lost)
	}
	if s.Inversions+s.DuplicatesInLog+s.Unknown+s.Malformed != 0 {
		t.Errorf("seed %d, level %v, power %v: %+v", seed, level, power, s)
	}
}

// wholeLines is the log without a last line that is cut off; nothing if there
// is none yet.
func (r *rig) wholeLines() []byte {
	if _, err := r.crash.Stat(rigLog); err != nil {
		return nil
	}
	b := r.read(rigLog)
	return b[:bytes.LastIndexByte(b, '\n')+1]
}
