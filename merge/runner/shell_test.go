package runner

import (
	"fmt"
	"testing"

	"holdfast/merge"
)

// The shell alone, with a machine that is simpler than the real one.
func concatOptions(box MailboxKind) Options {
	return Options{Mailbox: box, Strategy: merge.Naive, machine: newConcat}
}

func numbers(from, n, by int32) []int32 {
	var l []int32
	for i := range n {
		l = append(l, from+i*by)
	}
	return l
}

func TestShellCrashes(t *testing.T) {
	t.Parallel()
	for _, box := range []MailboxKind{Log, Slot} {
		for _, level := range []Durability{Always, None} {
			t.Run(fmt.Sprintf("%s/%s", box, level), func(t *testing.T) {
				t.Parallel()
				o := concatOptions(box)
				o.Durability = level
				s := Simulation{A: numbers(5, 55, -3), B: numbers(1000, 30, 7), Options: o}
				calm, err := Simulate(t.Context(), s)
				if err != nil || !calm.Success {
					t.Fatalf("%v, %+v", err, calm)
				}
				for seed := range uint64(soak(100)) {
					s.Seed, s.Faults = seed, 20
					got, err := Simulate(t.Context(), s)
					if err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
					if diff := got.Differs(calm); diff != "" {
						t.Fatalf("seed %d: %s", seed, diff)
					}
				}
			})
		}
	}
}
