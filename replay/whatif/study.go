package whatif

import (
	"slices"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// Config is what a study weighs, and under which facts.
type Config struct {
	Safeguards []Safeguard // at most 64
	Population *replay.Population
	Facts      *Facts // of a [Scout] that saw the same cases
	ClosedLoop bool   // also let the queue hand events out at other moments (R73)
}

// Study weighs safeguards over a stream of cases.
type Study struct {
	cfg  Config
	w    []weighed
	loop []weighed // in a closed loop, of those that it answers for
	sets sets
	dups int64
	echo echo
}

// weighed is one safeguard under way.
type weighed struct {
	Outcome
	keys   liveKeys
	loads  loads
	delays []tick.Nanos // the first mostDelays
}

// mostMissed is how many examples there are of what is not prevented.
const mostMissed = 3

// mostDelays bounds the sample of delays.
const mostDelays = 1 << 16

// NewStudy begins a study.
func NewStudy(c Config) *Study {
	if len(c.Safeguards) > 64 {
		panic("whatif: more than 64 safeguards")
	}
	s := &Study{cfg: c, w: make([]weighed, len(c.Safeguards)), sets: newSets(len(c.Safeguards))}
	for i, g := range c.Safeguards {
		s.w[i] = weighed{Outcome: Outcome{Safeguard: g, Keys: -1}, keys: newLiveKeys(g), loads: newLoads(g)}
		if g.Slug == Lease && g.Window == 0 {
			s.w[i].NotEstimable = "too many attempts have no end to tell how long they take"
		} else if c.ClosedLoop && Closed(g.Slug) {
			s.loop = append(s.loop, weighed{Outcome: Outcome{Safeguard: g, Closed: true, Keys: -1}})
		}
	}
	return s
}

// Fate is what the safeguards do to one duplicate: bit i is the i-th safeguard.
type Fate struct {
	Prevented uint64 // in every resolution
	Possibly  uint64 // in some; Prevented is a part of it
}

// Add takes one event, what replay.Classify said of it, and the marks that
// [Values] gave its rows. It returns what would have become of each of
// f.Duplicates, in their order.
func (s *Study) Add(c *replay.EventCase, f *replay.Findings, marks []Mark) []Fate {
	s.dups += int64(len(f.Duplicates))
	for i := range s.w {
		s.w[i].keys.add(c)
		s.w[i].loads.add(c)
	}
	for i := range s.loop {
		if !c.Unknown {
			s.loop[i].again(c, s.cfg.Population)
		}
	}
	said := !c.Unknown && s.echo.heard(&c.Event)
	if c.Unknown || len(c.Attempts) <= 1 && len(f.Duplicates) == 0 && len(marks) == 0 && !said {
		return nil
	}
	c = oneClock(c, s.cfg.Population)
	fates := make([]Fate, len(f.Duplicates))
	list, known := scenarios(c, s.rows())
	extras, own := f.Duplicates, fates
	twin := c.Twin != "" && len(extras) > 0 // then the row that is kept is a duplicate too, and stands first
	if twin {
		extras, own = extras[1:], own[1:]
	}
	for i := range s.w {
		w := &s.w[i]
		if w.NotEstimable != "" {
			continue
		}
		bit := uint64(1) << i
		t := s.try(w, c, list, known, marks, bit, said)
		t.extras(extras, own, bit)
		if twin {
			t.twin(&fates[0], bit)
		}
		w.count(c, f, fates, &t, bit, twin)
	}
	for i := range f.Duplicates {
		s.sets.add(f.Duplicates[i].Cause, fates[i])
	}
	return fates
}

// rows is the timetable of the output, if its order is that of the commits.
func (s *Study) rows() *timetable {
	if !s.cfg.Population.CommitOrder || s.cfg.Population.Skewed {
		return nil
	}
	return s.cfg.Facts.rows
}

// try asks a safeguard about an event under every scenario.
func (s *Study) try(w *weighed, c *replay.EventCase, list []scenario, known bool, marks []Mark, bit uint64, said bool) (t tried) {
	p, g := s.cfg.Population, w.Safeguard
	span := tick.Nanos(g.Window)
	var grant []grant
	delayed := 0
	switch g.Slug {
	case Lease:
		grant, delayed = grants(c.Attempts, contested(p, 1, span))
	case HeartbeatLease:
		grant, delayed = grants(c.Attempts, contested(p, 1, far))
	case InFlightSet:
		grant, delayed = grants(c.Attempts, contested(p, 0, far))
	case PartitionSymbol, PartitionEvent:
		grant, delayed = grants(c.Attempts, owned(p))
	case MarkBeforeDeliver:
		grant = marked(c.Attempts, span)
	}
	for _, sc := range list {
		rows := len(sc)
		var a answer
		switch {
		case byValues(g.Slug):
			a = fromMarks(c, marks, bit)
		case !p.HaveEvents(): // there is no id to go by, and no duplicate is certain
			a.maybe = uniqueID(rows).sure
		case g.Slug == UniqueEventID || g.Slug == UpsertEventID:
			a = uniqueID(rows)
		case g.Slug == SourceDedupe:
			a = repeats(c, rows)
			if said { // the source does not say it again, so nothing comes of it
				a.sure, a.maybe = ^uint64(0), 0
			}
		case !known:
			a.maybe = uniqueID(rows).sure
		case g.Slug == WindowFixed:
			a = window(sc, span, false)
		case g.Slug == WindowSliding:
			a = window(sc, span, true)
		case g.Slug == LRU:
			a = lru(sc, int64(g.Keys), s.cfg.Facts.crowd)
		case g.Slug == FencingToken:
			a = fence(sc, c.Attempts)
		case g.Slug == TransactionalSink:
			a = transaction(sc, c.Attempts, p.Durations.P99)
		default:
			a = claims(sc, grant)
			a.comesAgain = g.Slug != MarkBeforeDeliver
			if g.Slug == Lease {
				a = handedOutLater(a, sc, grant, c.Attempts, span)
			}
		}
		a.delayed = delayed
		t.add(a, rows)
	}
	return t
}

// handedOutLater doubts what a lease prevents where the attempt in the way ran
// longer than the lease: its event is then handed out again after all, later.
func handedOutLater(a answer, sc scenario, list []grant, as []replay.Attempt, lease tick.Nanos) answer {
	for i := range as {
		if list[i] != refused && outlived(&as[i], lease) {
			a.maybe |= a.sure
			a.sure = 0
		}
	}
	return a
}

func byValues(slug string) bool {
	return slug == UniqueKey || slug == UniqueKeyPrice || slug == ToleranceDedupe
}

// fromMarks reads off the marks which rows are refused. The row that is kept
// stands first, the others in the order of the file.
func fromMarks(c *replay.EventCase, marks []Mark, bit uint64) (a answer) {
	own := max(slices.IndexFunc(c.Rows, func(m replay.Match) bool { return m.Canonical }), 0)
	for i := range min(len(c.Rows), mostRows) {
		p := i
		if i == own {
			p = 0
		} else if i < own {
			p = i + 1
		}
		for _, m := range marks {
			if c.Rows[i].Row.N != m.Row {
				continue
			}
			if m.Sure&bit != 0 {
				a.sure |= 1 << p
			} else if m.Maybe&bit != 0 {
				a.maybe |= 1 << p
			}
		}
	}
	return a
}

// repeats are the rows of an event that the source emitted more than once under
// the same id: a source that does not would have had one. Other causes may have
// made some of them.
func repeats(c *replay.EventCase, rows int) (a answer) {
	if c.Repeats < 2 {
		return a
	}
	if rows <= c.Repeats {
		return uniqueID(rows)
	}
	a.maybe = uniqueID(rows).sure
	return a
}

// extras turns what was tried into the fates of the rows too many of one event.
func (t *tried) extras(list []replay.Duplicate, fates []Fate, bit uint64) {
	for j := range list {
		p := j + 1
		if p >= mostRows {
			break
		}
		// An ambiguous row may be another event's: nothing is sure of it.
		if t.lo&(1<<p) != 0 && list[j].Label != replay.Ambiguous {
			fates[j].Prevented |= bit
		}
		if t.hi&(1<<p) != 0 {
			fates[j].Possibly |= bit
		}
	}
}

// twin is the fate of the row of an event that the source emitted before under
// another id: it is not there if the safeguard leaves the event no row.
func (t *tried) twin(fate *Fate, bit uint64) {
	if t.lost {
		fate.Possibly |= bit
	}
	if t.lostLo {
		fate.Prevented |= bit
	}
}

// count adds up one event.
func (w *weighed) count(c *replay.EventCase, f *replay.Findings, fates []Fate, t *tried, bit uint64, twin bool) {
	for i := range fates {
		switch {
		case fates[i].Prevented&bit != 0:
			w.PreventedLo++
			w.PreventedHi++
			continue
		case fates[i].Possibly&bit != 0:
			w.PreventedHi++
		}
		if len(w.Missed) < mostMissed {
			w.Missed = append(w.Missed, Missed{f.Duplicates[i].Row.N, f.Duplicates[i].Owner})
		}
	}
	w.PreventedExpected += t.expected()
	if twin && fates[0].Prevented&bit != 0 {
		w.PreventedExpected++
	}
	w.Delayed += int64(t.delayed)
	if w.Safeguard.Slug == Lease {
		w.recovery(c.Attempts, tick.Nanos(w.Safeguard.Window))
	}
	if t.first && !twin {
		w.FalseRejections++
	}
	if t.lost && !twin {
		w.EventsLost++
	}
	if t.lostLo && !twin {
		w.EventsLostLo++
	}
	if w.Safeguard.Slug == UpsertEventID {
		w.Versions = max(w.Versions, int64(len(c.Rows)))
	}
}

// recovery collects how much later than it did the event of an attempt that was
// given up would have been handed out again: when the lease ends.
func (w *weighed) recovery(as []replay.Attempt, lease tick.Nanos) {
	for i := 1; i < len(as) && len(w.delays) < mostDelays; i++ {
		if late := lease - (as[i].Start - as[i-1].Start); as[i-1].Status != replay.StatusSuccess && late > 0 {
			w.delays = append(w.delays, late)
		}
	}
}
