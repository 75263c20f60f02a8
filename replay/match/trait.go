package match

import "holdfast/replay"

// trait is a yes-or-no property of a row and an event that is likelier when the
// row is the event's. What it is worth is learned: the ratio of how often
// matches and chance candidates have it.
type trait struct {
	on      bool
	yes, no cost
}

// answer to the question of a trait.
type answer uint8

const (
	unasked answer = iota
	yes
	no
)

// traits that candidates are asked for.
const (
	// follows: the row stands behind the event's own row in the file. A sink
	// writes an event before it writes it again (part of R34a).
	follows = iota
	// beside: it stands right behind it (R34, only with --use-adjacency).
	beside
	traitKinds
)

type answers [traitKinds]answer

// ask looks at a row and an event that has one row of its own.
func ask(e *Event, r replay.Row) answers {
	if e.Exact != 1 || len(e.IDs) != 1 {
		return answers{}
	}
	return answers{follows: answered(r.N > e.FirstRow), beside: answered(r.N == e.FirstRow+1)}
}

func answered(b bool) answer {
	if b {
		return yes
	}
	return no
}

// cost of an answer.
func (t *trait) cost(a answer) cost {
	switch {
	case !t.on || a == unasked:
		return 0
	case a == yes:
		return t.yes
	}
	return t.no
}

// traitTally weighs answers of matches and of chance candidates.
type traitTally struct{ match, chance [no + 1]uint64 }

func (t *traitTally) add(a answer, w uint64) {
	t.match[a] += w
	t.chance[a] += one - w
}

// fit takes over a tally, a half added to each count, and reports a change.
func (t *trait) fit(n *traitTally) bool {
	if !t.on {
		return false
	}
	half := func(n uint64) uint64 { return 2*n + one }
	ratio := func(a answer) cost {
		match := lnRatio(half(n.match[a]), half(n.match[yes])+half(n.match[no]))
		chance := lnRatio(half(n.chance[a]), half(n.chance[yes])+half(n.chance[no]))
		return chance - match
	}
	old := *t
	t.yes, t.no = ratio(yes), ratio(no)
	return *t != old
}
