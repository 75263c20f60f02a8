package replay

import (
	"math"

	"holdfast/replay/tick"
)

// comoments accumulates a correlation in one pass (Welford), so that large
// times do not cancel.
type comoments struct {
	n                 int64
	meanX, meanY      float64
	sumXX, sumYY, sXY float64
}

// add takes a pair, in milliseconds.
func (c *comoments) add(x, y float64) {
	c.n++
	dx, dy := x-c.meanX, y-c.meanY
	c.meanX += dx / float64(c.n)
	c.meanY += dy / float64(c.n)
	c.sumXX += float64(dx * (x - c.meanX))
	c.sumYY += float64(dy * (y - c.meanY))
	c.sXY += float64(dx * (y - c.meanY))
}

// r is the coefficient of correlation; 0 if one side does not vary.
func (c *comoments) r() float64 {
	if c.sumXX <= 0 || c.sumYY <= 0 {
		return 0
	}
	return max(-1, min(1, c.sXY/math.Sqrt(float64(c.sumXX*c.sumYY))))
}

// significant tests r at 0.001, two-sided, by Fisher's transformation.
func (c *comoments) significant() bool {
	const z = 3.2905 // of the normal distribution at 1 - 0.001/2
	if c.n < 8 {
		return false
	}
	r := math.Abs(c.r())
	return r >= 1 || math.Atanh(r)*math.Sqrt(float64(c.n-3)) > z
}

func millis(t tick.Nanos) float64 { return float64(t) / float64(millisecond) }

// restampSurvey correlates the time shift of copies with the start and with
// the end of the attempt that may have written them (D11).
type restampSurvey struct{ start, end comoments }

func (s *restampSurvey) add(c *EventCase, m *Match, a *Attempt) {
	shift := millis(m.Row.Time - c.Event.Time)
	s.start.add(millis(a.Start-c.Event.Time), shift)
	if !a.Open && a.End >= a.Start {
		s.end.add(millis(a.End-c.Event.Time), shift)
	}
}

func (s *restampSurvey) result() Correlation {
	start, end := s.start.r(), s.end.r()
	return Correlation{
		N: s.start.n, Start: significant(start, 3), End: significant(end, 3),
		Significant:  s.start.significant() || s.end.significant(),
		FollowsStart: math.Abs(start) >= math.Abs(end),
	}
}

// rereadSurvey counts copies that carry the price of another event in force
// when an attempt of theirs ended (D12). The control is the price in force for
// the copy before it of the same symbol: what chance, and a price that hardly
// moves, would give.
type rereadSurvey struct {
	tested, hits, controls, controlHits int64
	before                              map[string]tick.Price // by symbol
}

// mostSymbols bounds the tables by symbol.
const mostSymbols = 1 << 14

func (s *rereadSurvey) add(c *EventCase, m *Match, q Quote) {
	if m.Row.Price == c.Event.Price || q.Event == "" {
		return
	}
	s.tested++
	if q.Price == m.Row.Price {
		s.hits++
	}
	if s.before == nil {
		s.before = map[string]tick.Price{}
	}
	if before, ok := s.before[c.Event.Symbol]; ok {
		s.controls++
		if before == m.Row.Price {
			s.controlHits++
		}
	}
	if _, ok := s.before[c.Event.Symbol]; ok || len(s.before) < mostSymbols {
		s.before[c.Event.Symbol] = q.Price
	}
}

func (s *rereadSurvey) result() Coincidence {
	out := Coincidence{Tested: s.tested, Hits: s.hits}
	if s.tested == 0 {
		return out
	}
	scale := float64(s.tested) / float64(max(s.controls, 1))
	expected := float64(float64(s.controlHits+1) * scale)
	out.Expected = significant(expected, 4)
	out.Significant = poissonTail(s.hits, expected) < 0.001
	return out
}

// quoteOf is the price in force when attempt i ended, if it is known.
func (c *EventCase) quoteOf(i int) Quote {
	if i < len(c.Quotes) {
		return c.Quotes[i]
	}
	return Quote{}
}
