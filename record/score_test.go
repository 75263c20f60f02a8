package record_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"holdfast/record"
)

// The score against the definition, pair by pair.
func TestScoreAgainstDefinition(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := rng.IntN(40)
		var truth record.Truth
		for i := range uint64(n) {
			truth.Generated = append(truth.Generated, i)
		}
		truth.Deliverable = n
		var log strings.Builder
		var first []uint64
		seen := map[uint64]bool{}
		repeated, unknown := int64(0), int64(0)
		for range rng.IntN(60) {
			s := uint64(rng.IntN(45))
			fmt.Fprintf(&log, "%d,0.5,,OK\n", s)
			switch {
			case s >= uint64(n):
				unknown++
			case seen[s]:
				repeated++
			default:
				seen[s] = true
				first = append(first, s)
			}
		}
		var pairs, lower int64
		for i, s := range first {
			below := false
			for _, before := range first[:i] {
				if before > s {
					pairs++
					below = true
				}
			}
			if below {
				lower++
			}
		}
		got, err := record.ScoreLog(strings.NewReader(log.String()), truth)
		if err != nil {
			t.Fatal(err)
		}
		if got.InvertedPairs != pairs || got.Inversions != lower || got.DuplicatesInLog != repeated || got.Unknown != unknown || got.Logged != int64(len(first)) {
			t.Fatalf("seed %d: %+v, want %d pairs, %d lines, %d repeated, %d unknown", seed, got, pairs, lower, repeated, unknown)
		}
		want := 1.0
		if k := float64(len(first)); k > 1 {
			want = 1 - float64(pairs)/(k*(k-1)/2)
		}
		if got.Ordering != want {
			t.Fatalf("seed %d: ordering %v, want %v", seed, got.Ordering, want)
		}
	}
}

// Section 7: an empty log, and one whose last line is cut off.
func TestScoreOddLogs(t *testing.T) {
	t.Parallel()
	truth := record.Truth{Generated: []uint64{0, 1, 2, 3}, Deliverable: 3}
	for _, c := range []struct {
		log                string
		coverage, ordering float64
		malformed          int64
	}{
		{"", 0, 1, 0},
		{"1,0.5,,OK\n", .25, 1, 0},
		{"1,0.5,,OK\n2,0.5,,O", .25, 1, 1},
		{"2,0.5,,OK\nnonsense\n1,0.5,,LATE\n", .5, 0, 1},
	} {
		s, err := record.ScoreLog(strings.NewReader(c.log), truth)
		if err != nil || s.Coverage != c.coverage || s.Ordering != c.ordering || s.Malformed != c.malformed || s.MaxCoverage != .75 {
			t.Errorf("%q: %+v, %v", c.log, s, err)
		}
	}
	if s, err := record.ScoreLog(strings.NewReader(""), record.Truth{}); err != nil || s.Coverage != 1 || s.MaxCoverage != 1 {
		t.Errorf("nothing generated: %+v, %v", s, err)
	}
}
