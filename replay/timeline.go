package replay

import (
	"cmp"
	"slices"

	"holdfast/replay/tick"
)

// FateText is the fate as timeline.csv spells it; a repeated one carries the
// number of rows, as in emitted×3.
func (e *TimelineEntry) FateText() string {
	if e.Fate == FateRepeated {
		return e.Fate.String() + "×" + itoa(int64(len(e.Rows)+e.RowsMore))
	}
	return e.Fate.String()
}

// timeline fills in an entry for each attempt: everything but overlaps.
func (f *Findings) timeline(c *EventCase, p *Population) {
	f.Timeline = resize(f.Timeline, len(c.Attempts))
	for i := range c.Attempts {
		e := &f.Timeline[i]
		*e = TimelineEntry{
			Attempt: c.Attempts[i], Number: i + 1, Retry: i,
			Symbol: c.Event.Symbol, EventTime: c.Event.Time, HasEvent: !c.Unknown && p.HaveEvents(),
			OverlapsWith: e.OverlapsWith[:0], Rows: e.Rows[:0], Notes: e.Notes[:0],
		}
		if i > 0 {
			e.Kind, e.HasGap = SequentialRetry, true
			e.Gap = e.Start - endOrStart(&c.Attempts[i-1])
		}
		f.judgeAttempt(i, p)
	}
}

// resize gives a slice n elements, old ones included, so that what they hold
// can be used again.
func resize[T any](s []T, n int) []T {
	if n > cap(s) {
		s = append(s[:cap(s)], make([]T, n-cap(s))...)
	}
	return s[:n]
}

// endOrStart is from when on a gap counts (R23).
func endOrStart(a *Attempt) tick.Nanos {
	if a.Open {
		return a.Start
	}
	return a.End
}

// judgeAttempt counts and notes what can be said of an attempt by itself.
func (f *Findings) judgeAttempt(i int, p *Population) {
	e := &f.Timeline[i]
	if e.Open {
		f.CrashesNullEnd++
		f.note(i, NoEnd)
		if silence, died, _ := p.backedBySilence(&e.Attempt); silence > 0 || died > 0 {
			f.CrashesSilence++
			f.note(i, BackedBySilence)
		}
		if e.Status == StatusSuccess {
			f.flag(i, SuccessWithoutEnd)
		}
	}
	bad := e.BadInterval()
	if bad {
		f.BadIntervals++
		f.flag(i, BadIntervalFlag)
	}
	if bad || e.HasEvent && e.Start < e.EventTime-abs(p.skew(e.Worker)) {
		f.flag(i, ImpossibleTime)
	}
	if e.Status == StatusUnknown {
		f.flag(i, UnknownStatus)
	}
	if p.UsualWorkers && !usualWorker(e.Worker) {
		f.note(i, UnknownWorker)
	}
	if e.Lines > 1 {
		f.DuplicatedLines += e.Lines - 1
		f.note(i, DuplicatedLine)
	}
}

// flag notes a finding on an attempt and counts it.
func (f *Findings) flag(i int, slug string) {
	f.note(i, slug)
	f.other(slug)
}

// other counts a finding.
func (f *Findings) other(slug string) {
	for i := range f.Other {
		if f.Other[i].Slug == slug {
			f.Other[i].N++
			return
		}
	}
	f.Other = append(f.Other, Count{slug, 1})
}

func usualWorker(name string) bool {
	return name == "worker-1" || name == "worker-2" || name == "worker-3"
}

func abs(t tick.Nanos) tick.Nanos { return max(t, -t) }

// fates says what became of each attempt's work and which rows it wrote (R27).
func (f *Findings) fates(c *EventCase, p *Population) {
	n, k := len(c.Attempts), len(c.Rows)
	switch {
	case c.Unknown || !p.HaveEvents():
		f.allFates(c, FateUnknown)
	case k == 0:
		f.allFates(c, FateNone)
	case n == 1 && k > 1:
		f.allFates(c, FateRepeated)
	case k >= n:
		f.allFates(c, FateEmitted)
	case f.singledOut(k):
		for i := range f.Timeline {
			if f.Timeline[i].Status == StatusSuccess {
				f.Timeline[i].Fate = FateEmitted
			} else {
				f.Timeline[i].Fate = FateNone
			}
		}
	default:
		f.allFates(c, FateOneOf)
	}
	f.rowsOf(c, p)
}

func (f *Findings) allFates(c *EventCase, fate Fate) {
	for i := range f.Timeline {
		f.Timeline[i].Fate = fate
	}
}

// singledOut reports that exactly k attempts succeeded and all others are open
// or say that they did not, so that the rows are the successes'.
func (f *Findings) singledOut(k int) bool {
	for i := range f.Timeline {
		e := &f.Timeline[i]
		if e.Status == StatusSuccess {
			k--
		} else if !e.Open && e.Status == StatusUnknown {
			return false
		}
	}
	return k == 0
}

// rowsOf lists the rows that each attempt wrote: its own where the order of
// the file and of the ends tell which, else all that it may have written.
func (f *Findings) rowsOf(c *EventCase, p *Population) {
	if f.inCommitOrder(c, p) {
		return
	}
	for i := range f.Timeline {
		e := &f.Timeline[i]
		if e.Fate == FateNone {
			continue
		}
		for j := range c.Rows {
			if j == listedMost {
				e.RowsMore = len(c.Rows) - j
				break
			}
			e.Rows = append(e.Rows, c.Rows[j].Row.N)
		}
	}
}

// inCommitOrder gives each of k attempts that wrote one of k rows, by order of
// their ends, if that order is certain.
func (f *Findings) inCommitOrder(c *EventCase, p *Population) bool {
	if !p.CommitOrder || p.Skewed || len(c.Rows) < 2 {
		return false
	}
	var wrote []*TimelineEntry
	for i := range f.Timeline {
		e := &f.Timeline[i]
		if e.Fate != FateEmitted {
			continue
		}
		if e.Status != StatusSuccess || e.Open || e.BadInterval() {
			return false
		}
		wrote = append(wrote, e)
	}
	if len(wrote) != len(c.Rows) {
		return false
	}
	slices.SortFunc(wrote, func(a, b *TimelineEntry) int { return cmp.Compare(a.End, b.End) })
	for i := 1; i < len(wrote); i++ {
		if wrote[i].End == wrote[i-1].End {
			return false
		}
	}
	for i, e := range wrote {
		e.Rows = append(e.Rows, c.Rows[i].Row.N)
	}
	return true
}
