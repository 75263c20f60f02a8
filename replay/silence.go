package replay

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"

	"holdfast/replay/tick"
)

// Bounds of what is kept about workers. A log with more of them is broken or
// hostile; its figures stay right for those that are kept.
const (
	mostWorkers  = 4096
	mostSilences = 256     // of one worker, the longest
	mostDeaths   = 1 << 16 // of all workers, the first by name
	exactValues  = 4096    // distinct values up to which a sketch is exact
	fewGaps      = 20      // other gaps that it takes to tell a silence (R24)
)

// workerSurvey walks the attempts by worker and start. It keeps sketches for
// one worker at a time.
type workerSurvey struct {
	p         *Population
	success   *sketch // durations of successful attempts
	closed    *sketch // durations of all closed attempts
	gaps      *sketch // start-to-start, of the current worker
	longest   []Silence
	lag       sample // start - event time, of the current worker
	lags      [][]tick.Nanos
	current   WorkerFacts
	open      bool         // current is set
	last      tick.Nanos   // latest start of the current worker
	lasts     []tick.Nanos // of each worker
	lastStart tick.Nanos   // of any worker
	leftOut   int64        // workers beyond the bound
	opens     int64
	offsets   offsets
}

// lagSample is how many attempts of a worker its clock is judged by.
const lagSample = 2048

// surveyWorkers fills in everything about workers and durations, and returns
// the durations of all closed attempts.
func surveyWorkers(p *Population, attempts iter.Seq[Timed]) (closed *sketch) {
	s := workerSurvey{
		p: p, success: newSketch(exactValues), closed: newSketch(exactValues), gaps: newSketch(exactValues),
		lag: sample{k: lagSample}, lastStart: math.MinInt64,
	}
	for t := range attempts {
		if !s.open || t.Worker != s.current.Name {
			s.finish()
			s.current, s.open = WorkerFacts{Name: t.Worker}, true
		}
		s.attempt(&t)
	}
	s.finish()
	s.durations()
	s.trailing()
	p.estimateSkews(s.lags)
	p.nameWorkers(s.leftOut)
	if hint, ok := s.offsets.hint(); ok {
		p.Warnings = append(p.Warnings, hint)
	}
	if s.opens > 0 {
		p.surveyDeaths(attempts, s.opens)
	}
	return s.closed
}

func (s *workerSurvey) attempt(t *Timed) {
	s.p.Attempts++
	if s.current.Attempts > 0 {
		s.gap(t.Start)
	}
	s.current.Attempts++
	s.last = t.Start
	if d, ok := t.Duration(); ok {
		s.closed.add(d)
		if t.Status == StatusSuccess {
			s.success.add(d)
		}
	}
	if t.Open {
		s.opens++
	}
	if t.HasEvent {
		s.lag.add(t.Event, uint64(t.Start), t.Start-t.EventTime)
		s.offsets.add(t.Start - t.EventTime)
	}
}

// gap notes the time since the worker's start before, and keeps the longest
// ones: what counts as a silence is known only at the worker's end.
func (s *workerSurvey) gap(start tick.Nanos) {
	g := start - s.last
	s.gaps.add(g)
	if len(s.longest) == mostSilences && g <= s.longest[0].length() {
		return
	}
	x := Silence{From: s.last, To: start}
	i, _ := slices.BinarySearchFunc(s.longest, x, compareSilences)
	s.longest = slices.Insert(s.longest, i, x)
	if len(s.longest) > mostSilences {
		s.longest = slices.Delete(s.longest, 0, 1)
	}
}

// compareSilences orders by length; of equal ones the later comes first, so
// that the earliest are kept.
func compareSilences(a, b Silence) int {
	return cmp.Or(cmp.Compare(a.length(), b.length()), cmp.Compare(b.From, a.From))
}

func (s Silence) length() tick.Nanos { return s.To - s.From }

// finish closes the current worker. The 99th percentile of a gap's *other*
// gaps is that of all of them at the rank of one fewer, since a silence is
// longer than it.
func (s *workerSurvey) finish() {
	if !s.open {
		return
	}
	s.lastStart = max(s.last, s.lastStart)
	if len(s.p.Workers) == mostWorkers {
		s.leftOut++
	} else {
		n := s.gaps.n
		s.current.GapP99 = s.gaps.rank(nearestRank(n-1, 99))
		s.current.Judged = n > fewGaps
		for _, x := range s.longest {
			if s.current.Judged && s.current.silent(x.length()) {
				s.current.Silences = append(s.current.Silences, x)
			}
		}
		slices.SortFunc(s.current.Silences, func(a, b Silence) int { return cmp.Compare(a.From, b.From) })
		s.p.Workers = append(s.p.Workers, s.current)
		s.lasts = append(s.lasts, s.last)
		s.lags = append(s.lags, s.lag.sorted())
	}
	s.gaps.reset()
	s.lag.reset()
	s.longest = s.longest[:0]
}

// silent reports a gap that is a silence: longer than ten times the 99th
// percentile of the others, and than a millisecond (a log whose starts fall on
// whole seconds in batches has a percentile of zero).
func (w *WorkerFacts) silent(gap tick.Nanos) bool {
	return gap > millisecond && gap/10 >= w.GapP99 && gap > 10*w.GapP99
}

// trailing adds the silences that last to the end of the log.
func (s *workerSurvey) trailing() {
	for i := range s.p.Workers {
		w := &s.p.Workers[i]
		x := Silence{From: s.lasts[i], To: s.lastStart, Trailing: true}
		if w.Judged && w.silent(x.length()) {
			w.Silences = append(w.Silences, x)
		}
	}
}

func (s *workerSurvey) durations() {
	d := s.success
	if d.n == 0 {
		d = s.closed
	}
	s.p.Durations = Durations{N: d.n, Median: d.quantile(50), P95: d.quantile(95), P99: d.quantile(99)}
	s.p.ClaimWindow = max(millisecond, s.p.Durations.Median/10)
}

// backedBySilence reports that an attempt without end is followed by a silence
// of its worker, or died with another (R24). judged is false if the worker has
// too few gaps to tell.
func (p *Population) backedBySilence(a *Attempt) (silence tick.Nanos, died int, judged bool) {
	w := p.Worker(a.Worker)
	if w == nil {
		return 0, 0, false
	}
	if i, ok := slices.BinarySearchFunc(w.Silences, a.Start, func(x Silence, t tick.Nanos) int { return cmp.Compare(x.From, t) }); ok {
		silence = w.Silences[i].length()
	}
	i, ok := slices.BinarySearchFunc(w.Deaths, a.Start, func(x Death, t tick.Nanos) int { return cmp.Compare(x.From, t) })
	if !ok {
		i--
	}
	if i >= 0 && a.Start <= w.Deaths[i].To {
		died = w.Deaths[i].Attempts
	}
	return silence, died, w.Judged || silence > 0 || died > 0
}

// surveyDeaths finds attempts that were in flight together on one worker and
// have no end. In flight together: the later one starts while the earlier one,
// at the 99th percentile of durations, would still run. Attempts that time out
// one by one leave such runs too, by accident, so the runs count only if there
// are more than that (Poisson, 0.01; R53).
func (p *Population) surveyDeaths(attempts iter.Seq[Timed], opens int64) {
	reach := max(p.Durations.P99, p.ClaimWindow)
	var worker string
	var last tick.Nanos // start of the latest open attempt
	var have bool
	var after, died int64 // attempts that start within reach of an open one; the open ones of them
	found, kept := map[string][]Death{}, 0
	for t := range attempts {
		if t.Worker != worker {
			worker, have = t.Worker, false
		}
		near := have && t.Start-last <= reach
		if near {
			after++
		}
		if !t.Open {
			continue
		}
		if near {
			died++
			if runs := found[worker]; len(runs) > 0 && runs[len(runs)-1].To == last {
				runs[len(runs)-1].To = t.Start
				runs[len(runs)-1].Attempts++
			} else if kept < mostDeaths {
				found[worker] = append(runs, Death{From: last, To: t.Start, Attempts: 2})
				kept++
			}
		}
		last, have = t.Start, true
	}
	expected := float64(after) * float64(opens) / float64(p.Attempts)
	if died == 0 || poissonTail(died, expected) >= 0.01 {
		return
	}
	for i := range p.Workers {
		p.Workers[i].Deaths = found[p.Workers[i].Name]
	}
}

// nameWorkers warns of workers that the requirement does not know (R26).
func (p *Population) nameWorkers(leftOut int64) {
	var others []string
	for i := range p.Workers {
		switch name := p.Workers[i].Name; name {
		case "worker-1", "worker-2", "worker-3":
			p.UsualWorkers = true
		default:
			others = append(others, name)
		}
	}
	if p.UsualWorkers && len(others) > 0 {
		p.warn("workers besides worker-1 to worker-3: %d, the first %q", len(others), others[0])
	}
	if leftOut > 0 {
		p.warn("more than %d workers: silences, crashes and clocks of %d are not judged", mostWorkers, leftOut)
	}
}

func (p *Population) warn(format string, args ...any) {
	p.Warnings = append(p.Warnings, fmt.Sprintf(format, args...))
}
