package merge

import "holdfast/merge/setcode"

// A shipper decides what to send (4.4), sends it, and writes itself what it
// withheld, each part when the writer hands over the right to write.

type shipper struct {
	parts    parts
	searches int64
	count    int   // values shipped
	kept     []run // withheld and not yet written
	inner    int   // how many of kept are runs inside: the right to write goes back
}

// acceptAll: A's whole list has come. B writes the union.
func (c *Core) acceptAll(m Message) error {
	a, values, err := readAll(m.Values, c.c.MaxValues, &c.work)
	if err != nil {
		return err
	}
	if err := c.agree(a.preamble); err != nil {
		return err
	}
	c.role = isWriter
	c.partner.count = known(int64(a.n))
	c.partner.min, c.partner.max = known(int64(a.min)), known(int64(a.min)+int64(a.span))
	return c.unite(values, a.multi, a.comparisons, nil, nil, c.base)
}

// acceptSketch: B decides whether to ship its list or to ask for A's.
func (c *Core) acceptSketch(m Message) error {
	s, err := readSketch(m.Values, c.c.MaxValues)
	if err != nil {
		return err
	}
	if err := c.agree(s.preamble); err != nil {
		return err
	}
	c.meet(s)
	if s.n == 0 {
		c.role = isWriter
		c.script.order = c.own.values
		c.script.write(StageMerge, run{0, len(c.own.values)}, c.base)
		c.end()
		return nil
	}
	p := c.plan(s)
	if len(c.own.values) == 0 || p.messages <= s.cost+1 && !c.c.bend.swap {
		c.send(p, true)
		return nil
	}
	c.role = isWriter
	var ok bool
	if c.sketch, ok = newSketch(c.preamble(), c.own, c.own.payload(&c.work), c.c.Words, &c.work); !ok {
		return limitError("the offset %d does not fit a message", c.base)
	}
	c.script.send(StagePump, c.other(), c.sketch.message(TypeShip))
	c.wait = StageWait
	return nil
}

// acceptShip: A is to ship after all.
func (c *Core) acceptShip(m Message) error {
	s, err := readSketch(m.Values, c.c.MaxValues)
	if err != nil {
		return err
	}
	if err := c.agree(s.preamble); err != nil {
		return err
	}
	if s.n == 0 {
		return protocolError("SHIP from a worker without values")
	}
	c.meet(s)
	c.send(c.plan(s), true)
	return nil
}

// meet notes what the other worker tells of its list.
func (c *Core) meet(s sketch) {
	c.partner.count = known(int64(s.n))
	if s.n > 0 {
		c.partner.min, c.partner.max = known(int64(s.min)), known(int64(s.max()))
	}
}

// plan decides what to ship to the writer of s.
func (c *Core) plan(s sketch) plan {
	before := c.work.Searches
	c.ship.parts = cut(c.own, s, c.c.bend, &c.work)
	c.ship.searches = c.work.Searches - before
	return c.choose(true)
}

func (c *Core) choose(complement bool) plan {
	return c.ship.parts.choose(chooser{c.ship.searches, c.base, c.c.Words, complement, c.c.bend}, &c.work)
}

// send puts a plan into the script. The head is written before the first DATA.
func (c *Core) send(p plan, head bool) {
	c.role = isShipper
	c.ship.count = p.count
	c.ship.kept = p.kept()
	c.ship.inner = onesIn(p.mask)
	c.script.order = c.own.values
	if head {
		c.prove(c.own.values, p.comparisons(c.ship.searches)-c.ship.searches)
		c.script.write(StagePump, run{0, p.head}, c.base)
	} else {
		c.work.Rework += int64(p.count)
	}
	h := p.header(c.ship.searches, c.base)
	c.script.ship(StagePump, c.other(), TypeData, h.stream(p.payload))
	switch {
	case p.payload.Mode == setcode.Complement:
		c.wait = StageCWait
	case len(c.ship.kept) > 0:
		c.wait = StageSWait
	default:
		c.end()
	}
}

// acceptAnswer: the writer says what it makes of a complement claim, or hands
// over the right to write.
func (c *Core) acceptAnswer(m Message) error {
	claimed := c.wait == StageCWait
	switch {
	case m.Type == TypeTurn && len(c.ship.kept) > 0:
		return c.writeKept(m)
	case m.Type == TypeOK && claimed && len(m.Values) == 0 && len(c.ship.kept) == 0:
		c.end()
		return nil
	case m.Type == TypeReq && claimed && len(m.Values) == 0:
		c.send(c.choose(false), false)
		return nil
	}
	return protocolError("%s while in %s", m.Type, c.wait)
}

// writeKept writes the next part that was withheld, from where the writer has
// come to.
func (c *Core) writeKept(m Message) error {
	off, err := c.readTurn(m)
	if err != nil {
		return err
	}
	end := c.script.write(StageSWait, c.ship.kept[0], off)
	c.ship.kept = c.ship.kept[1:]
	if c.ship.inner > 0 {
		c.ship.inner--
		c.script.send(StageSWait, c.other(), Message{TypeTurn, pair(end)})
	}
	c.wait = StageSWait
	if len(c.ship.kept) == 0 {
		c.end()
	}
	return nil
}

// readTurn gives the byte from which on this worker may write.
func (c *Core) readTurn(m Message) (int64, error) {
	off, err := unpair(m.Values)
	if err == nil && off < c.base {
		err = protocolError("TURN to byte %d, before the output begins", off)
	}
	return off, err
}
