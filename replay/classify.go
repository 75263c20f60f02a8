package replay

import (
	"cmp"
	"slices"
)

// Classify says what happened to one event: the timeline of its attempts, its
// duplicates with their causes, and everything else that is remarkable (R20 to
// R27, R50 to R52). Without events the case is a near cluster (R39): its Event
// repeats the centre row, which is canonical, and it has no attempts.
func Classify(c EventCase, p *Population) Findings {
	var f Findings
	ClassifyInto(&f, &c, p)
	return f
}

// ClassifyInto is Classify that reuses the memory of f: after the first few
// events it allocates nothing for one with a single attempt and a single row.
// What f held before is overwritten, nested slices included.
func ClassifyInto(f *Findings, c *EventCase, p *Population) {
	*f = Findings{Timeline: f.Timeline, Duplicates: f.Duplicates[:0], Other: f.Other[:0]}
	f.timeline(c, p)
	f.overlapGraph(c, p)
	f.fates(c, p)
	f.countRetries()
	f.span(c)
	f.eventFindings(c, p)
	f.duplicates(c, p)
	for i := range f.Timeline {
		if slices.Contains(f.Timeline[i].Notes, ClockSuspectFlag) {
			f.other(ClockSuspectFlag)
		}
	}
	slices.SortFunc(f.Other, func(a, b Count) int { return cmp.Compare(a.Slug, b.Slug) })
}

func (f *Findings) countRetries() {
	for i := range f.Timeline {
		switch f.Timeline[i].Kind {
		case OverlappingRetry:
			f.RetriesOverlapping++
		case SequentialRetry:
			f.RetriesSequential++
		}
	}
	f.Retries = f.RetriesOverlapping + f.RetriesSequential
}

// span is from the first start to the last end, or start where there is no end.
func (f *Findings) span(c *EventCase) {
	f.Span = Window{From: 1}
	for i := range c.Attempts {
		a := &c.Attempts[i]
		if i == 0 {
			f.Span = Window{From: a.Start, To: a.Start}
		}
		f.Span.To = max(f.Span.To, a.Start, endOrStart(a))
	}
}

// eventFindings are those of R51 that concern one event.
func (f *Findings) eventFindings(c *EventCase, p *Population) {
	n, k := len(c.Attempts), len(c.Rows)
	succeeded := slices.ContainsFunc(c.Attempts, func(a Attempt) bool { return a.Status == StatusSuccess })
	f.Failed = n > 0 && !succeeded
	if c.Unknown || !p.HaveEvents() {
		if c.Unknown && p.HaveEvents() {
			f.Other = append(f.Other, Count{UnknownEventAttempt, n})
		}
		return
	}
	f.Lost = k == 0
	if c.Repeats > 1 {
		f.other(SourceRepeat)
	}
	if c.IDReused {
		f.other(IDReuse)
	}
	switch {
	case n == 0 && p.HaveWorkers():
		f.other(NeverAttempted)
	case n == 0 && f.Lost:
		f.other(LostUnexplained)
	case f.Lost && succeeded:
		f.other(LostDespiteSuccess)
	case f.Lost:
		f.other(LostAllAttemptsFailed)
	case isGhost(c):
		f.other(GhostCommit)
	}
	if n >= 2 && k == 1 {
		f.other(HarmlessRace)
	}
	if k == 1 {
		f.singleRow(c)
	}
}

// singleRow looks at the only row of an event.
func (f *Findings) singleRow(c *EventCase) {
	switch r := &c.Rows[0].Row; {
	case r.Time != c.Event.Time:
		f.other(JitteredSingle)
	case r.Price != c.Event.Price:
		f.other(PriceCorrupted)
	}
}

// duplicates lists the rows of the event that should not be there.
func (f *Findings) duplicates(c *EventCase, p *Population) {
	if len(c.Rows) == 0 {
		return
	}
	own := c.canonical()
	if c.Twin != "" {
		f.Duplicates = append(f.Duplicates, p.twin(c, &c.Rows[own]))
	}
	extra := 0
	for i := range c.Rows {
		if i == own {
			continue
		}
		extra++
		m := &c.Rows[i]
		d := newDuplicate(c, m, c.Rows[own].Row.N)
		d.Removed = m.Label != Ambiguous || m.Covered
		p.explain(&d, c, m, &c.Rows[own], extra)
		f.Duplicates = append(f.Duplicates, d)
	}
}

// canonical is the index of the row that is kept: the one that matching says,
// or the first.
func (c *EventCase) canonical() int {
	return max(slices.IndexFunc(c.Rows, func(m Match) bool { return m.Canonical }), 0)
}

func newDuplicate(c *EventCase, m *Match, canonical int64) Duplicate {
	return Duplicate{
		Row: m.Row, EventIDs: m.IDs, Owner: m.Owner, CanonicalRow: canonical,
		TimeShift: m.Row.Time - c.Event.Time, PriceShift: m.Row.Price - c.Event.Price,
		Label: m.Label, Posterior: m.Posterior, EventAlternatives: m.Alts,
	}
}

// twin is the row of an event that the source emitted before under another id
// (D10). Both events are in the source, so the row stays unless told otherwise.
func (p *Population) twin(c *EventCase, m *Match) Duplicate {
	d := newDuplicate(c, m, c.TwinRow)
	d.Cause, d.Grade, d.Removed = SourceDoubleEmit, Consistent, p.CollapseSource
	if m.Label == Ambiguous || !p.HaveEvents() {
		d.Grade = Suspected
	}
	d.Attempts = numbers(len(c.Attempts))
	d.Evidence = "same symbol, price within one tick and nearly the time of " + c.Twin + ", each attempted once and written once"
	d.Also = p.modifiers(c, m, nil)
	return d
}
