package merge

import (
	"fmt"

	"holdfast/merge/setcode"
)

// A Core is one worker of the protocol: a machine that turns messages
// delivered into effects to perform. It is not safe for concurrent use.
//
// Everything is decided in Deliver, which extends a script of effects; Next
// takes from the script what one step may do. The stage says what is at the
// head of the script, or, when it is empty, what the worker waits for.
type Core struct {
	c      Config
	own    list
	whole  setcode.Payload // A: the own list
	base   int64
	script script
	wait   Stage // once the script is done
	role   role
	fresh  bool // a message was delivered since the last Next
	err    error
	remote bool // the other worker found err

	received int64
	work     Work
	partner  struct{ min, max, count Opt }

	sketch sketch  // own, as told to the other
	ship   shipper // of use to a shipper
	write  writer  // of use to a writer

	owners *owners // range ownership, or nil
	plain  baseline
}

type role uint8

const (
	undecided role = iota
	isWriter
	isShipper
)

// NewCore gives the core of a worker that has read nothing yet. It sorts the
// values by their digits. The error is ErrConfig or ErrLimit.
func NewCore(c Config) (*Core, error) {
	c, err := c.validated()
	if err != nil {
		return nil, err
	}
	m := &Core{c: c, base: c.Base, wait: StageStart}
	m.own = newList(c.Data, c.Duplicates == Drop, &m.work)
	m.c.Data = nil
	switch {
	case c.Strategy != Default:
		m.startBaseline()
	case c.Balance == Touch:
		m.startOwners()
	case c.ID == 0:
		return m, m.open()
	}
	return m, nil
}

// other is the other one of two workers.
func (c *Core) other() int { return 1 - c.c.ID }

// peers is who hears of a failure.
func (c *Core) peers() int {
	if c.c.Of > 2 {
		return All
	}
	return c.other()
}

func (c *Core) preamble() preamble {
	return preamble{c.c.Duplicates, c.c.Balance, c.c.Confirm, c.base}
}

// open writes A's first message into the script.
func (c *Core) open() error {
	if len(c.own.values) > 0 {
		c.whole = c.own.payload(&c.work)
		if a, m, ok := newAll(c.preamble(), c.own, c.whole, c.c.Words); ok && !c.c.bend.noAll {
			c.role = isShipper
			c.prove(c.own.values, a.comparisons)
			c.script.send(StageStart, c.other(), m)
			c.end()
			return nil
		}
	}
	var ok bool
	if c.sketch, ok = newSketch(c.preamble(), c.own, c.whole, c.c.Words, &c.work); !ok {
		return fmt.Errorf("%w: the offset %d does not fit a message", ErrConfig, c.base)
	}
	c.script.send(StageStart, c.other(), c.sketch.message(TypeSketch))
	if len(c.own.values) == 0 {
		c.role = isShipper
		c.end()
		return nil
	}
	c.wait = StageWait
	return nil
}

// Deliver hands over the next message of the other worker: in order, each once.
// An error ends the run for good (ErrProtocol, ErrChecksum, ErrLimit,
// ErrOptions, ErrVersion, *DuplicateError, or one of these inside a
// *RemoteError); Err repeats it. Next has to be called all the same: there may
// be a FAIL to send. Messages after an error are counted and ignored; a worker
// that has finished reads nothing more, and counts nothing.
func (c *Core) Deliver(m Message) error { return c.DeliverFrom(c.other(), m) }

// DeliverFrom is Deliver with more than two workers: from is the sender's ID.
func (c *Core) DeliverFrom(from int, m Message) error {
	if c.err == nil && c.done() {
		return nil
	}
	c.received++
	c.fresh = true
	if c.err != nil {
		return c.err
	}
	err := c.accept(from, m)
	if err == nil {
		return nil
	}
	c.err = err
	if c.remote {
		c.script.acts = nil
	} else if code, _ := failure(err); code != FailDuplicate || c.awaited() {
		c.script.acts = nil
		c.script.send(c.wait, c.peers(), failMessage(err))
	}
	c.wait = StageDone
	return err
}

// awaited tells whether the other worker waits for something from this one.
func (c *Core) awaited() bool {
	return c.c.Confirm || c.c.Strategy != Default || c.owners != nil || c.write.tail || c.write.next < len(c.write.bounds)
}

// done tells whether everything has been done and heard.
func (c *Core) done() bool { return c.wait == StageDone && len(c.script.acts) == 0 }

// accept decides what a message means at this point.
func (c *Core) accept(from int, m Message) error {
	if err := m.Check(c.c.Words); err != nil {
		return protocolError("%v", err)
	}
	if m.Type == TypeFail {
		c.remote = true
		return &RemoteError{readFail(m.Values)}
	}
	switch {
	case c.c.Strategy != Default:
		return c.acceptBaseline(m)
	case c.owners != nil:
		return c.acceptOwners(from, m)
	case m.Type == TypeQuant:
		return ErrOptions
	case c.wait == StageStart && m.Type == TypeAll:
		return c.acceptAll(m)
	case c.wait == StageStart && m.Type == TypeSketch:
		return c.acceptSketch(m)
	case c.wait == StageWait && m.Type == TypeShip && c.role == undecided:
		return c.acceptShip(m)
	case c.wait == StageWait && m.Type == TypeData:
		return c.acceptData(m)
	case c.wait == StageCWait || c.wait == StageSWait:
		return c.acceptAnswer(m)
	case c.wait == StageWWait && m.Type == TypeTurn:
		return c.acceptTurn(m)
	case c.wait == StageFin && m.Type == TypeDone:
		return c.acceptDone(m)
	}
	return protocolError("%s while in %s", m.Type, c.wait)
}

// agree checks the other worker's options against the own ones. B takes the
// base from A.
func (c *Core) agree(p preamble) error {
	if p.duplicates != c.c.Duplicates || p.balance != c.c.Balance || p.confirm != c.c.Confirm {
		return ErrOptions
	}
	if c.c.ID != 0 {
		c.base = p.base
	} else if p.base != c.base {
		return protocolError("the output begins at byte %d, not %d", c.base, p.base)
	}
	return nil
}

// end ends the script. With Confirm that is DONE both ways.
func (c *Core) end() {
	c.wait = StageDone
	if c.c.Confirm {
		c.script.send(StageFin, c.other(), c.script.doneMessage())
		c.wait = StageFin
	}
}

// acceptDone ends the run of two workers.
func (c *Core) acceptDone(m Message) error {
	if _, _, err := readDone(m.Values); err != nil {
		return err
	}
	c.wait = StageDone
	return nil
}

// readDone reads values and bytes written.
func readDone(words []int32) (values, bytes int64, err error) {
	if len(words) != 4 {
		return 0, 0, protocolError("DONE has %d words, not 4", len(words))
	}
	if values, err = unpair(words[:2]); err != nil {
		return 0, 0, err
	}
	bytes, err = unpair(words[2:])
	return values, bytes, err
}

// prove compares the first neighbours of a sorted list. One out of order would
// be a mistake in this package, and no file is better than a wrong one.
func (c *Core) prove(sorted []int32, comparisons int64) {
	for i := int64(1); i <= comparisons; i++ {
		if sorted[i-1] > sorted[i] {
			panic(fmt.Sprintf("merge: sorted values are out of order: %d before %d", sorted[i-1], sorted[i]))
		}
	}
	c.work.Proofs += comparisons
}

// Next gives what is to be done now: output of at most maxBytes (but at least
// one value), and at most one message, with the last byte of the output that
// must be written before it. Without anything to do it allocates nothing.
func (c *Core) Next(maxBytes int) Effects {
	busy := c.fresh || len(c.script.acts) > 0
	c.fresh = false
	e := c.script.step(maxBytes, c.c.Words, false)
	e.Progress = busy
	e.Done = c.done()
	return e
}

// Render appends the lines of a span to dst: decimal, one value a line.
func (c *Core) Render(dst []byte, s Span) []byte {
	return appendLines(dst, c.script.order[s.From:s.To])
}

// Fingerprint tells the worker's values from others.
func (c *Core) Fingerprint() Fingerprint { return c.own.fingerprint }

// Err is the error that ended the run, or nil.
func (c *Core) Err() error { return c.err }
