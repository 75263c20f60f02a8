package match

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"holdfast/replay"
	"holdfast/replay/tick"
)

const ms = tick.Nanos(1e6)

// shape describes an incident to make, after R82 and R83.
type shape struct {
	events  int
	walk    bool    // prices walk by ticks of 0.05, else they are uniform
	rate    float64 // share of events that are claimed twice
	count   int     // or so many
	late    int64   // the copy is 1..late ms later
	early   int64   // and up to so many earlier
	price   int64   // and up to so many cents off
	once    bool    // copies come from events of one attempt
	order   string  // of the output: "" with copies on the next line, commit, time, shuffled
	burst   int     // instead of strewn events, so many in a row are replayed
	noLog   bool
	retries bool // the second attempt comes 50-150 ms later
}

// incident is a made file with what is true of it.
type incident struct {
	events []Event // in time order
	rows   []replay.Row
	truth  []string // event of row N at N-1
	copies []int64  // N of the copies
}

var symbols = []string{"TCS", "INFY", "RELIANCE", "HDFCBANK", "ICICIBANK", "SBIN", "ITC"}

// written is a row before it has a number.
type written struct {
	row    replay.Row
	event  string
	copied bool
	commit tick.Nanos
}

func (s shape) make(seed uint64) incident {
	rnd := rand.New(rand.NewPCG(seed, 1))
	between := func(lo, hi int64) int64 { return lo + rnd.Int64N(hi-lo+1) }
	cent := tick.Price(tick.Scale / 100)
	level := make(map[string]tick.Price)
	for _, sym := range symbols {
		level[sym] = tick.Price(between(100_000, 300_000)) * cent / 5 * 5
	}
	twice := s.chooseTwice(rnd)
	var in incident
	var out []written
	at := tick.Nanos(1752484500e9)
	for i := range s.events {
		e := Event{IDs: []string{fmt.Sprintf("evt_%07d", i)}, Symbol: symbols[rnd.IntN(len(symbols))], Time: at}
		at += 5 * ms
		e.Price = tick.Price(between(100_000, 300_000)) * cent
		if s.walk {
			level[e.Symbol] += tick.Price(between(-1, 1)) * 5 * cent
			e.Price = level[e.Symbol]
		}
		attempt := func(start tick.Nanos) tick.Nanos {
			end := start + tick.Nanos(between(3000, 12000))*1000
			e.Attempts = append(e.Attempts, replay.Attempt{
				Event: e.IDs[0], Worker: fmt.Sprintf("worker-%d", rnd.IntN(3)+1),
				Start: start, End: end, Status: replay.StatusSuccess, Lines: 1,
			})
			return end
		}
		first := attempt(e.Time)
		own := replay.Row{Symbol: e.Symbol, Time: e.Time, Price: e.Price}
		out = append(out, written{own, e.IDs[0], false, first})
		if twice[i] {
			second := first
			if !s.once {
				start := e.Time
				if s.retries {
					start += tick.Nanos(between(50_000, 150_000)) * 1000
				}
				second = attempt(start)
			}
			dup := own
			shift := between(-s.early, s.late)
			for shift == 0 {
				shift = between(-s.early, s.late)
			}
			dup.Time += tick.Nanos(shift) * ms
			dup.Price += tick.Price(between(-s.price, s.price)) * cent
			out = append(out, written{dup, e.IDs[0], true, second})
		}
		if s.noLog {
			e.Attempts = nil
		}
		e.Counts = []int{len(e.Attempts)}
		in.events = append(in.events, e)
	}
	s.arrange(out, rnd)
	for i, w := range out {
		w.row.N = int64(i + 1)
		in.rows = append(in.rows, w.row)
		in.truth = append(in.truth, w.event)
		if w.copied {
			in.copies = append(in.copies, w.row.N)
		}
	}
	return in
}

func (s shape) chooseTwice(rnd *rand.Rand) map[int]bool {
	twice := make(map[int]bool)
	switch {
	case s.burst > 0:
		from := rnd.IntN(s.events - s.burst)
		for i := range s.burst {
			twice[from+i] = true
		}
	case s.count > 0:
		for _, i := range rnd.Perm(s.events)[:s.count] {
			twice[i] = true
		}
	default:
		for i := range s.events {
			twice[i] = rnd.Float64() < s.rate
		}
	}
	return twice
}

func (s shape) arrange(out []written, rnd *rand.Rand) {
	switch s.order {
	case "commit":
		slices.SortStableFunc(out, func(a, b written) int { return cmp.Compare(a.commit, b.commit) })
	case "time":
		slices.SortStableFunc(out, func(a, b written) int { return cmp.Compare(a.row.Time, b.row.Time) })
	case "shuffled":
		rnd.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	}
}

// linked is what matching made of an incident.
type linked struct {
	matches map[int64]replay.Match // by N
	totals  Totals
	clock   *Clock
}

// link runs an incident through the whole of the package.
func (in incident) link(c Config, position bool) linked {
	res := linked{matches: make(map[int64]replay.Match)}
	var events []Event
	var leftover []Row
	var anchors []Anchor
	Exact(slices.Values(in.items()), func(g Group) {
		for _, e := range g.Events {
			events = append(events, e)
			if a, ok := AnchorOf(e); ok {
				anchors = append(anchors, a)
			}
		}
		for _, m := range g.Matched {
			res.matches[m.Row.N] = m
		}
		leftover = append(leftover, g.Leftover...)
	})
	if position {
		slices.SortFunc(anchors, func(a, b Anchor) int { return cmp.Compare(a.N, b.N) })
		slices.SortFunc(leftover, func(a, b Row) int { return cmp.Compare(a.N, b.N) })
		c.Clock = NewClock(slices.Values(anchors))
		var located []Row
		c.Clock.Locate(slices.Values(leftover), func(r Row) { located = append(located, r) })
		leftover = located
		res.clock = c.Clock
	}
	var err error
	res.totals, err = Link(slices.Values(sortItems(events, leftover)), c, func(m replay.Match) { res.matches[m.Row.N] = m })
	if err != nil {
		panic(err)
	}
	return res
}

func (in incident) items() []Item {
	var rows []Row
	for _, r := range in.rows {
		rows = append(rows, Row{Row: r})
	}
	return sortItems(in.events, rows)
}

// sortItems brings events and rows into (symbol, time, price) order, events
// first among equals: the order of Exact, which is also one for Link.
func sortItems(events []Event, rows []Row) []Item {
	type keyed struct {
		value
		id string // of an event; events of equal value come first
		n  int64  // of a row
		it Item
	}
	var all []keyed
	for i := range events {
		it := Item{Event: &events[i]}
		all = append(all, keyed{value: valueOf(it), id: events[i].IDs[0], it: it})
	}
	for i := range rows {
		it := Item{Row: &rows[i]}
		all = append(all, keyed{value: valueOf(it), n: rows[i].N, it: it})
	}
	slices.SortFunc(all, func(a, b keyed) int {
		if a.symbol == b.symbol && a.time != b.time {
			return cmp.Compare(a.time, b.time)
		}
		return cmp.Or(cmp.Compare(a.symbol, b.symbol), cmp.Compare(a.time, b.time), cmp.Compare(a.price, b.price),
			cmp.Compare(a.n, b.n), cmp.Compare(a.id, b.id))
	})
	items := make([]Item, len(all))
	for i, k := range all {
		items[i] = k.it
	}
	return items
}

// accuracy is what share of the copies is linked to its event, how many are
// labelled likely or better, and how many of these are right.
type accuracy struct {
	linking          float64
	certain, likely  int
	likelyRight      int
	copies, canonBad int
}

func (in incident) score(l linked) accuracy {
	var a accuracy
	right := 0
	for _, n := range in.copies {
		m := l.matches[n]
		ok := slices.Contains(m.IDs, in.truth[n-1])
		a.copies++
		if ok {
			right++
		}
		if m.Label == replay.Certain {
			a.certain++
		}
		if m.Label >= replay.Likely {
			a.likely++
			if ok {
				a.likelyRight++
			}
		}
		if m.Canonical {
			a.canonBad++
		}
	}
	a.linking = float64(right) / float64(max(a.copies, 1))
	return a
}

func (a accuracy) String() string {
	return fmt.Sprintf("copies %d linking %.4f certain %d likely %d (%.3f) right %.4f canonical-wrong %d", a.copies, a.linking, a.certain, a.likely,
		float64(a.likely)/float64(max(a.copies, 1)), float64(a.likelyRight)/float64(max(a.likely, 1)), a.canonBad)
}
