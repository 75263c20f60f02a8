// Package plan says what is to happen in a race, before it happens: the ticks of
// a market, how long the work on each takes, what a second attempt writes, and
// when which worker is killed.
//
// It promises that a seed and a size give the same plan everywhere, and that no
// draw depends on another, so that a safeguard changes nobody's luck. What a
// race makes of the plan (who claims what, and when) is up to the engine, the
// processes and the machine; see package incident.
//
// Start with [Plan.Tick].
package plan

import (
	"math/rand/v2"
	"time"

	"holdfast/replay/tick"
)

// A Plan is a seed and a number of ticks. It draws everything else.
type Plan struct {
	Seed   uint64 `json:"seed"`
	Events int    `json:"events"`
}

// Spacing is the time between two ticks, on the market and in the queue.
const Spacing = 4 * time.Millisecond

// Work that takes longer than a lease is what the race is about: 3 of 100 ticks
// take 300 to 700 ms, the others about 6 ms. Lengths within 50 ms of a multiple
// of the usual lease (500 ms) are left out: how often such work is handed out
// again would be the machine's choice, not the plan's.
const (
	block   = 100 // ticks of which so many are long:
	long    = 3
	leaves  = 50 * time.Millisecond
	longest = 700 * time.Millisecond
)

// The streams that draws are taken from.
const (
	ofTick uint64 = iota + 1
	ofWork
	ofBlock
	ofAgain
	ofKills
)

// draw is the chance of one decision.
func (p Plan) draw(stream uint64, a, b int) *rand.Rand {
	r := rand.New(rand.NewPCG(p.Seed, stream<<56^uint64(a)<<16^uint64(b)))
	r.Uint64() // the first one still shows that neighbours began alike
	return r
}

// Work is how long an attempt on tick i takes. It is the same for every attempt.
func (p Plan) Work(i int) time.Duration {
	r := p.draw(ofWork, i, 0)
	if !p.long(i) {
		return 4*time.Millisecond + time.Duration(r.Int64N(int64(4*time.Millisecond)))
	}
	d := 300*time.Millisecond + time.Duration(r.Int64N(int64(longest-300*time.Millisecond-2*leaves)))
	if d >= 450*time.Millisecond {
		d += 2 * leaves
	}
	return d
}

// long reports whether tick i is one of those of its block that take long.
func (p Plan) long(i int) bool {
	for _, k := range p.draw(ofBlock, i/block, 0).Perm(block)[:long] {
		if i%block == k {
			return true
		}
	}
	return false
}

// Long counts the ticks whose work takes longer than a lease.
func (p Plan) Long(lease time.Duration) (n int) {
	for i := range p.Events {
		if p.Work(i) > lease {
			n++
		}
	}
	return n
}

// Again is what an attempt writes that is not the first delivery of its tick: it
// stamps the row 1 to 10 ms late, and the price that it reads has moved by at
// most 0.50.
func (p Plan) Again(i, delivery int) (late tick.Nanos, moved tick.Price) {
	r := p.draw(ofAgain, i, delivery)
	late = tick.Nanos(time.Duration(1+r.IntN(10)) * time.Millisecond)
	return late, tick.Price(r.IntN(101)-50) * cent
}

const cent = 10_000_000 // of tick.Price

// A Kill ends a worker for good (kill -9) while it holds a claim.
type Kill struct {
	After   int  // ticks that are in the queue before
	Worker  int  // from 0
	Written bool // it has written the row of its claim, and not acknowledged it
}

// Kills are two for each of so many workers, in the order in which they are due:
// one in the middle of the work, one between the row and its acknowledgement.
func (p Plan) Kills(workers int) []Kill {
	n := 2 * workers
	r := p.draw(ofKills, 0, 0)
	order := make([]int, 0, n)
	for range 2 { // everybody once, then everybody again
		order = append(order, r.Perm(workers)...)
	}
	written := make([]bool, workers) // whether the next one of a worker comes after its row
	for w := range written {
		written[w] = r.IntN(2) == 0
	}
	kills := make([]Kill, n)
	for k := range kills {
		// Spread from a tenth to four fifths of the ticks, each within its part.
		part := p.Events * 7 / 10 / n
		kills[k] = Kill{After: p.Events/10 + k*part, Worker: order[k], Written: written[order[k]]}
		if part > 1 {
			kills[k].After += r.IntN(part)
		}
		written[order[k]] = !written[order[k]]
	}
	return kills
}

// Lasts is how long the market is open.
func (p Plan) Lasts() time.Duration { return time.Duration(p.Events) * Spacing }
