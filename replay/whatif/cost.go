package whatif

import (
	"slices"
	"strings"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// liveKeys counts the keys that a safeguard holds at its peak. A key that
// expires lives as long as it is younger than the window.
type liveKeys struct {
	kind   keyKind
	window tick.Nanos
	total  int64 // of keys for ever
	due    heap  // moments still to come at which keys are taken, or go
	live   int64
	peak   int64
}

type keyKind uint8

const (
	noKeys   keyKind = iota // it holds none, or it is not known how many
	forEver                 // one for each event that came out
	expiring                // each for the window after the first row came
	inFlight                // one for each claim that runs
	fixed                   // as many as it has room for
)

func newLiveKeys(g Safeguard) liveKeys {
	switch g.Slug {
	case UniqueEventID, UpsertEventID, UniqueKey, UniqueKeyPrice, FencingToken:
		return liveKeys{kind: forEver}
	case WindowFixed, WindowSliding, MarkBeforeDeliver, ToleranceDedupe:
		return liveKeys{kind: expiring, window: tick.Nanos(g.Window)}
	case Lease, HeartbeatLease, InFlightSet:
		return liveKeys{kind: inFlight}
	case LRU:
		return liveKeys{kind: fixed, peak: int64(g.Keys)}
	}
	return liveKeys{}
}

// add takes the next event in the order of their times.
func (l *liveKeys) add(c *replay.EventCase) {
	switch l.kind {
	case forEver, fixed:
		if len(c.Rows) > 0 {
			l.total++
		}
	case expiring:
		if at, ok := firstCommit(c); ok {
			l.take(c.Event.Time, at, at+l.window)
		}
	case inFlight:
		for i := range c.Attempts {
			if a := &c.Attempts[i]; !a.Open && a.End > a.Start {
				l.take(c.Event.Time, a.Start, a.End)
			}
		}
	}
}

// firstCommit is when the first row of an event came, as far as that is known.
func firstCommit(c *replay.EventCase) (tick.Nanos, bool) {
	if len(c.Rows) == 0 {
		return 0, false
	}
	for i := range c.Attempts {
		if at, known := committed(&c.Attempts[i]); known {
			return at, true
		}
	}
	return c.Event.Time, true
}

// take counts a key from one moment to before another. Moments before now, the
// time of the event, are over: what comes later begins later.
func (l *liveKeys) take(now, from, to tick.Nanos) {
	l.due.push(moment{from, 1})
	l.due.push(moment{to, -1})
	l.until(now)
}

func (l *liveKeys) until(now tick.Nanos) {
	for len(l.due) > 0 && l.due[0].at < now {
		l.live += l.due.pop().change
		l.peak = max(l.peak, l.live)
	}
}

// most is the peak; -1: not known.
func (l *liveKeys) most() int64 {
	switch l.kind {
	case noKeys:
		return -1
	case forEver:
		return l.total
	case fixed:
		return min(l.total, l.peak)
	}
	l.until(far)
	return l.peak
}

// moment is when the number of live keys changes.
type moment struct {
	at     tick.Nanos
	change int64
}

// before lets a key go before another of the same instant is taken.
func (m moment) before(o moment) bool {
	return m.at < o.at || m.at == o.at && m.change < o.change
}

// heap holds moments, earliest first.
type heap []moment

func (h *heap) push(m moment) {
	*h = append(*h, m)
	s := *h
	for i := len(s) - 1; i > 0; {
		up := (i - 1) / 2
		if !s[i].before(s[up]) {
			break
		}
		s[i], s[up] = s[up], s[i]
		i = up
	}
}

func (h *heap) pop() moment {
	s := *h
	top, last := s[0], len(s)-1
	s[0] = s[last]
	s = s[:last]
	for i := 0; ; {
		c := 2*i + 1
		if c >= last {
			break
		}
		if c+1 < last && s[c+1].before(s[c]) {
			c++
		}
		if !s[c].before(s[i]) {
			break
		}
		s[i], s[c] = s[c], s[i]
		i = c
	}
	*h = s
	return top
}

// loads are what each partition has to do, to see how evenly workers are busy.
type loads struct {
	by      func(*replay.EventCase) string
	work    map[string]int64 // attempts, by partition
	workers map[string]bool
}

// mostPartitions bounds the keys of the work table; beyond, the parts are so
// many and small that they can be spread evenly.
const mostPartitions = 1 << 16

func newLoads(g Safeguard) loads {
	l := loads{work: map[string]int64{}, workers: map[string]bool{}}
	switch g.Slug {
	case PartitionSymbol:
		l.by = func(c *replay.EventCase) string { return c.Event.Symbol }
	case PartitionEvent:
		l.by = func(*replay.EventCase) string { return "" } // parts of one event each
	}
	return l
}

func (l *loads) add(c *replay.EventCase) {
	if l.by == nil || len(c.Attempts) == 0 {
		return
	}
	if len(l.workers) < mostPartitions {
		for i := range c.Attempts {
			l.workers[c.Attempts[i].Worker] = true
		}
	}
	k := l.by(c)
	if _, ok := l.work[k]; ok || len(l.work) < mostPartitions {
		l.work[strings.Clone(k)]++
	}
}

// skew is the load of the busiest worker over the mean when the parts are
// spread as evenly as the greedy rule does: the largest part next, to the
// least busy worker. 0: nothing to say.
func (l *loads) skew() float64 {
	if l.by == nil || len(l.work) == 0 || len(l.workers) == 0 {
		return 0
	}
	if _, single := l.work[""]; single && len(l.work) == 1 {
		return 1
	}
	var parts []int64
	var sum int64
	for _, n := range l.work {
		parts = append(parts, n)
		sum += n
	}
	slices.SortFunc(parts, func(a, b int64) int { return int(max(-1, min(1, b-a))) })
	busy := make([]int64, len(l.workers))
	for _, n := range parts {
		i := slices.Index(busy, slices.Min(busy))
		busy[i] += n
	}
	return float64(slices.Max(busy)) * float64(len(busy)) / float64(sum)
}
