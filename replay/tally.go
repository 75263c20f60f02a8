package replay

import (
	"math"

	"holdfast/replay/tick"
)

// Tally adds up findings into a Summary. Make one with NewTally.
type Tally struct {
	pop     *Population
	sum     Summary
	windows windowSet
	shifts  shifts
}

// shifts are how far duplicates lie from their events.
type shifts struct {
	n                  int64
	priceMin, priceMax tick.Price
	timeMin, timeMax   tick.Nanos
	same, early, late  int64
}

// NewTally begins a summary under the facts of p.
func NewTally(p *Population) *Tally {
	gap := p.ReplayGap
	if gap <= 0 {
		gap = secondNanos
	}
	return &Tally{
		pop: p, windows: windowSet{gap: gap},
		sum: Summary{Causes: map[string]CauseCount{}, Other: map[string]int64{}},
	}
}

// Add counts one event, near cluster, or id that only the worker log knows.
// Every case is added once, in the order in which cases are listed.
func (t *Tally) Add(c *EventCase, f *Findings) {
	t.attempts(c, f)
	known := !c.Unknown
	if t.pop.HaveEvents() && known {
		t.event(c, f)
	} else if known && len(c.Rows) >= 2 {
		t.sum.Near.Clusters++
		t.sum.Near.ExtraRows += int64(len(c.Rows) - 1)
	}
	for _, o := range f.Other {
		t.sum.Other[o.Slug] += int64(o.N)
	}
	for i := range f.Duplicates {
		t.duplicate(&f.Duplicates[i])
	}
	if n := len(c.Attempts); n >= 2 {
		t.windows.add(f.Span)
	}
}

func (t *Tally) attempts(c *EventCase, f *Findings) {
	a := &t.sum.Attempts
	for i := range c.Attempts {
		a.Total++
		switch c.Attempts[i].Status {
		case StatusSuccess:
			a.Success++
		case StatusTimeout:
			a.Timeout++
		case StatusFailed:
			a.Failed++
		default:
			a.Unknown++
		}
		if c.Attempts[i].Open {
			a.Open++
		}
	}
	a.OverlapPairs += int64(f.OverlapPairs)
	a.OverlapGroups += int64(f.OverlapGroups)
	a.MaxConcurrency = max(a.MaxConcurrency, int64(f.MaxConcurrency))
	a.Retries += int64(f.Retries)
	a.RetriesOverlapping += int64(f.RetriesOverlapping)
	a.RetriesSequential += int64(f.RetriesSequential)
	a.CrashesNullEnd += int64(f.CrashesNullEnd)
	a.CrashesSilence += int64(f.CrashesSilence)
	a.DuplicatedLines += int64(f.DuplicatedLines)
	a.BadIntervals += int64(f.BadIntervals)
	if f.Failed && (!c.Unknown || !t.pop.HaveEvents()) {
		a.FailedEvents++
	}
}

func (t *Tally) event(c *EventCase, f *Findings) {
	e := &t.sum.ByEvent
	e.Events++
	if len(f.Duplicates) > 0 {
		e.DuplicatedEvents++
	}
	for i := range f.Duplicates {
		e.Duplicates++
		switch f.Duplicates[i].Label {
		case Certain:
			e.Certain++
		case Likely:
			e.Likely++
		default:
			e.Ambiguous++
		}
	}
	for i := range c.Rows {
		if c.Rows[i].Rescued {
			e.Rescued++
		}
	}
	if f.Lost {
		t.sum.Lost++
	}
	if len(c.Attempts) >= 2 {
		t.sum.DoubleClaims++
		if len(c.Rows) >= 2 {
			t.sum.DoubleDuplicated++
		}
	}
}

func (t *Tally) duplicate(d *Duplicate) {
	n := t.sum.Causes[d.Cause.String()]
	n.Count++
	switch d.Grade {
	case Proved:
		n.Proved++
	case Consistent:
		n.Consistent++
	case Suspected:
		n.Suspected++
	}
	t.sum.Causes[d.Cause.String()] = n
	if d.Removed {
		t.sum.Removable++
	}
	t.shifts.add(d)
}

func (s *shifts) add(d *Duplicate) {
	price := d.PriceShift
	if price < 0 {
		price = priceSpread(price, 0)
	}
	if s.n == 0 {
		s.priceMin, s.priceMax, s.timeMin, s.timeMax = price, price, d.TimeShift, d.TimeShift
	}
	s.n++
	s.priceMin, s.priceMax = min(s.priceMin, price), max(s.priceMax, price)
	s.timeMin, s.timeMax = min(s.timeMin, d.TimeShift), max(s.timeMax, d.TimeShift)
	if price == 0 {
		s.same++
	}
	if d.TimeShift < 0 {
		s.early++
	}
	if d.TimeShift > 0 {
		s.late++
	}
}

// Orphan counts a row without event under the slug that ClassifyOrphan gave.
func (t *Tally) Orphan(slug string) {
	t.sum.ByEvent.Orphans++
	t.sum.Other[slug]++
}

// Key counts a line of KeyGroups; lines of view event are passed over.
func (t *Tally) Key(a Analysis) {
	if a.View != ViewKey && a.View != ViewBoth {
		return
	}
	k := &t.sum.ByKey
	k.Groups++
	k.ExtraRows += a.Occurrences - 1
	switch a.Verdict {
	case VerdictDuplicate:
		k.SameEvent++
	case VerdictCollision:
		k.Collisions++
	case VerdictMixed:
		k.Mixed++
	default:
		k.Untested++
	}
}

// Summary is the sum so far, complete but for Inputs, Rows and Tolerance, and
// for what the caller has to add to Assumptions and Warnings.
func (t *Tally) Summary() Summary {
	s, p := t.sum, t.pop
	s.Mode = p.Mode
	if s.Mode == "" {
		s.Mode = ModeFull
	}
	s.Assumptions = p.assumptions()
	s.Shift = t.shifts.summary()
	if p.Lease.Known {
		l := Millis(p.Lease.L)
		s.LeaseMS = &l
	}
	s.Bursts = make([]SummaryBurst, 0, len(p.Bursts))
	for i := range p.Bursts {
		s.Bursts = append(s.Bursts, p.Bursts[i].summary())
	}
	s.ReplayWindows = append([]ReplayWindow{}, t.windows.wins...)
	s.Clock = map[string]Millis{}
	for i := range p.Workers {
		if w := &p.Workers[i]; w.HasSkew {
			s.Clock[w.Name] = Millis(w.Skew)
		}
	}
	s.Chance = append([]Chance{}, p.Chance...)
	s.Warnings = append([]string{}, p.Warnings...)
	return s
}

func (s *shifts) summary() SummaryShift {
	out := SummaryShift{SamePrice: s.same, Early: s.early, Late: s.late}
	if s.n > 0 {
		low, high, first, last := Decimal(s.priceMin), Decimal(s.priceMax), Millis(s.timeMin), Millis(s.timeMax)
		out.PriceMin, out.PriceMax, out.TimeMinMS, out.TimeMaxMS = &low, &high, &first, &last
	}
	return out
}

func (b *Burst) summary() SummaryBurst {
	out := SummaryBurst{
		FirstEvent: b.FirstEvent, LastEvent: b.LastEvent, From: Instant(b.Start), To: Instant(b.End), Attempts: b.Attempts,
	}
	if b.Silence > 0 {
		m := Millis(b.Silence)
		out.SilenceMS = &m
	}
	if b.Speed > 0 && !math.IsInf(b.Speed, 0) {
		v := b.Speed
		out.Speed = &v
	}
	return out
}

// assumptions are what the causes rest on.
func (p *Population) assumptions() []string {
	out := []string{"each event should have exactly one row"}
	if !p.HaveEvents() {
		out = []string{"rows that lie close together are copies of one event"}
	}
	if !p.HaveWorkers() {
		return out
	}
	touching := "attempts that only touch do not overlap"
	if p.Closed {
		touching = "attempts that touch overlap"
	}
	return append(out,
		"the worker log is complete",
		"a success commits at its end; a timeout or an attempt without end at any time after its start, or never",
		touching,
		"an attempt without end certainly ran for the claim window, "+ms(p.ClaimWindow)+", and possibly for ever")
}
