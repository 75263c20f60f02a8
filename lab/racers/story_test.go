package racers_test

import (
	"testing"

	"holdfast/lab/racers"
	"holdfast/replay/whatif"
)

// story is an incident as told.
type story struct {
	params   racers.Params
	totals   racers.Totals
	events   []racers.Event // by number
	attempts []racers.Attempt
	rows     []racers.Row // row N at N-1
	lost     []racers.Loss

	attemptsOf [][]racers.Attempt // by event
	rowsOf     [][]racers.Row
}

func preset(t testing.TB, name string, seed uint64, events int64) racers.Params {
	t.Helper()
	p, err := racers.Preset(name, seed, events)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func play(p racers.Params, s racers.Safeguard) *story {
	y := &story{params: p}
	y.totals = racers.Run(p, s, func(f racers.Fact) {
		switch f.Kind {
		case racers.EventFact:
			y.events = append(y.events, f.Event)
		case racers.AttemptFact:
			y.attempts = append(y.attempts, f.Attempt)
		case racers.RowFact:
			y.rows = append(y.rows, f.Row)
		case racers.LossFact:
			y.lost = append(y.lost, f.Loss)
		}
	})
	y.attemptsOf = make([][]racers.Attempt, len(y.events))
	for _, a := range y.attempts {
		y.attemptsOf[a.Event] = append(y.attemptsOf[a.Event], a)
	}
	y.rowsOf = make([][]racers.Row, len(y.events))
	for _, r := range y.rows {
		y.rowsOf[r.Event] = append(y.rowsOf[r.Event], r)
	}
	return y
}

func guard(t testing.TB, text string) racers.Safeguard {
	t.Helper()
	s, err := whatif.ParseSafeguard(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// causes counts duplicates.
func (y *story) causes() map[string]int {
	count := map[string]int{}
	for _, r := range y.rows {
		if r.Duplicate {
			count[r.Cause]++
		}
	}
	return count
}

func (y *story) fates() map[string]int {
	count := map[string]int{}
	for _, a := range y.attempts {
		count[a.Fate]++
	}
	return count
}
