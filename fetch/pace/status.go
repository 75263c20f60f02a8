package pace

import (
	"cmp"
	"slices"
	"time"

	"holdfast/fetch/retry"
)

// An OriginStatus is a look at one origin.
type OriginStatus struct {
	Origin    string
	Queued    int // ready, waiting for their turn
	Waiting   int // until a time
	Spilled   int
	InFlight  int
	Limit     int
	GateUntil time.Duration // 0 if open
	Breaker   retry.BreakerState
	Budget    retry.Tokens // Unlimited without one
}

// Counts are totals of the run so far.
type Counts struct {
	Read, Final, Postponed      int
	Started, Retries            int
	BudgetDenied, BreakerOpened int
	InFlight, Waiting, InMemory int
	SpilledNow, SpilledInAll    int
}

// Counts gives the totals so far.
func (s *Scheduler) Counts() Counts {
	c := s.counts
	c.InFlight, c.Waiting, c.InMemory, c.SpilledNow = s.inFlight, s.waiting, s.inMemory(), s.spilled
	return c
}

// Origins looks at every origin that has a state, by name.
func (s *Scheduler) Origins(now time.Duration) []OriginStatus {
	all := make([]OriginStatus, 0, len(s.byName))
	for _, i := range s.byName {
		o := &s.origins[i]
		st := OriginStatus{
			Origin: o.name, Queued: int(o.ready()), Waiting: int(o.waiting.len), Spilled: o.spilled, InFlight: o.inFlight,
			Limit: o.gate.Limit(), Breaker: o.breaker.State(), Budget: retry.Unlimited,
		}
		if o.gate.Closed(now) {
			st.GateUntil = o.gate.Until()
		}
		if s.c.Policy.Budget {
			st.Budget = o.budget.Available(now)
		}
		all = append(all, st)
	}
	slices.SortFunc(all, func(a, b OriginStatus) int { return cmp.Compare(a.Origin, b.Origin) })
	return all
}
