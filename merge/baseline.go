package merge

import "math"

// The baselines are the three ways to merge that the requirement sketches. They
// live under the same limits and the same accounting as the default, so that
// one table compares like with like. Their values travel as they are, ten a
// message. Both workers have to be given the same Base.
//
//	naive   A: DATA... DONE; B writes the union
//	range   A: RANGE; B: RANGE [TURN] DATA... DONE; A: [TURN]
//	bubble  both: DATA of the smallest value left, until one has none

// baseline is what has come so far.
type baseline struct {
	values []int32 // bubble: the last one
	off    int64   // of what is to be written next
	met    bool    // range: the other's RANGE is known
	tail   run     // range: what B writes when it is its turn
	next   int     // bubble: the smallest value left
}

// startBaseline puts what a worker says unasked into the script.
func (c *Core) startBaseline() {
	c.plain.off = c.base
	c.script.order = c.own.values
	switch {
	case c.c.Strategy == Exchange:
		c.role = isWriter
		c.wait = StageWait
		c.offer()
	case c.c.ID != 0:
	case c.c.Strategy == Naive:
		c.role = isShipper
		c.sendPlain(c.own.values)
		c.end()
	case c.c.Strategy == Range:
		c.script.send(StageStart, c.other(), c.rangeMessage())
		c.wait = StageWait
	}
}

func (c *Core) acceptBaseline(m Message) error {
	switch c.c.Strategy {
	case Naive:
		return c.acceptNaive(m)
	case Range:
		return c.acceptRange(m)
	}
	return c.acceptExchange(m)
}

// sendPlain sends values as they are, and DONE.
func (c *Core) sendPlain(values []int32) {
	c.ship.count = len(values)
	if len(values) > 0 {
		c.script.ship(StagePump, c.other(), TypeData, values)
	}
	c.script.send(StagePump, c.other(), Message{Type: TypeDone})
}

// gather keeps values that came as they are, ascending.
func (c *Core) gather(values []int32) error {
	p := &c.plain
	if len(p.values)+len(values) > c.c.MaxValues {
		return limitError("more than %d values", c.c.MaxValues)
	}
	last := int64(math.MinInt32)
	if n := len(p.values); n > 0 {
		last = int64(p.values[n-1])
	} else if c.partner.min.Known {
		last = c.partner.min.Value
	}
	c.work.GapTests += int64(len(values))
	for _, v := range values {
		if int64(v)-last < 0 {
			return protocolError("values out of order")
		}
		last = int64(v)
	}
	p.values = append(p.values, values...)
	return nil
}

// unitePlain merges received values with own ones, by comparison throughout.
func (c *Core) unitePlain(own []int32) error {
	u := newUnion(len(own)+len(c.plain.values), math.MaxInt64, c.c.Duplicates, &c.work)
	u.add(own, c.plain.values, false, false)
	c.script.order = u.out
	return u.err
}

func (c *Core) acceptNaive(m Message) error {
	if c.wait == StageFin && m.Type == TypeDone {
		return c.acceptDone(m)
	}
	if c.c.ID == 0 || c.wait == StageDone || c.wait == StageFin {
		return protocolError("%s while in %s", m.Type, c.wait)
	}
	c.role, c.wait = isWriter, StageWait
	switch m.Type {
	case TypeData:
		return c.gather(m.Values)
	case TypeDone:
		if err := c.unitePlain(c.own.values); err != nil {
			return err
		}
		c.script.write(StageMerge, run{0, len(c.script.order)}, c.base)
		c.end()
		return nil
	}
	return protocolError("%s in the naive strategy", m.Type)
}

// rangeMessage tells the least, the greatest and the number of the own values.
func (c *Core) rangeMessage() Message {
	if len(c.own.values) == 0 {
		return Message{Type: TypeRange}
	}
	return Message{TypeRange, []int32{c.own.min(), c.own.max(), int32(len(c.own.values))}}
}

func (c *Core) acceptRange(m Message) error {
	switch {
	case m.Type == TypeRange && !c.plain.met:
		return c.meetRange(m)
	case m.Type == TypeTurn && c.wait == StageSWait:
		off, err := c.readTurn(m)
		if err != nil {
			return err
		}
		c.script.write(StageSWait, c.plain.tail, off)
		c.end()
		return nil
	case c.wait == StageFin && m.Type == TypeDone:
		return c.acceptDone(m)
	case c.c.ID != 0 || c.wait != StageWait || !c.plain.met:
	case m.Type == TypeTurn:
		off, err := c.readTurn(m)
		c.plain.off = off
		return err
	case m.Type == TypeData:
		return c.gather(m.Values)
	case m.Type == TypeDone:
		return c.writeOverlap()
	}
	return protocolError("%s while in %s", m.Type, c.wait)
}

// meetRange finds which own values lie in the other's range. B writes those
// below, ships those within and keeps those above.
func (c *Core) meetRange(m Message) error {
	if len(m.Values) != 0 && (len(m.Values) != 3 || m.Values[0] > m.Values[1] || m.Values[2] < 1) {
		return protocolError("RANGE is not least, greatest and number")
	}
	c.plain.met = true
	c.role = isWriter
	c.partner.count = known(0)
	p := parts{list: c.own, head: len(c.own.values), tail: len(c.own.values)}
	if len(m.Values) > 0 {
		c.partner.count = known(int64(m.Values[2]))
		c.partner.min, c.partner.max = known(int64(m.Values[0])), known(int64(m.Values[1]))
		p.head = p.lowerBound(0, len(c.own.values), c.partner.min.Value, &c.work)
		p.tail = p.lowerBound(p.head, len(c.own.values), c.partner.max.Value+1, &c.work)
	}
	if c.c.ID == 0 {
		c.ship.parts = p
		c.plain.off = c.script.write(StageMerge, run{0, p.head}, c.base)
		return nil
	}
	c.role = isShipper
	off := c.script.write(StagePump, run{0, p.head}, c.base)
	c.script.send(StagePump, c.other(), c.rangeMessage())
	if p.head > 0 {
		c.script.send(StagePump, c.other(), Message{TypeTurn, pair(off)})
	}
	c.sendPlain(c.own.values[p.head:p.tail])
	c.plain.tail = run{p.tail, len(c.own.values)}
	if c.wait = StageSWait; c.plain.tail.from == c.plain.tail.to {
		c.end()
	}
	return nil
}

// writeOverlap: all that both have between their ranges' ends is here.
func (c *Core) writeOverlap() error {
	head := c.ship.parts.head
	written := c.own.values[:head]
	if err := c.unitePlain(c.own.values[head:]); err != nil {
		return err
	}
	// What is written already stays where it is in the order.
	c.script.order = append(written[:head:head], c.script.order...)
	off := c.script.write(StageMerge, run{head, len(c.script.order)}, c.plain.off)
	if c.partner.max.Known && len(c.own.values) > 0 {
		c.work.Searches++
		if c.partner.max.Value > int64(c.own.max()) {
			c.script.send(StageMerge, c.other(), Message{TypeTurn, pair(off)})
		}
	}
	c.end()
	return nil
}

// offer sends the smallest value left. Who has none hears one more, which the
// other sent before it could know, and is done: the other writes the rest.
func (c *Core) offer() {
	m := Message{Type: TypeData}
	if c.plain.next < len(c.own.values) {
		m.Values = c.own.values[c.plain.next : c.plain.next+1]
	}
	stage := StagePump
	if c.plain.next == 0 {
		stage = StageStart
	}
	c.script.send(stage, c.other(), m)
}

// acceptExchange takes the other's smallest value. The smaller of the two is
// written by who has it, before it sends its next one; so the other, which
// counts the bytes along, never writes beyond the end.
func (c *Core) acceptExchange(m Message) error {
	p := &c.plain
	switch {
	case c.wait == StageFin && m.Type == TypeDone:
		return c.acceptDone(m)
	case c.wait != StageWait || m.Type != TypeData || len(m.Values) > 1:
		return protocolError("%s while in %s", m.Type, c.wait)
	}
	if len(m.Values) == 0 || p.next == len(c.own.values) {
		c.script.write(StageMerge, run{p.next, len(c.own.values)}, p.off)
		c.end()
		return nil
	}
	own, other := c.own.values[p.next], m.Values[0]
	c.work.GapTests++
	if p.values != nil && int64(other)-int64(p.values[0]) < 0 {
		return protocolError("values out of order")
	}
	p.values = m.Values
	c.work.MergeComparisons++
	if own == other && c.c.Duplicates == Strict {
		return &DuplicateError{own}
	}
	first := own < other || own == other && (c.c.ID == 0)
	if first {
		p.off = c.script.write(StageMerge, run{p.next, p.next + 1}, p.off)
		p.next++
	} else {
		p.off += int64(lineBytes(other))
		if own == other && c.c.Duplicates == Drop {
			p.next++
		}
	}
	c.offer()
	return nil
}
