package replay

import (
	"cmp"
	"iter"
	"math"
	"slices"

	"holdfast/replay/tick"
)

// What makes a run of re-attempts, and how many are followed at a time.
const (
	burstAttempts = 20   // re-attempts of a burst, at least (D7)
	burstHoles    = 10   // at most one rank in so many is missing
	burstDisorder = 64   // ranks by which workers may get ahead of each other
	firstJump     = 4    // ranks that the beginning of a run may skip
	mostRuns      = 16   // runs open at once; sporadic retries open one each
	mostBursts    = 1024 // kept
	burstSpeed    = 2    // times the first pace, without a silence
	secondNanos   = 1000 * millisecond
)

// run is a sequence of re-attempts in event order that is still growing.
type run struct {
	Burst
	firstFirst, lastFirst tick.Nanos // first starts of the events at both ends
	highest               int64      // greatest rank so far
}

// burstSurvey follows runs through the retries in the order of their starts.
type burstSurvey struct {
	p       *Population
	runs    []run // by time of the latest retry, oldest first
	found   []Burst
	ends    []Silence // of all workers, not trailing, at least 1 s, by To
	omitted int
}

func surveyBursts(p *Population, retries iter.Seq[Retry]) {
	s := burstSurvey{p: p}
	for i := range p.Workers {
		for _, x := range p.Workers[i].Silences {
			if !x.Trailing && x.length() >= secondNanos {
				s.ends = append(s.ends, x)
			}
		}
	}
	slices.SortFunc(s.ends, func(a, b Silence) int { return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.From, b.From)) })
	for r := range retries {
		s.add(&r)
	}
	for i := range s.runs {
		s.end(&s.runs[i])
	}
	slices.SortFunc(s.found, func(a, b Burst) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.FirstRank, b.FirstRank))
	})
	p.Bursts = s.found
	if s.omitted > 0 {
		p.warn("more than %d restart bursts: %d of them are not listed", mostBursts, s.omitted)
	}
}

// add gives a retry to the run that it continues most closely, or starts one.
// The oldest run ends when there are too many.
func (s *burstSurvey) add(r *Retry) {
	best, distance := -1, int64(math.MaxInt64)
	for i := range s.runs {
		if d, ok := s.runs[i].accepts(r); ok && d < distance {
			best, distance = i, d
		}
	}
	next := run{
		Burst: Burst{
			FirstRank: r.Rank, LastRank: r.Rank, FirstEvent: r.Event, LastEvent: r.Event,
			Start: r.Start, End: r.Start,
		},
		firstFirst: r.First, lastFirst: r.First, highest: r.Rank,
	}
	switch {
	case best >= 0:
		next = s.runs[best]
		s.runs = slices.Delete(s.runs, best, best+1)
		next.extend(r)
	case len(s.runs) == mostRuns:
		s.end(&s.runs[0])
		s.runs = slices.Delete(s.runs, 0, 1)
	}
	next.Attempts++
	s.runs = append(s.runs, next)
}

// accepts reports whether a retry continues the run, and how far it jumps: a
// little back, because workers are not in step, or ahead by no more than the
// holes that a run may have; and not so late that the run has stopped.
func (u *run) accepts(r *Retry) (distance int64, ok bool) {
	d := r.Rank - u.highest
	if d < -burstDisorder || d > max(firstJump, u.Attempts/burstHoles)+1 {
		return 0, false
	}
	if -d > u.Attempts { // further back than the run is long
		return 0, false
	}
	pause := max(secondNanos, 2*(r.First-u.lastFirst))
	return max(d, -d), r.Start-u.End <= pause
}

func (u *run) extend(r *Retry) {
	u.End = r.Start
	if r.Rank > u.highest {
		u.highest, u.LastRank, u.LastEvent, u.lastFirst = r.Rank, r.Rank, r.Event, r.First
	}
	if r.Rank < u.FirstRank {
		u.FirstRank, u.FirstEvent, u.firstFirst = r.Rank, r.Event, r.First
	}
}

// end keeps the run if it is a burst.
func (s *burstSurvey) end(u *run) {
	span := u.LastRank - u.FirstRank + 1
	if u.Attempts < burstAttempts || (span-u.Attempts)*burstHoles > span {
		return
	}
	u.Silence = s.silenceBefore(u)
	u.Speed = speed(u.lastFirst-u.firstFirst, u.End-u.Start)
	if u.Silence == 0 && u.Speed < burstSpeed {
		return
	}
	if len(s.found) == mostBursts {
		s.omitted++
		return
	}
	s.found = append(s.found, u.Burst)
}

// silenceBefore is the longest silence that ended when the run began: within a
// second of its start, or a tenth of the silence, but never more than a minute.
func (s *burstSurvey) silenceBefore(u *run) tick.Nanos {
	const minute = 60 * secondNanos
	longest := tick.Nanos(0)
	from, _ := slices.BinarySearchFunc(s.ends, u.Start-minute, func(x Silence, t tick.Nanos) int { return cmp.Compare(x.To, t) })
	for _, x := range s.ends[from:] {
		if x.To > u.Start+minute {
			break
		}
		if max(x.To-u.Start, u.Start-x.To) <= max(secondNanos, min(x.length()/10, minute)) {
			longest = max(longest, x.length())
		}
	}
	return longest
}

// speed is how many times faster the second span is, in hundredths; 0 if that
// cannot be said.
func speed(first, second tick.Nanos) float64 {
	if first <= 0 || second <= 0 {
		return 0
	}
	return math.Round(float64(float64(first)/float64(second)*100)) / 100
}

// burstOf is the burst that a retry of the event of this rank lies in, or nil.
func (p *Population) burstOf(rank int64, start tick.Nanos) *Burst {
	for i := range p.Bursts {
		b := &p.Bursts[i]
		if b.Start > start {
			return nil
		}
		if start <= b.End && rank >= b.FirstRank && rank <= b.LastRank {
			return b
		}
	}
	return nil
}
