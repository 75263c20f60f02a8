package merge

import (
	"math"

	"holdfast/merge/setcode"
)

// A writer collects what the shipper sends, unites it with its own values, and
// writes the union. Where the shipper withheld values, it hands over the right
// to write, and goes on where the shipper says.

type writer struct {
	in      collector
	refused bool  // a complement claim
	claimed bool  // a complement claim is to be answered
	tail    bool  // the shipper writes the end of the output
	bounds  []int // of the union: behind each, the shipper writes
	next    int   // of bounds
	at      int   // values of the union that are in the script
	off     int64 // the byte behind them
}

// acceptData takes the next part of the stream, and unites when it is whole.
func (c *Core) acceptData(m Message) error {
	in := &c.write.in
	first := in.all == 0
	c.role = isWriter
	whole, err := in.add(m.Values, c.c.Words)
	if err != nil {
		return err
	}
	if first && !whole {
		r := in.reader()
		if n, err := readCount(r, c.c.MaxValues); err != nil {
			return err
		} else if !in.plausible(n) {
			return limitError("%d words for %d values", in.all, n)
		}
	}
	if !whole {
		return nil
	}
	r := in.reader()
	h, err := readHeader(r, len(c.sketch.gaps), c.c.MaxValues)
	if err != nil {
		return err
	}
	*in = collector{}
	return c.acceptStream(h, r)
}

// acceptStream makes sense of a whole stream.
func (c *Core) acceptStream(h header, r *setcode.Reader) error {
	if h.offset < c.base {
		return protocolError("the output would go on at byte %d, before it begins", h.offset)
	}
	greatest := int64(c.own.max()) + int64(h.beyond)
	if greatest > math.MaxInt32 {
		return protocolError("values beyond 2147483647")
	}
	u := shippedUniverse(c.own.min(), c.own.max(), c.sketch.gaps, h.mask, h.beyond)
	var values []int32
	var before []int
	if h.mode == setcode.Complement {
		if c.c.Duplicates != Strict || c.write.refused {
			return protocolError("a complement where none may be claimed")
		}
		var ok bool
		if values, ok = u.free(c.own.values, h.count, &c.work); !ok || setcode.Checksum(values) != h.crc {
			c.write.refused = true
			c.script.send(StageWait, c.other(), Message{Type: TypeReq})
			return nil
		}
		c.write.claimed = true
	} else {
		var err error
		if values, before, err = readSet(r, h.mode, h.count, h.multi, h.crc, u, &c.work); err != nil {
			return err
		}
	}
	if len(values) > 0 {
		c.partner.min, c.partner.max = known(int64(values[0])), known(int64(values[len(values)-1]))
	}
	c.partner.count = known(int64(len(values)))
	c.write.tail = h.tail
	return c.unite(values, h.multi, h.comparisons, u.holes, before, h.offset)
}

// unite makes the union of the own values and those received, spending as many
// comparisons as the other worker did, and begins to write it at off.
func (c *Core) unite(values []int32, multi bool, comparisons int64, holes []gap, before []int, off int64) error {
	spent := c.work.Searches + c.work.Proofs + c.work.MergeComparisons
	u := newUnion(len(c.own.values)+len(values), comparisons-spent, c.c.Duplicates, &c.work)
	own, i, j := c.own.values, 0, 0
	for k, hole := range holes {
		u.add(own[i:hole.at], values[j:before[k]], c.own.repeats > 0, multi)
		c.write.bounds = append(c.write.bounds, len(u.out))
		i, j = hole.at, before[k]
	}
	u.add(own[i:], values[j:], c.own.repeats > 0, multi)
	if u.err != nil {
		return u.err
	}
	c.prove(u.out, min(u.budget, int64(len(u.out)-1)))
	c.script.order = u.out
	c.writeOn(off)
	return nil
}

// writeOn puts the output up to the next part of the shipper's into the script.
func (c *Core) writeOn(off int64) {
	w := &c.write
	to, last := len(c.script.order), w.next == len(w.bounds)
	if !last {
		to = w.bounds[w.next]
		w.next++
	}
	w.off = c.script.write(StageMerge, run{w.at, to}, off)
	w.at = to
	switch {
	case !last || w.tail:
		c.script.send(StageMerge, c.other(), Message{TypeTurn, pair(w.off)})
	case w.claimed:
		c.script.send(StageMerge, c.other(), Message{Type: TypeOK})
	}
	if c.wait = StageWWait; last {
		w.tail = false
		c.end()
	}
}

// acceptTurn: the shipper has written its part and gives the right to write
// back.
func (c *Core) acceptTurn(m Message) error {
	off, err := c.readTurn(m)
	if err != nil {
		return err
	}
	if off < c.write.off {
		return protocolError("TURN to byte %d, before %d where it was handed over", off, c.write.off)
	}
	c.writeOn(off)
	return nil
}
