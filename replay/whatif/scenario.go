package whatif

import (
	"cmp"
	"slices"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// An offer is a row on its way into the output.
type offer struct {
	attempt int // index in EventCase.Attempts; -1: nobody knows
	at      tick.Nanos
}

// A scenario is one way it may have been: every row of an event as it was
// offered, in the order of the commits.
type scenario []offer

// Bounds of what is tried for one event. Beyond, nothing is said for certain
// but what holds for every scenario anyway.
const (
	mostScenarios = 2048
	mostAttempts  = 12
	mostRows      = 64 // rows of one event: one bit each
)

// far is later than anything: a commit of which nothing says when it was.
const far = tick.Nanos(1) << 61

// oneClock is the case by clocks corrected for the skew that was found (R25), in
// the order of the corrected starts; c itself is left as it is.
func oneClock(c *replay.EventCase, p *replay.Population) *replay.EventCase {
	if !p.Skewed || len(c.Attempts) < 2 {
		return c
	}
	moved := *c
	moved.Attempts = slices.Clone(c.Attempts)
	for i := range moved.Attempts {
		a := &moved.Attempts[i]
		if w := p.Worker(a.Worker); w != nil && w.HasSkew {
			a.Start, a.End = a.Start-w.Skew, a.End-w.Skew
		}
	}
	slices.SortStableFunc(moved.Attempts, func(a, b replay.Attempt) int { return cmp.Compare(a.Start, b.Start) })
	return &moved
}

// scenarios lists every way in which the attempts of c may have written its
// rows. ok is false if nothing is known of the attempts, or there are too many
// ways; then the list has one scenario that serves only to count.
//
// rows, if it is not nil, says when each row was committed; ways that contradict
// it are left out, unless all do.
func scenarios(c *replay.EventCase, rows *timetable) (list []scenario, ok bool) {
	if rows != nil {
		if list, ok := possible(c, rows); ok && len(list) > 0 {
			return list, true
		}
	}
	return possible(c, nil)
}

func possible(c *replay.EventCase, rows *timetable) (list []scenario, ok bool) {
	k, n := min(len(c.Rows), mostRows), len(c.Attempts)
	if k == 0 {
		return nil, true
	}
	if n == 0 || n > mostAttempts || len(c.Rows) > mostRows {
		return []scenario{unknownScenario(c, k)}, false
	}
	b := scenarioBuilder{c: c, rows: rows}
	switch {
	case k == n:
		b.times(upTo(n))
	case k > n:
		b.repeat(upTo(n), 0, k-n)
	default:
		if own := singledOut(c, k); own != nil {
			b.times(own)
		} else {
			b.choose(nil, 0, k)
		}
	}
	if b.over || rows == nil && len(b.list) == 0 {
		return []scenario{unknownScenario(c, k)}, false
	}
	return b.list, true
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func unknownScenario(c *replay.EventCase, k int) scenario {
	s := make(scenario, k)
	for i := range s {
		s[i] = offer{-1, c.Event.Time}
	}
	return s
}

// singledOut are the k successes, if all others are open or say that they did
// not succeed (R27).
func singledOut(c *replay.EventCase, k int) (own []int) {
	for i := range c.Attempts {
		switch a := &c.Attempts[i]; {
		case a.Status == replay.StatusSuccess:
			own = append(own, i)
		case !a.Open && a.Status == replay.StatusUnknown:
			return nil
		}
	}
	if len(own) != k {
		return nil
	}
	return own
}

type scenarioBuilder struct {
	c    *replay.EventCase
	rows *timetable
	list []scenario
	over bool
}

// choose tries every k of the attempts from i on as those that wrote.
func (b *scenarioBuilder) choose(chosen []int, i, k int) {
	if k == 0 {
		b.times(chosen)
		return
	}
	for ; i <= len(b.c.Attempts)-k && !b.over; i++ {
		b.choose(append(slices.Clip(chosen), i), i+1, k-1)
	}
}

// repeat tries every attempt from i on as the one that wrote a further row.
func (b *scenarioBuilder) repeat(chosen []int, i, more int) {
	if more == 0 {
		b.times(chosen)
		return
	}
	for ; i < len(b.c.Attempts) && !b.over; i++ {
		b.repeat(append(slices.Clip(chosen), i), i, more-1)
	}
}

// times tries every order, and every distance that a window can tell apart, of
// the commits of those attempts.
func (b *scenarioBuilder) times(chosen []int) { b.place(chosen, nil) }

func (b *scenarioBuilder) place(rest []int, s scenario) {
	if b.over {
		return
	}
	if len(rest) == 0 {
		s = slices.Clone(s)
		slices.SortStableFunc(s, func(x, y offer) int { return cmp.Compare(x.at, y.at) })
		b.add(s)
		return
	}
	for _, at := range b.moments(rest[0]) {
		b.place(rest[1:], append(slices.Clip(s), offer{rest[0], at}))
	}
}

func (b *scenarioBuilder) add(s scenario) {
	if b.rows != nil {
		for p := range s {
			if from, to := b.rows.bracket(b.c.Rows[p].Row.N); s[p].at < from || s[p].at > to {
				return
			}
		}
	}
	if len(b.list) >= mostScenarios {
		b.over = true
		return
	}
	b.list = append(b.list, s)
}

// moments are the commits that an attempt may have had: its end if it says
// success; else any time from its start on, of which those matter that lie
// just before and just after another's, at once, and far away.
func (b *scenarioBuilder) moments(i int) []tick.Nanos {
	if at, known := committed(&b.c.Attempts[i]); known {
		return []tick.Nanos{at}
	}
	start := b.c.Attempts[i].Start
	if b.rows != nil {
		return b.brackets(start)
	}
	list := []tick.Nanos{start}
	for j := range b.c.Attempts {
		at, known := committed(&b.c.Attempts[j])
		if !known || j == i || at < start {
			continue
		}
		if at > start {
			list = append(list, at-1)
		}
		list = append(list, at+1)
	}
	return append(list, far+tick.Nanos(i)<<50)
}

// brackets are the earliest and the latest moment, from a start on, at which each
// of the rows may have been committed.
func (b *scenarioBuilder) brackets(start tick.Nanos) (list []tick.Nanos) {
	for i := range b.c.Rows {
		from, to := b.rows.bracket(b.c.Rows[i].Row.N)
		if to < start {
			continue
		}
		for _, at := range []tick.Nanos{max(from, start), to} {
			if !slices.Contains(list, at) {
				list = append(list, at)
			}
		}
	}
	return list
}

// committed is when an attempt wrote, if the record says so.
func committed(a *replay.Attempt) (tick.Nanos, bool) {
	if a.Status == replay.StatusSuccess && !a.Open {
		return max(a.Start, a.End), true
	}
	return 0, false
}
