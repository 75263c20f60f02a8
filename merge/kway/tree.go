package kway

import "math/bits"

// Tree is a tree of losers over k sources. Each inner node remembers the
// source that lost there, with the code of its key in relation to the key that
// it lost to; so the codes on the way up from the winner all refer to the
// winner's key, as does the code of the key that comes after it.
type Tree struct {
	key      func(source int) (key []byte, ok bool)
	nodes    []node // node n has the children 2n and 2n+1; source i is node k+i
	winner   int
	code     Code // of the winner's key in relation to the winner before it
	ended    bool // and so is every other source
	limit    Code // a next key of the winner with a lower code wins again
	batching bool
	played   int64
}

type node struct {
	code   Code
	source int
}

// ended is the code of a source that has no key left. A key can have it too
// (it begins with seven bytes of 0xFF): who has ended is asked where codes are
// equal.
const ended = ^Code(0)

// New makes a tree of k > 0 sources. key tells the current key of a source, or
// that it has none left; the tree asks for it at the start, and later only
// where codes do not decide.
func New(k int, key func(source int) (key []byte, ok bool)) *Tree {
	t := &Tree{key: key, nodes: make([]node, k), batching: true}
	first := t.play(1)
	t.settle(first)
	return t
}

// Batching says whether the tree looks for runs (it does unless told
// otherwise). The winners are the same.
func (t *Tree) Batching(on bool) { t.batching, t.limit = on, 0 }

// Winner is the source with the lowest key, the first of those with equal
// ones; -1 if no source has a key left.
func (t *Tree) Winner() int {
	if t.ended {
		return -1
	}
	return t.winner
}

// Repeats reports whether the winner's key equals that of the winner before.
func (t *Tree) Repeats() bool { return t.code == Equal }

// Comparisons is how many comparisons of two sources there were: at most
// ceil(log2 k) a key and k at the start, and one for each run that ended.
func (t *Tree) Comparisons() int64 {
	if len(t.nodes) == 1 {
		return 0 // there is nobody to compare with
	}
	return t.played
}

// Advance puts the winner's next key in the place of its current one. c is its
// code in relation to that (see [Next]). It reports whether the same source
// wins again.
func (t *Tree) Advance(c Code) bool {
	if c < t.limit {
		t.code = c
		t.played++
		return true
	}
	return t.replay(c)
}

// Exhaust says that the winner has no key left.
func (t *Tree) Exhaust() { t.replay(ended) }

// replay lets the winner compete on its way up, with the code of its next key.
func (t *Tree) replay(c Code) (again bool) {
	n := node{c, t.winner}
	if t.limit > 0 {
		t.played++ // it was compared with that in vain
	}
	before := t.winner
	at := before + len(t.nodes)
	t.played += int64(bits.Len(uint(at)) - 1)
	for at >>= 1; at > 0; at >>= 1 {
		loser := &t.nodes[at]
		l := *loser
		if l.code == n.code {
			n, *loser = t.tie(n, l)
			continue
		}
		// Who wins is anybody's guess, and a wrong guess of the processor costs
		// more than the game: so they change places without a branch.
		_, lower := bits.Sub64(uint64(l.code), uint64(n.code), 0)
		mask := -lower
		code, source := (l.code^n.code)&Code(mask), (l.source^n.source)&int(mask)
		n.code, n.source = n.code^code, n.source^source
		loser.code, loser.source = l.code^code, l.source^source
	}
	t.settle(n)
	again = t.winner == before
	t.limit = 0
	if again && t.batching {
		t.limit = t.least()
	}
	return again
}

// settle makes n the winner of all.
func (t *Tree) settle(n node) {
	t.winner, t.code = n.source, n.code
	if n.code == ended {
		_, ok := t.key(n.source)
		t.ended = !ok
	}
}

// least is the lowest code on the winner's way up. While its next keys have
// lower ones it beats everybody there, and the losers' codes stay true: they
// depart from the new key where they departed from the old one.
func (t *Tree) least() Code {
	least := ended
	for at := (t.winner + len(t.nodes)) >> 1; at > 0; at >>= 1 {
		least = min(least, t.nodes[at].code)
	}
	return least
}

// play lets the sources below a node compete for the first time.
func (t *Tree) play(at int) (winner node) {
	if k := len(t.nodes); at >= k {
		key, ok := t.key(at - k)
		if !ok {
			return node{ended, at - k}
		}
		return node{First(key), at - k}
	}
	a, b := t.play(2*at), t.play(2*at+1)
	t.played++
	switch {
	case a.code > b.code:
		a, b = b, a
	case a.code == b.code:
		a, b = t.tie(a, b)
	}
	t.nodes[at] = b
	return a
}

// tie decides between two sources with the same code.
func (t *Tree) tie(a, b node) (winner, loser node) {
	if a.source > b.source {
		a, b = b, a // of equal keys, the first source's wins
	}
	if a.code == Equal {
		return a, b
	}
	ka, okA := t.key(a.source)
	kb, okB := t.key(b.source)
	switch {
	case !okB:
		return a, b
	case !okA:
		return b, a
	}
	order, c := meet(ka, kb, a.code)
	if order > 0 {
		a, b = b, a
	}
	b.code = c
	return a, b
}
