package replay

import (
	"cmp"
	"fmt"
	"iter"
	"slices"

	"holdfast/replay/tick"
)

// Builders of cases for the tests of this package. Times are milliseconds
// after the base.

const base = tick.Nanos(1_752_484_500_000) * millisecond // 2025-07-14T09:15:00Z

func at(ms float64) tick.Nanos { return base + tick.Nanos(ms*float64(millisecond)) }

func units(price float64) tick.Price { return tick.Price(price*1000+0.5) * 1_000_000 }

func did(worker string, start, end float64, s Status) Attempt {
	return Attempt{Worker: worker, Start: at(start), End: at(end), Status: s, Lines: 1}
}

func ok(worker string, start, end float64) Attempt { return did(worker, start, end, StatusSuccess) }

func hung(worker string, start float64) Attempt {
	return Attempt{Worker: worker, Start: at(start), Open: true, Status: StatusTimeout, Lines: 1}
}

// caseOf makes event id of TCS at 100.00, at ms, with attempts and k rows: the
// canonical one and copies one millisecond later each.
func caseOf(id string, ms float64, k int, attempts ...Attempt) EventCase {
	c := EventCase{Event: Event{ID: id, Time: at(ms), Symbol: "TCS", Price: units(100)}, Repeats: 1}
	for i := range attempts {
		attempts[i].Event = id
	}
	c.Attempts = CleanAttempts(attempts)
	for i := range k {
		c.Rows = append(c.Rows, rowOf(&c.Event, int64(i+1), float64(i), 0))
	}
	return c
}

func rowOf(e *Event, n int64, dt, dp float64) Match {
	r := Row{N: n, Symbol: e.Symbol, Time: e.Time + tick.Nanos(dt*float64(millisecond)), Price: e.Price + tick.Price(dp*1e9)}
	r.TimeText = r.Time.String()
	return Match{
		Row: r, IDs: []string{e.ID}, Owner: e.ID, Label: Certain, Posterior: 1,
		Exact: dt == 0 && dp == 0, Canonical: dt == 0 && dp == 0,
	}
}

// exactRows makes all rows equal to the event: the first is canonical.
func exactRows(c EventCase) EventCase {
	for i := range c.Rows {
		c.Rows[i] = rowOf(&c.Event, c.Rows[i].Row.N, 0, 0)
		c.Rows[i].Canonical = i == 0
	}
	return c
}

// streams sorts cases into what Survey reads.
func streams(cases []EventCase) Streams {
	cases = slices.Clone(cases)
	slices.SortFunc(cases, func(a, b EventCase) int {
		return cmp.Or(cmp.Compare(a.Event.Time, b.Event.Time), cmp.Compare(a.Event.ID, b.Event.ID))
	})
	var timed []Timed
	var retries []Retry
	for rank := range cases {
		c := &cases[rank]
		c.Rank = int64(rank)
		for i, a := range c.Attempts {
			timed = append(timed, Timed{Attempt: a, EventTime: c.Event.Time, HasEvent: true})
			if i > 0 {
				retries = append(retries, Retry{Attempt: a, Rank: c.Rank, Position: i, First: c.Attempts[0].Start})
			}
		}
	}
	slices.SortStableFunc(timed, func(a, b Timed) int {
		return cmp.Or(cmp.Compare(a.Worker, b.Worker), cmp.Compare(a.Start, b.Start), cmp.Compare(a.Event, b.Event), compareEnds(a.Attempt, b.Attempt))
	})
	slices.SortStableFunc(retries, func(a, b Retry) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Position, b.Position))
	})
	return Streams{ByWorker: slices.Values(timed), ByStart: slices.Values(retries), Cases: slices.Values(cases)}
}

// survey is Survey over cases, which come back ranked.
func survey(cases []EventCase, o Options) (Population, iter.Seq[EventCase]) {
	s := streams(cases)
	return Survey(s, o), s.Cases
}

// healthy are n events 10 ms apart, the first at ms, taken by three workers in
// turn for 5 to 9 ms each, with a row each.
func healthy(n int, ms float64) []EventCase {
	var out []EventCase
	for i := range n {
		start := ms + float64(i)*10
		c := caseOf(fmt.Sprintf("ok_%06d", i), start, 1, ok(fmt.Sprintf("worker-%d", i%3+1), start, start+5+float64(i%5)))
		c.Rows[0].Row.N = int64(1_000_000 + 2*i)
		out = append(out, c)
	}
	return out
}

// plain is a population of nothing remarkable: 5 ms durations, no lease.
func plain() *Population {
	return &Population{ClaimWindow: millisecond, Durations: Durations{N: 100, Median: 5 * millisecond, P95: 9 * millisecond, P99: 9 * millisecond}}
}

func causeOf(f Findings) string {
	if len(f.Duplicates) == 0 {
		return ""
	}
	d := f.Duplicates[0]
	s := d.Cause.String()
	if len(d.Also) > 0 {
		s += fmt.Sprintf(" also %v", d.Also)
	}
	if len(d.Alternatives) > 0 {
		s += fmt.Sprintf(" or %v", d.Alternatives)
	}
	return s + " " + d.Grade.String()
}

func otherOf(f Findings) (slugs []string) {
	for _, o := range f.Other {
		slugs = append(slugs, fmt.Sprintf("%s:%d", o.Slug, o.N))
	}
	return slugs
}
