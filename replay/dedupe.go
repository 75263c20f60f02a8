package replay

import (
	"cmp"
	"iter"
	"math/bits"
	"slices"

	"holdfast/replay/tick"
)

// Keep says which row of a group stays (R61).
type Keep uint8

// The rules.
const (
	KeepLast    Keep = iota // in file order
	KeepFirst               // in file order
	KeepLowest              // price; ties to the last
	KeepHighest             // price; ties to the last
	KeepMedian              // the lower middle price: never invents one
	KeepMean                // the last, with the mean as its price: invents one
	KeepTruth               // the event's own row
)

var keepNames = [...]string{"last", "first", "lowest", "highest", "median", "mean", "truth"}

// String is the name of the flag value.
func (k Keep) String() string { return keepNames[k] }

// ParseKeep is the inverse of String.
func ParseKeep(s string) (Keep, bool) {
	for k, name := range keepNames {
		if name == s {
			return Keep(k), true
		}
	}
	return KeepLast, false
}

// Grouping says what the rows of a group have in common (R60).
type Grouping uint8

// The groupings.
const (
	ByKey   Grouping = iota // equal key values: only Match.Row counts
	ByEvent                 // one event (Match.Owner): labels and Covered count
	ByNear                  // a near cluster (R39): only Match.Row counts
)

var groupingNames = [...]string{"key", "event", "near"}

// String is key, event or near.
func (g Grouping) String() string { return groupingNames[g] }

// Group is rows of which one should stay, in file order. A row without event
// is a group of its own.
type Group struct {
	By   Grouping
	Rows []Match
}

// Decision is what becomes of a row that does not stay as it is.
type Decision struct {
	Row      int64
	Removed  bool       // else: rewritten, with Price in place of its own
	Price    tick.Price // meaningless when Removed
	KeptRow  int64      // the row that stays instead; Row itself when rewritten
	Reason   string     // duplicate-key, duplicate-event, duplicate-near, or mean-price
	EventIDs []string   // ByEvent only
	Label    Label      // ByEvent only
}

// Dedupe decides which rows go (R60, R61). Rows without a decision stay as
// they are. Decisions come group by group, in file order within a group. An
// ambiguous row of an event goes only if every event it may belong to has
// another row, so no event is lost.
func Dedupe(groups iter.Seq[Group], k Keep) iter.Seq[Decision] {
	return func(yield func(Decision) bool) {
		for g := range groups {
			if !g.decide(k, yield) {
				return
			}
		}
	}
}

func (g *Group) decide(k Keep, yield func(Decision) bool) bool {
	if len(g.Rows) < 2 {
		return true
	}
	kept := g.keeper(k)
	var mean priceSum
	for i := range g.Rows {
		m := &g.Rows[i]
		if i != kept && !g.removable(m) {
			continue
		}
		mean.add(m.Row.Price)
		if i == kept {
			continue
		}
		d := Decision{Row: m.Row.N, Removed: true, KeptRow: g.Rows[kept].Row.N, Reason: "duplicate-" + g.By.String()}
		if g.By == ByEvent {
			d.EventIDs, d.Label = m.IDs, m.Label
		}
		if !yield(d) {
			return false
		}
	}
	last := &g.Rows[kept]
	if k != KeepMean || mean.n < 2 || mean.mean() == last.Row.Price {
		return true
	}
	d := Decision{Row: last.Row.N, Price: mean.mean(), KeptRow: last.Row.N, Reason: "mean-price"}
	if g.By == ByEvent {
		d.EventIDs, d.Label = last.IDs, last.Label
	}
	return yield(d)
}

// removable reports a row that may go without losing an event.
func (g *Group) removable(m *Match) bool { return g.By != ByEvent || m.Label != Ambiguous || m.Covered }

// keeper is the index of the row that stays. Among the rows of an event the
// ambiguous ones are considered only if there are no others: keeping one that
// is another event's would lose this one.
func (g *Group) keeper(k Keep) int {
	candidates := make([]int, 0, len(g.Rows))
	for i := range g.Rows {
		if g.By != ByEvent || g.Rows[i].Label >= Likely {
			candidates = append(candidates, i)
		}
	}
	if len(candidates) == 0 {
		for i := range g.Rows {
			candidates = append(candidates, i)
		}
	}
	price := func(i int) tick.Price { return g.Rows[i].Row.Price }
	last := candidates[len(candidates)-1]
	switch k {
	case KeepFirst:
		return candidates[0]
	case KeepLowest:
		return slices.MaxFunc(candidates, func(a, b int) int { return cmp.Or(cmp.Compare(price(b), price(a)), cmp.Compare(a, b)) })
	case KeepHighest:
		return slices.MaxFunc(candidates, func(a, b int) int { return cmp.Or(cmp.Compare(price(a), price(b)), cmp.Compare(a, b)) })
	case KeepMedian:
		slices.SortFunc(candidates, func(a, b int) int { return cmp.Or(cmp.Compare(price(a), price(b)), cmp.Compare(a, b)) })
		return candidates[(len(candidates)-1)/2]
	case KeepTruth:
		if i := slices.IndexFunc(g.Rows, func(m Match) bool { return m.Canonical }); i >= 0 {
			return i
		}
		return candidates[0]
	}
	return last
}

// SuspectedCollision reports that the prices of a group lie further apart than
// 1 % of the lowest: it may be two real events (R64). Below zero the amount of
// the lowest counts.
func (g *Group) SuspectedCollision() bool {
	if len(g.Rows) < 2 {
		return false
	}
	low, high := g.Rows[0].Row.Price, g.Rows[0].Row.Price
	for i := range g.Rows {
		low, high = min(low, g.Rows[i].Row.Price), max(high, g.Rows[i].Row.Price)
	}
	hi, lo := bits.Mul64(uint64(high)-uint64(low), 100)
	return hi > 0 || lo > uint64(max(low, -low))
}
