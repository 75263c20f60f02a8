package merge

import "math/rand/v2"

// A Stepper is a worker that a [Coordinator] can run.
type Stepper interface {
	Step() (more bool, err error)
	Stats() Stats
}

// A Schedule says which worker takes the next step. active tells who has not
// finished; at least one has not.
type Schedule func(active [2]bool) int

// Alternate is the requirement's schedule: A, B, A, B, leaving out who has
// finished.
func Alternate() Schedule {
	next := 0
	return func(active [2]bool) int {
		turn := next
		if !active[turn] {
			turn = 1 - turn
		}
		next = 1 - turn
		return turn
	}
}

// Random is a schedule by the toss of a coin, the same for the same seed.
func Random(seed uint64) Schedule {
	rng := rand.New(rand.NewPCG(seed, 0))
	return func(active [2]bool) int {
		turn := rng.IntN(2)
		if !active[turn] {
			turn = 1 - turn
		}
		return turn
	}
}

// A Coordinator runs two workers until both have finished.
type Coordinator struct {
	Workers  [2]Stepper
	Schedule Schedule // nil = Alternate()
}

// Result is what a run came to.
type Result struct {
	Success    bool    `json:"success"` // both finished
	TotalSteps int     `json:"total_steps"`
	StatsA     Stats   `json:"stats_a"`
	StatsB     Stats   `json:"stats_b"`
	Messages   int64   `json:"messages"` // sent by both
	Balance    float64 `json:"balance"`  // of the comparisons: smaller / larger, 1 if there are none
}

// Run steps the workers until both have finished, one fails, or maxSteps calls
// were made (the requirement's default is 100000). The error is the first that
// a step returned; the result says what was done until then.
func (c *Coordinator) Run(maxSteps int) (Result, error) {
	schedule := c.Schedule
	if schedule == nil {
		schedule = Alternate()
	}
	active := [2]bool{true, true}
	steps := 0
	var err error
	for (active[0] || active[1]) && steps < maxSteps && err == nil {
		turn := schedule(active)
		active[turn], err = c.Workers[turn].Step()
		steps++
	}
	a, b := c.Workers[0].Stats(), c.Workers[1].Stats()
	return Result{
		Success:    err == nil && !active[0] && !active[1],
		TotalSteps: steps,
		StatsA:     a,
		StatsB:     b,
		Messages:   a.MessagesSent + b.MessagesSent,
		Balance:    Balance(a.Comparisons, b.Comparisons),
	}, err
}

// Balance is the smaller of two amounts of work divided by the larger, and 1
// when there is none.
func Balance(a, b int64) float64 {
	if a == b {
		return 1
	}
	return float64(min(a, b)) / float64(max(a, b))
}
