package replay

import (
	"math"
	"strconv"
)

// poissonTail is P(at least g | lambda), computed downwards from the sum of the
// first g terms, or upwards where that would cancel.
func poissonTail(g int64, lambda float64) float64 {
	if g <= 0 {
		return 1
	}
	if lambda <= 0 {
		return 0
	}
	lg, _ := math.Lgamma(float64(g) + 1)
	term := math.Exp(float64(float64(g)*math.Log(lambda)) - lambda - lg)
	sum := 0.0
	if float64(g) > lambda { // terms fall from g on
		for k := float64(g); term > sum*1e-17 && term > 0; k++ {
			sum += term
			term *= lambda / (k + 1)
		}
		return min(sum, 1)
	}
	for k := float64(g); k > 0; k-- { // terms fall from g - 1 downwards
		term *= k / lambda
		if sum += term; term < sum*1e-17 {
			break
		}
	}
	return max(1-sum, 0)
}

// hypergeometricTail is the probability that at least observed of b events
// have a property that a of all n have, if the two had nothing to do with
// each other (R53).
func hypergeometricTail(observed, a, b, n int64) float64 {
	low, high := max(0, a+b-n), min(a, b)
	if observed <= low {
		return 1
	}
	if observed > high {
		return 0
	}
	x, ca, cb, cn := float64(observed), float64(a), float64(b), float64(n)
	term := math.Exp(logChoose(ca, x) + logChoose(cn-ca, cb-x) - logChoose(cn, cb))
	mode := float64(float64((ca+1)*(cb+1)) / (cn + 2))
	sum := 0.0
	if x >= mode { // terms fall upwards
		for ; x <= float64(high) && term > sum*1e-17; x++ {
			sum += term
			term *= (ca - x) / (x + 1) * ((cb - x) / (cn - ca - cb + x + 1))
		}
		return min(sum, 1)
	}
	for ; x > float64(low); x-- { // the terms below observed, falling downwards
		term *= x / (ca - x + 1) * ((cn - ca - cb + x) / (cb - x + 1))
		if sum += term; term < sum*1e-17 {
			break
		}
	}
	return max(1-sum, 0)
}

// logChoose is the logarithm of n over k.
func logChoose(n, k float64) float64 {
	a, _ := math.Lgamma(n + 1)
	b, _ := math.Lgamma(k + 1)
	c, _ := math.Lgamma(n - k + 1)
	return a - b - c
}

// significant rounds to some significant digits, so that the last bits of a
// float, in which machines may differ, never reach an output.
func significant(x float64, digits int) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', digits, 64), 64)
	return r
}

// Chance properties, in the order of output.
const (
	hadTimeout = iota
	hadFailure
	hadNoEnd
	hadGhost
	chanceProperties
)

var chanceNames = [chanceProperties]string{"timeout", "failed-status", NoEnd, GhostCommit}

// chanceCounts counts events by what may seem to go together.
type chanceCounts struct {
	events, duplicated, lost int64
	property                 [chanceProperties]struct{ all, duplicated, lost int64 }
}

func (s *chanceCounts) add(c *EventCase) {
	s.events++
	duplicated, lost := int64(0), int64(0)
	switch len(c.Rows) {
	case 0:
		lost = 1
	case 1:
	default:
		duplicated = 1
	}
	s.duplicated += duplicated
	s.lost += lost
	var had [chanceProperties]bool
	for i := range c.Attempts {
		a := &c.Attempts[i]
		had[hadTimeout] = had[hadTimeout] || a.Status == StatusTimeout
		had[hadFailure] = had[hadFailure] || a.Status == StatusFailed
		had[hadNoEnd] = had[hadNoEnd] || a.Open
	}
	had[hadGhost] = isGhost(c)
	for i, yes := range had {
		if yes {
			x := &s.property[i]
			x.all++
			x.duplicated += duplicated
			x.lost += lost
		}
	}
}

// isGhost reports rows although every attempt gave up (N4).
func isGhost(c *EventCase) bool {
	for i := range c.Attempts {
		if s := c.Attempts[i].Status; s != StatusTimeout && s != StatusFailed {
			return false
		}
	}
	return len(c.Attempts) > 0 && len(c.Rows) > 0
}

// list has a line for each property that some event has beside each thing that
// happened to some event.
func (s *chanceCounts) list() []Chance {
	var out []Chance
	for i, x := range s.property {
		if x.all > 0 && s.duplicated > 0 {
			out = append(out, newChance(chanceNames[i], "duplicated", x.all, s.duplicated, s.events, x.duplicated))
		}
		if x.all > 0 && s.lost > 0 && i != hadGhost { // a ghost is not lost by definition
			out = append(out, newChance(chanceNames[i], "lost", x.all, s.lost, s.events, x.lost))
		}
	}
	return out
}

func newChance(nameA, nameB string, a, b, n, observed int64) Chance {
	p := hypergeometricTail(observed, a, b, n)
	c := Chance{
		A: nameA, B: nameB, CountA: a, CountB: b, Events: n, Observed: observed,
		Expected: significant(float64(float64(a)*float64(b))/float64(n), 4),
		P:        significant(p, 3), Verdict: "more than chance",
	}
	if p > 0.01 {
		c.Verdict = "no more than chance"
	}
	return c
}
