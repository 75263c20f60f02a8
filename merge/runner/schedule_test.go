package runner

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"holdfast/merge"
)

// bursts gives A n steps, then B n, and so on.
func bursts(n int) merge.Schedule {
	done, turn := 0, 0
	return func(active [2]bool) int {
		if done == n || !active[turn] {
			turn, done = 1-turn, 0
			if !active[turn] {
				turn = 1 - turn
			}
		}
		done++
		return turn
	}
}

// first gives B a number of steps before A has any.
func first(n int) merge.Schedule {
	rest := merge.Alternate()
	return func(active [2]bool) int {
		if n--; n >= 0 && active[1] {
			return 1
		}
		return rest(active)
	}
}

// R29: output and messages are the same for every schedule, also with a new
// process for each step, and statistics too.
func TestSchedules(t *testing.T) {
	t.Parallel()
	schedules := map[string]func() merge.Schedule{"B first": func() merge.Schedule { return first(1) }, "B polls": func() merge.Schedule { return first(50) }}
	for n := 1; n <= 40; n += 3 {
		schedules[fmt.Sprintf("bursts of %d", n)] = func() merge.Schedule { return bursts(n) }
	}
	schedules["to a standstill"] = func() merge.Schedule { return bursts(1000) }
	for seed := range uint64(soak(100)) {
		schedules[fmt.Sprintf("random %d", seed)] = func() merge.Schedule { return merge.Random(seed) }
	}
	for _, s := range shapes() {
		for name, o := range variants() {
			t.Run(s.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				want := calm(t, s.a, s.b, o)
				for how, schedule := range schedules {
					r := newRig(t, s.a, s.b, o)
					o := r.o
					o.Disk = r.disk
					p, err := NewPair(simDir, s.a, s.b, o)
					if err != nil {
						t.Fatal(err)
					}
					got, err := p.Run(context.Background(), schedule(), 100_000, nil)
					p.Close()
					if err != nil || !got.Success {
						t.Fatalf("%s: %v, %+v", how, err, got)
					}
					if diff := r.outcome().Differs(want); diff != "" {
						t.Fatalf("%s: %s", how, diff)
					}
				}
				r := newRig(t, s.a, s.b, o)
				r.finishAnew() // a new process for each step
				r.same(want)
			})
		}
	}
}

// The lists may come in any order.
func TestInputOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(shapes()).Draw(t, "shape")
		o := Options{}
		want, err := Simulate(context.Background(), Simulation{A: s.a, B: s.b, Options: o})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.a) > 0 {
			s.a = rapid.Permutation(s.a).Draw(t, "a")
		}
		s.b = rapid.Permutation(s.b).Draw(t, "b")
		got, err := Simulate(context.Background(), Simulation{A: s.a, B: s.b, Options: o})
		if err != nil {
			t.Fatal(err)
		}
		if diff := got.Differs(want); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Random lists, repeats, options, schedules and crashes at once.
func TestAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		span := rapid.SampledFrom([]int32{3, 40, 1000, 1 << 20, 1 << 30}).Draw(t, "span")
		value := rapid.Int32Range(-span, span)
		a := rapid.SliceOfN(value, 0, 120).Draw(t, "a")
		b := rapid.SliceOfN(value, 0, 120).Draw(t, "b")
		o := Options{
			Mailbox:    rapid.SampledFrom([]MailboxKind{Log, Slot}).Draw(t, "mailbox"),
			Durability: rapid.SampledFrom([]Durability{Always, None}).Draw(t, "durability"),
			Duplicates: rapid.SampledFrom([]merge.Dup{merge.Strict, merge.Keep, merge.Drop}).Draw(t, "duplicates"),
			Balance:    rapid.SampledFrom([]merge.Mode{merge.Coded, merge.Touch}).Draw(t, "balance"),
			Strategy:   rapid.SampledFrom([]merge.Strategy{merge.Default, merge.Default, merge.Naive, merge.Range, merge.Exchange}).Draw(t, "strategy"),
			Confirm:    rapid.Bool().Draw(t, "confirm"),
		}
		if o.Strategy != merge.Default {
			o.Balance = merge.Coded
		}
		s := Simulation{A: a, B: b, Options: o, MaxSteps: 20_000}
		want, wantErr := Simulate(context.Background(), s)
		s.Seed, s.Faults = rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 30).Draw(t, "faults")
		got, gotErr := Simulate(context.Background(), s)
		if (wantErr == nil) != (gotErr == nil) || wantErr != nil && (!isRunError(wantErr) || !isRunError(gotErr)) {
			t.Fatalf("calm: %v, with faults: %v", wantErr, gotErr)
		}
		if wantErr != nil {
			return
		}
		if !want.Success || !got.Success {
			t.Fatalf("not finished: calm %+v, with faults %+v", want.Result, got.Result)
		}
		if diff := got.Differs(want); diff != "" {
			t.Fatal(diff)
		}
		if err := Verify(bytes.NewReader(got.Output), a, b, o.Duplicates); err != nil {
			t.Fatal(err)
		}
	})
}
