package merge

import (
	"holdfast/merge/setcode"
)

// A shipper's own list falls into parts by what the writer told of its list:
//
//	0        head        h   shipped, but for runs in   t      tail       m
//	|---------------------|--------- announced gaps -----|------------------|
//	  below the writer's     may be withheld                above its greatest,
//	  least: written first                                  may be withheld
//
// Withholding saves the bits of a part and costs messages: the right to write
// has to go back and forth.

const (
	leastRun  = 16 // values that are worth withholding inside a gap
	leastTail = 8  // and in the tail
)

// parts is where the writer's values cut the own list.
type parts struct {
	list list
	to   sketch // of the writer
	head int    // values below its least
	tail int    // index of the first value above its greatest
	runs []run  // one for each announced gap, empty if they were not searched for
}

type run struct{ from, to int }

// cut finds the parts by halving; every comparison is counted.
func cut(own list, to sketch, b bend, w *Work) parts {
	p := parts{list: own, to: to, runs: make([]run, len(to.gaps))}
	m := len(own.values)
	p.head = p.lowerBound(0, m, int64(to.min), w)
	p.tail = p.lowerBound(p.head, m, int64(to.max())+1, w)
	if to.n-1 < 8*bitlen(m) && !b.withhold {
		return p
	}
	at := p.head
	for i, g := range to.gaps {
		from := p.lowerBound(at, p.tail, int64(g.lo)+1, w)
		at = p.lowerBound(from, p.tail, int64(g.hi), w)
		p.runs[i] = run{from, at}
	}
	return p
}

// lowerBound is the index of the first own value in lo..hi that is not below x.
func (p parts) lowerBound(lo, hi int, x int64, w *Work) int {
	for lo < hi {
		mid := (lo + hi) / 2
		w.Searches++
		if int64(p.list.values[mid]) < x {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// A plan is what to ship and how.
type plan struct {
	parts
	mask     uint // bit i: announced gap i is withheld
	withTail bool // the tail is withheld
	count    int  // values shipped
	multi    bool
	payload  setcode.Payload
	crc      uint32
	beyond   uint64 // from the writer's greatest to the greatest shipped, 0 if it is not exceeded
	messages int    // that the choice costs in all
}

// A chooser is what the choice of a plan depends on, beside the list.
type chooser struct {
	searches   int64 // comparisons that cut made
	base       int64
	words      int  // a message
	complement bool // may be claimed
	bend       bend
}

// choose prices every choice of runs and tail exactly and takes the cheapest:
// by messages, then by what is withheld, then by mode.
func (p parts) choose(c chooser, w *Work) plan {
	run, tail := leastRun, leastTail
	if c.bend.withhold {
		run, tail = 1, 1
	}
	tails := []bool{false}
	if len(p.list.values)-p.tail >= tail {
		tails = append(tails, true)
	}
	var best plan
	for mask := range uint(1) << len(p.runs) {
		if !p.worthwhile(mask, run) {
			continue
		}
		for _, tail := range tails {
			for _, candidate := range p.candidates(mask, tail, c.complement, w) {
				candidate.messages = candidate.price(c)
				if best.messages == 0 || candidate.before(best) {
					best = candidate
				}
			}
		}
	}
	return best
}

// worthwhile tells whether every run of a mask is long enough to be withheld.
func (p parts) worthwhile(mask uint, least int) bool {
	for i, r := range p.runs {
		if mask>>i&1 != 0 && r.to-r.from < least {
			return false
		}
	}
	return true
}

// candidates are the ways to ship what a choice leaves.
func (p parts) candidates(mask uint, tail, complement bool, w *Work) []plan {
	c := plan{parts: p, mask: mask, withTail: tail}
	pieces := c.pieces()
	values := join(pieces)
	c.count = len(values)
	c.crc = setcode.Checksum(values)
	if p.list.repeats > 0 {
		c.multi = repeatsIn(values, w) > 0
	}
	if n := len(values); n > 0 && !tail && len(p.list.values) > p.tail {
		c.beyond = uint64(int64(values[n-1]) - int64(p.to.max()))
	}
	u := c.universe()
	slots := u.slots
	if c.multi {
		slots += uint64(c.count - 1)
	}
	c.payload = setcode.Best(u.set(pieces, c.multi), slots)
	w.BitsCoded += int64(c.payload.Bits)
	all := []plan{c}
	if complement && p.to.duplicates == Strict && !c.multi && mask == 0 && c.count > 0 &&
		uint64(c.count)+uint64(p.to.distinct()) == u.slots {
		c.payload = setcode.Payload{Mode: setcode.Complement}
		all = append(all, c)
	}
	return all
}

// pieces are the values to ship, cut at the gaps that are withheld.
func (p plan) pieces() (pieces [][]int32) {
	from, to := p.head, len(p.list.values)
	if p.withTail {
		to = p.tail
	}
	for i, r := range p.runs {
		if p.withheld(i) {
			pieces = append(pieces, p.list.values[from:r.from])
			from = r.to
		}
	}
	return append(pieces, p.list.values[from:to])
}

func (p plan) withheld(gap int) bool { return p.mask>>gap&1 != 0 }

func (p plan) universe() universe {
	return shippedUniverse(p.to.min, p.to.max(), p.to.gaps, p.mask, p.beyond)
}

// shippedUniverse is the slots for shipped values, as both workers know it from
// the writer's list and the header.
func shippedUniverse(least, greatest int32, gaps []gap, mask uint, beyond uint64) universe {
	var holes []gap
	for i, g := range gaps {
		if mask>>i&1 != 0 {
			holes = append(holes, g)
		}
	}
	return newUniverse(int64(least), int64(greatest)+int64(beyond), holes)
}

// comparisons is what the shipper spends in all, which the writer spends too.
func (p plan) comparisons(searches int64) int64 {
	proofs := min(max(0, int64(len(p.list.values)-1)), max(0, int64(p.to.n-1+p.count)-searches))
	return searches + proofs
}

// header is what goes before the payload.
func (p plan) header(searches, base int64) header {
	return header{
		count: p.count, mode: p.payload.Mode, multi: p.multi, tail: p.withTail,
		gaps: len(p.to.gaps), mask: p.mask, comparisons: p.comparisons(searches),
		offset: base + textBytes(p.list.values[:p.head]), beyond: p.beyond, crc: p.crc,
	}
}

// price is the number of messages that a plan costs.
func (p plan) price(c chooser) int {
	n := ceilDiv(p.header(c.searches, c.base).words(p.payload), c.words)
	for i := range p.runs {
		if p.withheld(i) {
			n += 2
		}
	}
	if p.withTail || p.payload.Mode == setcode.Complement {
		n++ // TURN, or OK
	}
	if c.bend.withhold {
		n += 1000 - 10*onesIn(p.mask)
		if p.withTail {
			n -= 10
		}
	}
	if c.bend.claim && p.payload.Mode == setcode.Complement {
		n = 1
	}
	return n
}

// before is the order of plans.
func (p plan) before(q plan) bool {
	switch {
	case p.messages != q.messages:
		return p.messages < q.messages
	case onesIn(p.mask) != onesIn(q.mask):
		return onesIn(p.mask) < onesIn(q.mask)
	case p.withTail != q.withTail:
		return q.withTail
	case p.mask != q.mask:
		return p.mask < q.mask
	}
	return p.payload.Mode < q.payload.Mode
}

// kept are the parts that the shipper writes itself when it is its turn: the
// runs that are withheld, then the tail.
func (p plan) kept() (kept []run) {
	for i, r := range p.runs {
		if p.withheld(i) {
			kept = append(kept, r)
		}
	}
	if p.withTail {
		kept = append(kept, run{p.tail, len(p.list.values)})
	}
	return kept
}

func join(pieces [][]int32) []int32 {
	if len(pieces) == 1 {
		return pieces[0]
	}
	var all []int32
	for _, p := range pieces {
		all = append(all, p...)
	}
	return all
}
