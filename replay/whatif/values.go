package whatif

import (
	"cmp"
	"slices"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// Row is a row of the output as the safeguards see it that know nothing of
// events: its values, and when it may have been committed.
type Row struct {
	N        int64
	Symbol   string
	Time     tick.Nanos
	Price    tick.Price
	From, To tick.Nanos // of the commit; bounds inclusive

	EventTime tick.Nanos // of its event, to find the case by
	Event     string     // empty: an orphan
}

// CompareRows is the order in which [Values] wants rows: by symbol, time, price, N.
func CompareRows(a, b Row) int {
	return cmp.Or(cmp.Compare(a.Symbol, b.Symbol), cmp.Compare(a.Time, b.Time), cmp.Compare(a.Price, b.Price), cmp.Compare(a.N, b.N))
}

// RowsOf are the rows of an event, with what its attempts say of the commits.
func RowsOf(c *replay.EventCase, p *replay.Population) []Row {
	c = oneClock(c, p)
	from, to := -far, far
	if list, ok := scenarios(c, nil); ok && len(list) > 0 {
		from, to = far, -far
		for _, s := range list {
			from, to = min(from, s[0].at), max(to, s[len(s)-1].at)
		}
	}
	rows := make([]Row, len(c.Rows))
	for i := range c.Rows {
		r := &c.Rows[i].Row
		rows[i] = Row{r.N, r.Symbol, r.Time, r.Price, from, to, c.Event.Time, c.Event.ID}
	}
	return rows
}

// Orphan is a row without event.
func Orphan(r replay.Row) Row {
	return Row{N: r.N, Symbol: r.Symbol, Time: r.Time, Price: r.Price, From: -far, To: far}
}

// Mark says what safeguards that go by values do to a row: bit i is about the
// i-th of the safeguards that [NewValues] was given.
type Mark struct {
	Row       int64
	EventTime tick.Nanos
	Event     string

	Sure, Maybe uint64 // refused for sure; refused or not
}

// Values finds the rows that repeat the values of others.
type Values struct {
	near []near
	emit func(Mark)
	pop  *replay.Population
	open []held // rows whose neighbours may still come, in the order of CompareRows
}

// near is a safeguard that refuses a row close to one before it.
type near struct {
	bit   uint64
	time  tick.Nanos
	price tick.Price
}

type held struct {
	Row
	mark Mark
}

const anyPrice = tick.Price(1<<63 - 1)

// NewValues begins a pass for those of the safeguards that go by values. emit
// gets a mark for each row that one of them refuses, or may.
func NewValues(list []Safeguard, p *replay.Population, emit func(Mark)) *Values {
	v := &Values{emit: emit, pop: p}
	for i, s := range list {
		bit := uint64(1) << i
		switch s.Slug {
		case UniqueKey:
			v.near = append(v.near, near{bit, 0, anyPrice})
		case UniqueKeyPrice:
			v.near = append(v.near, near{bit, 0, 0})
		case ToleranceDedupe:
			v.near = append(v.near, near{bit, tick.Nanos(s.Window), s.Price})
		}
	}
	return v
}

// mostOpen bounds how many neighbours a row is compared with. A denser crowd
// of rows within a tolerance is cut: its oldest rows are judged without the
// newest.
const mostOpen = 4096

// Add takes the next row in the order of CompareRows.
func (v *Values) Add(r Row) {
	if len(v.near) == 0 {
		return
	}
	widest := tick.Nanos(0)
	for _, n := range v.near {
		widest = max(widest, n.time)
	}
	done := 0
	for done < len(v.open) && (v.open[done].Symbol != r.Symbol || r.Time-v.open[done].Time > widest || len(v.open)-done >= mostOpen) {
		done++
	}
	v.close(done)
	now := held{Row: r, mark: Mark{Row: r.N, EventTime: r.EventTime, Event: r.Event}}
	for i := range v.open {
		v.compare(&v.open[i], &now)
	}
	v.open = append(v.open, now)
}

// Close ends the pass.
func (v *Values) Close() { v.close(len(v.open)) }

func (v *Values) close(n int) {
	for i := range n {
		if m := v.open[i].mark; m.Sure|m.Maybe != 0 {
			m.Maybe &^= m.Sure
			v.emit(m)
		}
	}
	v.open = slices.Delete(v.open, 0, n)
}

// compare lets the safeguards see two rows. Whichever was committed later is
// refused, surely if nothing else may have refused the earlier one first.
func (v *Values) compare(a, b *held) {
	for _, n := range v.near {
		price := a.Price - b.Price
		if b.Time-a.Time > n.time || n.price != anyPrice && max(price, -price) > n.price {
			continue
		}
		switch {
		case v.before(a, b):
			v.refuse(b, a, n.bit)
		case v.before(b, a):
			v.refuse(a, b, n.bit)
		default:
			a.mark.Maybe |= n.bit
			b.mark.Maybe |= n.bit
		}
	}
}

// refuse marks the later of two. A tolerance is not transitive: where the
// earlier one may have been refused itself, it may not have stood in the way.
func (v *Values) refuse(later, earlier *held, bit uint64) {
	if (earlier.mark.Sure|earlier.mark.Maybe)&bit != 0 {
		later.mark.Maybe |= bit
		return
	}
	later.mark.Sure |= bit
}

// before reports that a was surely committed before b.
func (v *Values) before(a, b *held) bool {
	if a.Event == b.Event && a.Event != "" || v.pop.CommitOrder {
		return a.N < b.N
	}
	return a.To < b.From
}
