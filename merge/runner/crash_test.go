package runner

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"holdfast/internal/vfs"
)

// variants are the ways to run a shape.
func variants() map[string]Options {
	return map[string]Options{
		"log":         {},
		"log/none":    {Durability: None},
		"log/confirm": {Confirm: true},
		"slot":        {Mailbox: Slot},
	}
}

// Crash tests: chance decides whether one worker or both are killed, between
// two calls of the disk or in the middle of a write, or the power fails and
// what was not synced is lost, kept or torn. Output, messages and statistics are
// those of the calm run.
func TestRandomCrashes(t *testing.T) {
	t.Parallel()
	for _, s := range shapes() {
		for name, o := range variants() {
			t.Run(s.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				want := calm(t, s.a, s.b, o)
				for seed := range uint64(soak(30)) {
					// Few faults hit what many never get to, and the other way round.
					faults := []int{60, 1, 3, 8, 1, 20}[seed%6]
					got, err := Simulate(t.Context(), Simulation{A: s.a, B: s.b, Options: o, Seed: seed, Faults: faults})
					if err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
					if diff := got.Differs(want); diff != "" {
						t.Fatalf("seed %d: %s", seed, diff)
					}
					if got.Kills+got.PowerCuts != faults {
						t.Fatalf("seed %d: %d kills, %d power cuts", seed, got.Kills, got.PowerCuts)
					}
				}
			})
		}
	}
}

// TestCrashAtEveryCall ends the run at every single call of the disk that a
// calm one makes, by kill and by power cut with all, nothing and some of what
// was not synced lost.
func TestCrashAtEveryCall(t *testing.T) {
	t.Parallel()
	ends := map[string]float64{"kill": -1, "power, all lost": 0, "power, half lost": .5, "power, all kept": 1}
	for _, s := range shapes() {
		if long := s.name == "data" || s.name == "swap" || s.name == "tail"; long && soak(1) == 1 {
			continue // much like the others, with more of the same messages
		}
		for name, o := range variants() {
			t.Run(s.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				want := calm(t, s.a, s.b, o)
				for end, p := range ends {
					if p >= 0 && o.Durability == None {
						continue // it does not promise to survive that
					}
					for n, over := 1, false; !over; n++ {
						r := newRig(t, s.a, s.b, o)
						if p >= 0 {
							r.disk = newRigDisk(t, uint64(n), p)
						}
						over = r.crashAt(n)
						if p >= 0 {
							r.disk.Cut()
						} else {
							r.disk.Kill()
						}
						r.finish()
						if diff := r.outcome().Differs(want); diff != "" {
							t.Fatalf("%s at call %d: %s", end, n, diff)
						}
					}
				}
			})
		}
	}
}

func newRigDisk(t *testing.T, seed uint64, p float64) *vfs.Crash {
	t.Helper()
	disk := vfs.NewCrash(seed, p)
	if err := errors.Join(disk.MkdirAll(simDir, 0o777), disk.SyncDir("/")); err != nil {
		t.Fatal(err)
	}
	return disk
}

// crashAt runs both workers in one process that ends at call n of the disk.
func (r *rig) crashAt(n int) (over bool) {
	r.t.Helper()
	disk := vfs.NewFaulty(r.disk, vfs.KillAt(n))
	var workers [2]*Worker
	more := [2]bool{true, true}
	for more[0] || more[1] {
		for i := range workers {
			var err error
			if workers[i] == nil {
				workers[i], err = NewWorker(r.options(i, disk))
			}
			if err == nil && more[i] {
				more[i], err = workers[i].Step()
			}
			if errors.Is(err, vfs.ErrKilled) {
				return false
			}
			if err != nil {
				r.t.Fatalf("call %d: %v", n, err)
			}
		}
	}
	return true
}

// A run whose state is gone after k steps is made again from the mailboxes.
func TestStateLost(t *testing.T) {
	t.Parallel()
	damages := map[string]func(*rig, string){
		"deleted":   func(r *rig, name string) { r.disk.Remove(r.path(name)) },
		"empty":     func(r *rig, name string) { r.write(name, nil) },
		"truncated": func(r *rig, name string) { b := r.read(name); r.write(name, b[:len(b)/2]) },
		"bit flip":  func(r *rig, name string) { b := r.read(name); b[len(b)/3] ^= 4; r.write(name, b) },
	}
	for _, s := range shapes() {
		for name, o := range variants() {
			t.Run(s.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				want := calm(t, s.a, s.b, o)
				for how, damage := range damages {
					for k := 1; ; k++ {
						r := newRig(t, s.a, s.b, o)
						steps, over := 0, true
						more := [2]bool{true, true}
						for more[0] || more[1] {
							if steps++; steps > k {
								over = false
								break
							}
							i := (steps - 1) % 2
							if more[i] {
								more[i] = r.once(i)
							}
						}
						if r.read("state_A.json") == nil || r.read("state_B.json") == nil {
							if over {
								break
							}
							continue
						}
						damage(r, fmt.Sprintf("state_%c.json", 'A'+k%2))
						r.finish()
						if diff := r.outcome().Differs(want); diff != "" {
							t.Fatalf("%s after %d steps: %s", how, k, diff)
						}
						if over {
							break
						}
					}
				}
			})
		}
	}
}

// A line that was cut off by a crash at any of its bytes is made whole.
func TestTornLine(t *testing.T) {
	t.Parallel()
	s := shapes()[2]
	want := calm(t, s.a, s.b, Options{})
	lines := [2][]byte{want.Logs[0], want.Logs[1]}
	for i, log := range lines {
		for cut := range len(log) {
			if log[cut] == '\n' && cut+1 < len(log) && cut%7 != 0 {
				continue
			}
			r := newRig(t, s.a, s.b, Options{})
			r.stopInside(i, cut)
			r.finish()
			if diff := r.outcome().Differs(want); diff != "" {
				t.Fatalf("worker %c cut at byte %d: %s", 'A'+i, cut, diff)
			}
		}
	}
}

// stopInside runs until worker i has sent more than cut bytes, and then cuts
// its outbox there, as if it had been killed in the middle of the write.
func (r *rig) stopInside(i, cut int) {
	r.t.Helper()
	outbox := []string{"A_to_B.msg", "B_to_A.msg"}[i]
	more := [2]bool{true, true}
	for turn := 0; len(r.read(outbox)) <= cut; turn = 1 - turn {
		if more[turn] {
			more[turn] = r.once(turn)
		}
		if !more[0] && !more[1] {
			return
		}
	}
	r.write(outbox, r.read(outbox)[:cut])
}

// A start that has to write the message of the step before has done a step with
// that: never two messages in one.
func TestRedoIsAStep(t *testing.T) {
	t.Parallel()
	s := shapes()[2]
	for name, o := range variants() {
		r := newRig(t, s.a, s.b, o)
		r.once(0)
		outbox := "B_to_A.msg"
		before := r.read(outbox)
		// B dies between its state and its message.
		disk := vfs.NewFaulty(r.disk, func(op vfs.Op) error {
			if strings.HasSuffix(op.Name, outbox) && (op.Call == "write" || op.Call == "rename") {
				return vfs.ErrKilled
			}
			return nil
		})
		w, err := NewWorker(r.options(1, disk))
		if err == nil {
			_, err = w.Step()
			w.Close()
		}
		if !errors.Is(err, vfs.ErrKilled) || bytes.Count(r.read(outbox), []byte("\n")) != bytes.Count(before, []byte("\n")) {
			t.Fatalf("%s: %v", name, err)
		}
		w = r.open(1)
		redone := r.read(outbox)
		if more, err := w.Step(); !more || err != nil {
			t.Fatalf("%s: %v, %v", name, more, err)
		}
		w.Close()
		if bytes.Equal(redone, before) || !bytes.Equal(r.read(outbox), redone) {
			t.Errorf("%s: the step wrote another message: %s then %s", name, redone, r.read(outbox))
		}
	}
}
