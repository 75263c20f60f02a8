package racers

import (
	"container/list"
	"time"

	"holdfast/replay/tick"
)

// uniqueValues refuses values that it has accepted before; forget blanks what
// does not count.
func uniqueValues(forget func(*values)) func(time.Duration, *attempt) bool {
	type key struct {
		symbol int
		values
	}
	taken := map[key]bool{}
	return func(_ time.Duration, a *attempt) bool {
		k := key{a.event.symbol, a.wrote}
		forget(&k.values)
		if taken[k] {
			return false
		}
		taken[k] = true
		return true
	}
}

// lru refuses the events that it saw last.
type lru struct {
	room  int
	order list.List // event numbers, latest in front
	at    map[int64]*list.Element
}

func newLRU(room int) *lru { return &lru{room: room, at: map[int64]*list.Element{}} }

func (l *lru) admit(_ time.Duration, a *attempt) bool {
	n := a.event.number
	if e, ok := l.at[n]; ok {
		l.order.MoveToFront(e)
		return false
	}
	if len(l.at) == l.room {
		delete(l.at, l.order.Remove(l.order.Back()).(int64))
	}
	l.at[n] = l.order.PushFront(n)
	return true
}

// nearby refuses rows close to one that it has accepted.
type nearby struct {
	within time.Duration
	price  tick.Price
	rows   map[bucket][]values
}

// bucket holds the rows of a symbol in one stretch of time; what is near a row
// is in its bucket or a neighbour.
type bucket struct {
	symbol  int
	stretch time.Duration
}

func newNearby(within time.Duration, price tick.Price) *nearby {
	return &nearby{within, price, map[bucket][]values{}}
}

func (n *nearby) admit(_ time.Duration, a *attempt) bool {
	here := bucket{a.event.symbol, a.wrote.at / n.within}
	for d := time.Duration(-1); d <= 1; d++ {
		for _, v := range n.rows[bucket{here.symbol, here.stretch + d}] {
			if abs(v.at-a.wrote.at) <= n.within && abs(v.price-a.wrote.price) <= n.price {
				return false
			}
		}
	}
	n.rows[here] = append(n.rows[here], a.wrote)
	return true
}

func abs[N time.Duration | tick.Price](n N) N { return max(n, -n) }

// echo refuses records that repeat symbol and price of one that the source
// emitted shortly before.
type echo struct {
	within time.Duration
	recent []*event // accepted, oldest first
}

func newEcho(within time.Duration) *echo { return &echo{within: within} }

func (c *echo) admit(e *event) bool {
	for len(c.recent) > 0 && e.at-c.recent[0].at > c.within {
		c.recent = c.recent[1:]
	}
	for _, before := range c.recent {
		if before.symbol == e.symbol && before.price == e.price {
			return false
		}
	}
	c.recent = append(c.recent, e)
	return true
}
