package extsort

import "bytes"

// A merger brings sorted runs together with a tree of losers: each inner node
// remembers the cursor that lost there, so a step costs one comparison a level.
type merger struct {
	cursors []*cursor
	prefix  []uint64 // of each cursor's key at depth; ended when there is none
	losers  []int    // node n has children 2n and 2n+1; leaf i is node len(cursors)+i
	winner  int
	depth   int // key bytes that all records have in common
	started bool
}

// ended is larger than every prefix.
const ended = ^uint64(0)

// newMerger merges runs, of which earlier ones win ties, with read buffers of
// size bytes each. free, if not nil, takes the memory of what has been read.
func newMerger(runs []*run, size int, free func([]byte)) *merger {
	m := &merger{
		cursors: make([]*cursor, len(runs)),
		prefix:  make([]uint64, len(runs)),
		losers:  make([]int, len(runs)),
		depth:   sharedBy(runs),
	}
	for i, r := range runs {
		m.cursors[i] = r.open(size)
		m.cursors[i].free = free
	}
	return m
}

// sharedBy is how many bytes all keys of runs have in common: as many as the
// least and the greatest.
func sharedBy(runs []*run) int {
	least, greatest := runs[0].first, runs[0].last
	for _, r := range runs[1:] {
		if bytes.Compare(r.first, least) < 0 {
			least = r.first
		}
		if bytes.Compare(r.last, greatest) > 0 {
			greatest = r.last
		}
	}
	return commonPrefix(least, greatest)
}

// next gives the cursor that stands at the next record, nil after the last.
func (m *merger) next() (*cursor, error) {
	if !m.started {
		m.started = true
		for i := range m.cursors {
			if err := m.advance(i); err != nil {
				return nil, err
			}
		}
		m.winner = m.play(1)
	} else {
		if err := m.advance(m.winner); err != nil {
			return nil, err
		}
		m.replay()
	}
	if m.prefix[m.winner] == ended {
		return nil, nil
	}
	return m.cursors[m.winner], nil
}

func (m *merger) advance(i int) error {
	ok, err := m.cursors[i].next()
	if ok {
		m.prefix[i] = prefixAt(m.cursors[i].key, m.depth)
	} else {
		m.prefix[i] = ended
	}
	return err
}

// play lets the leaves below node compete for the first time.
func (m *merger) play(node int) (winner int) {
	if node >= len(m.cursors) {
		return node - len(m.cursors)
	}
	a, b := m.play(2*node), m.play(2*node+1)
	if m.less(b, a) {
		a, b = b, a
	}
	m.losers[node] = b
	return a
}

// replay lets the advanced winner compete on its way up.
func (m *merger) replay() {
	w := m.winner
	for node := (w + len(m.cursors)) / 2; node > 0; node /= 2 {
		if m.less(m.losers[node], w) {
			w, m.losers[node] = m.losers[node], w
		}
	}
	m.winner = w
}

func (m *merger) less(a, b int) bool {
	pa, pb := m.prefix[a], m.prefix[b]
	if pa != pb {
		return pa < pb
	}
	if pa != ended && continues(pa) {
		depth := m.depth + prefixLen
		if c := bytes.Compare(m.cursors[a].key[depth:], m.cursors[b].key[depth:]); c != 0 {
			return c < 0
		}
	}
	return a < b
}
