package match

import (
	"iter"
	"slices"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// Group is what the exact pass says of one (symbol, time, price): the events,
// merged into one set, and the rows, the first of which are the events' own.
type Group struct {
	Events   []Event        // the merged set; empty if no event has the value
	Matched  []replay.Match // one row for each member, while there are rows: canonical, certain
	Leftover []Row          // the other rows, for Link
}

// groupRows bounds a group, so that a value repeated all over a large file
// takes no memory: longer runs of rows come in several groups, of which the
// last has the events.
const groupRows = 4096

// Exact matches equal values (R30). Items come in (symbol, time, price, events
// before rows, id or N) order; every event and every row is in exactly one of
// the groups that emit is given.
func Exact(items iter.Seq[Item], emit func(Group)) {
	x := exactPass{emit: emit}
	for it := range items {
		if k := valueOf(it); k != x.key || !x.open {
			x.close()
			x.key, x.open = k, true
		}
		if it.Event != nil {
			x.event(*it.Event)
		} else {
			x.row(*it.Row)
		}
	}
	x.close()
}

// value is what equal events and rows have in common.
type value struct {
	symbol string
	time   tick.Nanos
	price  tick.Price
}

func valueOf(it Item) value {
	if it.Event != nil {
		return value{it.Event.Symbol, it.Event.Time, it.Event.Price}
	}
	return value{it.Row.Symbol, it.Row.Time, it.Row.Price}
}

// exactPass holds the value that is being read.
type exactPass struct {
	emit  func(Group)
	key   value
	open  bool
	set   Event // merged; no IDs: none yet
	group Group
}

func (x *exactPass) event(e Event) {
	if len(x.set.IDs) == 0 {
		x.set = e
		return
	}
	x.set = mergeSets(x.set, e)
}

// mergeSets joins two events of equal value into one set, in id order.
func mergeSets(a, b Event) Event {
	type member struct {
		id    string
		count int
	}
	var all []member
	for _, e := range []Event{a, b} {
		for i, id := range e.IDs {
			all = append(all, member{id, e.count(i)})
		}
	}
	slices.SortStableFunc(all, func(x, y member) int { return compareIDs(x.id, y.id) })
	m := Event{Symbol: a.Symbol, Time: a.Time, Price: a.Price}
	for _, x := range all {
		m.IDs, m.Counts = append(m.IDs, x.id), append(m.Counts, x.count)
	}
	m.Attempts = slices.Concat(a.Attempts, b.Attempts)
	slices.SortStableFunc(m.Attempts, func(x, y replay.Attempt) int { return compareIDs(x.Event, y.Event) })
	return m
}

// count is the number of attempts of member i.
func (e *Event) count(i int) int {
	if i < len(e.Counts) {
		return e.Counts[i]
	}
	return 0
}

func (x *exactPass) row(r Row) {
	if x.set.Exact < len(x.set.IDs) {
		x.group.Matched = append(x.group.Matched, exactMatch(&x.set, r.Row))
		if x.set.Exact == 0 {
			x.set.FirstRow = r.N
		}
		x.set.Exact++
	} else {
		x.group.Leftover = append(x.group.Leftover, r)
	}
	if len(x.group.Matched)+len(x.group.Leftover) == groupRows {
		x.flush()
	}
}

// exactMatch gives a row to the next member of the set that has none.
func exactMatch(set *Event, r replay.Row) replay.Match {
	return replay.Match{
		Row: r, IDs: set.IDs, Owner: set.IDs[set.Exact],
		Label: replay.Certain, Exact: true, Canonical: true, Posterior: 1,
	}
}

func (x *exactPass) flush() {
	x.emit(x.group)
	x.group = Group{}
}

func (x *exactPass) close() {
	if len(x.set.IDs) > 0 {
		x.group.Events = []Event{x.set}
	}
	if x.open {
		x.flush()
	}
	x.set, x.open = Event{}, false
}

// compareIDs orders ids by bytes (R38).
func compareIDs(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
