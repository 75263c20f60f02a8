package seq

import (
	"slices"
	"time"
)

// A run is a stretch of unknown sequences, first up to but not including end,
// that share their fate.
type run struct {
	first, end uint64
	seen       time.Duration // when it was first noticed
	cause      Cause         // Loss or Corrupt
	tries      uint8         // requests so far
	released   bool          // packets behind it need not wait for it
}

func (r *run) alike(o *run) bool {
	return r.cause == o.cause && r.tries == o.tries && r.released == o.released
}

// A gapList is the set of unknown sequences below the highest proven one, as
// ascending disjoint runs. What it lacks is known: so one list is both the
// interval set of the journal and the work list of the requests.
//
// The runs lie in chunks, so that a change in the middle of a million runs
// moves one chunk of them and, rarely, the list of chunks. Chunks that fell
// empty are used again: a list that does not grow does not allocate.
type gapList struct {
	chunks  []*chunk // none is empty
	spare   []*chunk
	runs    int
	missing uint64 // sequences in all runs
}

const chunkRuns = 64 // 2 KiB

type chunk struct {
	runs    []run
	missing uint64
}

// A place is a run's position; past the last run it is {len(chunks), 0}.
type place struct{ c, i int }

// find gives the place of the first run that ends above seq.
func (g *gapList) find(seq uint64) place {
	if len(g.chunks) == 0 || g.chunks[0].runs[0].end > seq {
		return place{} // most questions are about the oldest gap
	}
	lo, hi := 0, len(g.chunks)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if k := g.chunks[mid]; k.runs[len(k.runs)-1].end > seq {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	p := place{lo, 0}
	if lo == len(g.chunks) {
		return p
	}
	runs := g.chunks[lo].runs
	i, j := 0, len(runs)
	for i < j {
		mid := int(uint(i+j) >> 1)
		if runs[mid].end > seq {
			j = mid
		} else {
			i = mid + 1
		}
	}
	p.i = i
	return p
}

// at gives the run at a place, nil past the last. It is valid until the list
// changes.
func (g *gapList) at(p place) *run {
	if p.c >= len(g.chunks) {
		return nil
	}
	return &g.chunks[p.c].runs[p.i]
}

// after gives the place behind p.
func (g *gapList) after(p place) place {
	if p.i+1 < len(g.chunks[p.c].runs) {
		return place{p.c, p.i + 1}
	}
	return place{p.c + 1, 0}
}

// from gives the first run that ends above seq, nil if none does.
func (g *gapList) from(seq uint64) *run { return g.at(g.find(seq)) }

// covering gives the run that seq is in, nil if it is in none.
func (g *gapList) covering(seq uint64) *run {
	if r := g.from(seq); r != nil && r.first <= seq {
		return r
	}
	return nil
}

// append adds a run above all others.
func (g *gapList) append(r run) {
	n := len(g.chunks)
	if n == 0 || len(g.chunks[n-1].runs) == chunkRuns {
		g.chunks = append(g.chunks, g.chunk())
		n++
	}
	g.insert(place{n - 1, len(g.chunks[n-1].runs)}, r)
}

func (g *gapList) chunk() *chunk {
	if n := len(g.spare); n > 0 {
		k := g.spare[n-1]
		g.spare = g.spare[:n-1]
		return k
	}
	return &chunk{runs: make([]run, 0, chunkRuns)}
}

// insert puts a run before the one at p, or behind the last of p's chunk,
// which it may split.
func (g *gapList) insert(p place, r run) {
	k := g.chunks[p.c]
	if len(k.runs) == chunkRuns {
		upper := g.halve(p.c)
		if p.i > chunkRuns/2 {
			p, k = place{p.c + 1, p.i - chunkRuns/2}, upper
		}
	}
	k.runs = slices.Insert(k.runs, p.i, r)
	g.runs++
	g.grow(k, r.end-r.first)
}

// halve moves the upper half of a full chunk into a new one behind it.
func (g *gapList) halve(c int) *chunk {
	k, upper := g.chunks[c], g.chunk()
	upper.runs = append(upper.runs, k.runs[chunkRuns/2:]...)
	k.runs = k.runs[:chunkRuns/2]
	for i := range upper.runs {
		upper.missing += upper.runs[i].end - upper.runs[i].first
	}
	k.missing -= upper.missing
	g.chunks = slices.Insert(g.chunks, c+1, upper)
	return upper
}

// grow notes that n sequences more are missing in chunk k; n counts modulo
// 2^64, so that it can be negative.
func (g *gapList) grow(k *chunk, n uint64) {
	k.missing += n
	g.missing += n
}

// drop removes the run at p.
func (g *gapList) drop(p place) {
	k := g.chunks[p.c]
	g.grow(k, -(k.runs[p.i].end - k.runs[p.i].first))
	g.runs--
	k.runs = slices.Delete(k.runs, p.i, p.i+1)
	if len(k.runs) == 0 {
		g.chunks = slices.Delete(g.chunks, p.c, p.c+1)
		if len(g.spare) < 4 { // enough for gaps that come and go
			g.spare = append(g.spare, k)
		}
	}
}

// cut removes one sequence and gives what its run was; false if it was in none.
func (g *gapList) cut(seq uint64) (run, bool) {
	p := g.find(seq)
	r := g.at(p)
	if r == nil || r.first > seq {
		return run{}, false
	}
	was := *r
	if was.end-was.first == 1 {
		g.drop(p)
		return was, true
	}
	if was.first < seq && seq < was.end-1 {
		g.split(p, seq)
		p = g.find(seq)
		r = g.at(p)
	}
	if seq == r.first {
		r.first++
	} else {
		r.end--
	}
	g.grow(g.chunks[p.c], ^uint64(0)) // one less
	return was, true
}

// split makes two runs of the one at p, the second from seq on.
func (g *gapList) split(p place, seq uint64) {
	k := g.chunks[p.c]
	upper := k.runs[p.i]
	upper.first = seq
	k.runs[p.i].end = seq
	g.grow(k, -(upper.end - seq))
	g.insert(place{p.c, p.i + 1}, upper)
}

// mark calls change for every run, or part of one, between first and end,
// and joins what has become alike.
func (g *gapList) mark(first, end uint64, change func(*run)) {
	for at := first; at < end; {
		p := g.find(at)
		r := g.at(p)
		if r == nil || r.first >= end {
			break
		}
		if r.first < at {
			g.split(p, at)
			continue
		}
		if r.end > end {
			g.split(p, end)
			r = g.from(at)
		}
		change(r)
		at = r.end
	}
	g.join(first, end)
}

// join makes one run of neighbours that touch each other and are alike, from
// the one that touches first to the one that touches end.
func (g *gapList) join(first, end uint64) {
	p := g.find(max(first, 1) - 1)
	for g.at(p) != nil && g.at(p).first <= end {
		next := g.after(p)
		r, n := g.at(p), g.at(next)
		if n == nil {
			return
		}
		if r.end != n.first || !r.alike(n) {
			p = next
			continue
		}
		joined, length := n.end, n.end-n.first
		r.seen = min(r.seen, n.seen)
		g.drop(next)
		g.at(p).end = joined
		g.grow(g.chunks[p.c], length)
	}
}

// above counts the missing sequences above seq.
func (g *gapList) above(seq uint64) uint64 {
	p := g.find(seq)
	if p.c == len(g.chunks) {
		return 0
	}
	var n uint64
	for _, r := range g.chunks[p.c].runs[p.i:] {
		n += r.end - max(r.first, seq+1)
	}
	for _, k := range g.chunks[p.c+1:] {
		n += k.missing
	}
	return n
}

// stretches counts the runs that do not touch.
func (g *gapList) stretches() uint64 {
	var n, end uint64
	for _, k := range g.chunks {
		for i := range k.runs {
			if n == 0 || k.runs[i].first != end {
				n++
			}
			end = k.runs[i].end
		}
	}
	return n
}
