package racers

import (
	"time"

	"holdfast/replay/tick"
)

// cent is a hundredth in units of tick.Price.
const cent = tick.Price(tick.Scale / 100)

// source makes the ticks of an incident, one after the other.
type source struct {
	p     *Params
	next  int64   // the tick to come
	quote []int64 // the walking price of each symbol, in cents
	plan  plan
}

// trade is a tick as the source sees it.
type trade struct {
	number int64
	at     time.Duration
	symbol int
	price  tick.Price
	fault  Fault
}

func newSource(p *Params) *source {
	s := &source{p: p, plan: newPlan(p)}
	if p.Prices.Walk > 0 {
		for i := range p.Symbols {
			s.quote = append(s.quote, p.Prices.uniform(Draw(p.Seed, "open", uint64(i))))
		}
	}
	return s
}

// take is the next tick; false when there is none left.
func (s *source) take() (trade, bool) {
	i := s.next
	if i == s.p.Events {
		return trade{}, false
	}
	s.next++
	symbol := s.symbol(i)
	return trade{i, s.at(i), symbol, tick.Price(s.cents(i, symbol)) * cent, s.plan.fault(i)}, true
}

func (s *source) at(i int64) time.Duration { return time.Duration(i) * s.p.Interval.Duration() }

func (s *source) symbol(i int64) int {
	return int(Below(Draw(s.p.Seed, "symbol", uint64(i)), uint64(len(s.p.Symbols))))
}

func (s *source) cents(i int64, symbol int) int64 {
	if s.quote == nil {
		return s.p.Prices.uniform(Draw(s.p.Seed, "price", uint64(i)))
	}
	step := (int64(Below(Draw(s.p.Seed, "step", uint64(i)), 3)) - 1) * s.p.Prices.Walk
	if s.quote[symbol]+step > 0 { // a price stays a price
		s.quote[symbol] += step
	}
	return s.quote[symbol]
}

// uniform is a price in cents. A walk opens on a whole step.
func (p Prices) uniform(draw uint64) int64 {
	cents := p.Low + int64(Below(draw, uint64(p.High-p.Low+1)))
	if p.Walk > 0 {
		cents -= cents % p.Walk
	}
	return cents
}

// occupied says that a tick has exactly these values, as far as that can be
// known: a walk does not tell where it will be.
func (s *source) occupied(at time.Duration, symbol int, price tick.Price) bool {
	interval := s.p.Interval.Duration()
	i := int64(at / interval)
	return s.quote == nil && at%interval == 0 && i < s.p.Events && symbol == s.symbol(i) &&
		price == tick.Price(s.p.Prices.uniform(Draw(s.p.Seed, "price", uint64(i))))*cent
}

// plan deals faults to ticks by selection sampling (Knuth's algorithm S): of
// the ticks still to come, each has the same chance of one of the faults still
// to be dealt. So the counts are exact and nothing is stored.
type plan struct {
	seed  uint64
	total int64
	left  []dealt
}

type dealt struct {
	fault Fault
	count int64
}

func newPlan(p *Params) plan {
	l := plan{seed: p.Seed, total: p.Events}
	room := p.Events
	for _, f := range p.Faults {
		n := min(f.Rate.Count(p.Events), room) // one fault a tick
		l.left = append(l.left, dealt{f.Fault, n})
		room -= n
	}
	return l
}

// fault is what goes wrong with tick i; ticks come in order.
func (l *plan) fault(i int64) Fault {
	u := int64(Below(Draw(l.seed, "fault", uint64(i)), uint64(l.total-i)))
	for k := range l.left {
		d := &l.left[k]
		if u < d.count {
			d.count--
			return d.fault
		}
		u -= d.count
	}
	return NoFault
}
