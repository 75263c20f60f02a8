package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"holdfast/merge"
	"holdfast/merge/runner"
)

// drawn gives n + m different values below within, as the tests of merge draw
// them.
func drawn(seed uint64, n, m int, within uint64) (a, b []int32) {
	seen := map[uint64]bool{}
	for x := seed; len(b) < m; {
		x = 6364136223846793005*x + 1442695040888963407
		v := (x >> 33) % within
		switch {
		case seen[v]:
		case len(a) < n:
			a = append(a, int32(v))
		default:
			b = append(b, int32(v))
		}
		seen[v] = true
	}
	return a, b
}

var ranges = []struct {
	name   string
	within uint64
}{{"10^4", 1e4}, {"10^5", 1e5}, {"10^6", 1e6}, {"2^31", 1 << 31}}

// bound prints messages beside the information bound.
func bound(_ *config, r *report) error {
	r.printf("\n## merge pair: messages and the information bound\n\n")
	r.printf("5000 and 1000 different values drawn from 0 to R-1. The bound is log2 C(R, 1000) bits in messages of 10 words of 31 bits.\n\n")
	r.printf("| R | bound | coded | coded/bound | promised at most | range | naive | comparisons of A and B |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, to := range ranges {
		a, b := drawn(547, 5000, 1000, to.within)
		least := merge.BoundMessages(a, b, merge.Words)
		var all []merge.Result
		for _, s := range []merge.Strategy{merge.Default, merge.Range, merge.Naive} {
			m, err := merge.NewMemory(merge.Config{Strategy: s}, a, b)
			if err != nil {
				return err
			}
			result, err := m.Run(nil, 100_000)
			if err != nil {
				return err
			}
			all = append(all, result)
		}
		coded := all[0]
		r.printf("| %s | %d | %d | %.2f | %d | %d | %d | %d and %d |\n", to.name, least, coded.Messages, float64(coded.Messages)/float64(least), (11*least+30)/10,
			all[1].Messages, all[2].Messages, coded.StatsA.Comparisons, coded.StatsB.Comparisons)
	}
	return nil
}

// A pairing is a way to run two workers.
type pairing struct {
	name     string
	strategy merge.Strategy
	run      func(s merge.Strategy, a, b []int32) (output []byte, messages int64, err error)
	took     []time.Duration
	messages int64
}

// onDisk runs them with mailboxes, states and output as files of a disk in
// memory: all that a pair does, but for the disk.
func onDisk(s merge.Strategy, a, b []int32) ([]byte, int64, error) {
	o, err := runner.Simulate(context.Background(), runner.Simulation{A: a, B: b, Options: runner.Options{Strategy: s, Durability: runner.None}})
	if err != nil {
		return nil, 0, err
	}
	return o.Output, o.Messages, nil
}

// bare runs the cores alone: what they decide, without anything kept.
func bare(s merge.Strategy, a, b []int32) ([]byte, int64, error) {
	m, err := merge.NewMemory(merge.Config{Strategy: s}, a, b)
	if err != nil {
		return nil, 0, err
	}
	r, err := m.Run(nil, 100_000)
	return m.Output, r.Messages, err
}

// runsARound is how often a pair is run in a round: it takes milliseconds.
const runsARound = 20

// pairs measures the default strategy beside the naive one.
func pairs(c *config, r *report) error {
	fmt.Fprintln(os.Stderr, "pair")
	a, b := drawn(547, 5000, 1000, 1_000_000)
	all := []*pairing{
		{name: "coded, with files in memory", strategy: merge.Default, run: onDisk},
		{name: "naive, with files in memory", strategy: merge.Naive, run: onDisk},
		{name: "coded, the cores alone", strategy: merge.Default, run: bare},
		{name: "naive, the cores alone", strategy: merge.Naive, run: bare},
	}
	var want []byte
	for round := range c.rounds {
		for i := range all {
			p := all[(i+round)%len(all)]
			begin := time.Now()
			for range runsARound {
				output, messages, err := p.run(p.strategy, a, b)
				if err != nil {
					return fmt.Errorf("%s: %w", p.name, err)
				}
				if want == nil {
					want = output
				} else if !bytes.Equal(output, want) {
					return fmt.Errorf("%s gives another result", p.name)
				}
				p.messages = messages
			}
			p.took = append(p.took, time.Since(begin)/runsARound)
		}
	}
	r.printf("\n## merge pair: 5000 and 1000 values below 10^6, durability none, in memory\n\n| | messages | ms | wall, times coded's |\n| --- | --- | --- | --- |\n")
	for i, p := range all {
		base := all[i&^1]
		ratios := make([]float64, len(p.took))
		for j := range ratios {
			ratios[j] = float64(p.took[j]) / float64(base.took[j])
		}
		slices.Sort(ratios)
		took := slices.Sorted(slices.Values(p.took))
		r.printf("| %s | %d | %.2f | %.2f |\n", p.name, p.messages, seconds(int64(took[len(took)/2]))*1000, median(ratios))
	}
	r.printf("\nTarget: at most a tenth of the naive strategy's messages, and less time. Without mailboxes and states a message costs nothing, and what is saved of them is no gain; then the time is that of pricing and coding the lists.\n")
	return nil
}
