package merge

import (
	"slices"

	"holdfast/merge/setcode"
)

// Snapshot says where the worker stands. It is constant in size.
func (c *Core) Snapshot() Snapshot {
	s := Snapshot{
		MyCount:      int64(len(c.own.values)),
		PartnerMin:   c.partner.min,
		PartnerMax:   c.partner.max,
		PartnerCount: c.partner.count,
		DataIndex:    c.script.wrote,
		OutputCount:  c.script.wrote,
		Stage:        c.stage(),
		NextWord:     int64(c.script.next),
		Segment:      c.script.ended,
		Pos:          c.script.pos,
		Base:         c.base,
		Remote:       c.remote,
		Work:         c.work,
	}
	if s.MyCount > 0 {
		s.MyMin, s.MyMax = known(int64(c.own.min())), known(int64(c.own.max()))
	}
	if c.role == isShipper && !c.script.shipping() {
		s.DataIndex += int64(c.ship.count)
	}
	if c.err != nil {
		s.Failure, s.Value = failure(c.err)
	}
	s.Phase = c.phase(s.Stage)
	s.Stats = Stats{
		Comparisons:      c.work.Searches + c.work.Proofs + c.work.MergeComparisons,
		MessagesSent:     c.script.sent,
		MessagesReceived: c.received,
		ValuesOutput:     c.script.wrote,
	}
	return s
}

func (c *Core) stage() Stage {
	if len(c.script.acts) > 0 {
		return c.script.acts[0].stage
	}
	return c.wait
}

func (c *Core) phase(s Stage) Phase {
	switch {
	case s == StageDone:
		return PhaseDone
	case s == StageStart, s == StageWait && c.role == undecided:
		return PhaseInit
	}
	return PhaseMerge
}

// Resume makes a core that has had the same messages delivered as the one that
// gave s (the first s.Stats.MessagesReceived), and has not been asked for
// effects yet, stand where that one stood: what s says is done will not be
// given again. The error is ErrState.
func (c *Core) Resume(s Snapshot) error {
	if c.err != nil {
		c.script.resumeFailed(s)
	} else {
		c.script.rewind(s.Pos, s.Stats.MessagesSent, c.c.Words)
	}
	c.fresh = false
	if c.Snapshot() != s {
		return ErrState
	}
	return nil
}

// clone is a core that goes its own way.
func (c *Core) clone() *Core {
	n := *c
	n.script = c.script.clone()
	n.write.in.words = slices.Clip(c.write.in.words)
	n.plain.values = slices.Clip(c.plain.values)
	if c.owners != nil {
		o := *c.owners
		o.quants = slices.Clone(o.quants)
		o.peers = slices.Clone(o.peers)
		for i := range o.peers {
			o.peers[i].in.words = slices.Clip(o.peers[i].in.words)
		}
		n.owners = &o
	}
	return &n
}

// BaseOf reads the byte at which the output begins from A's first message: for
// a worker that has lost its state.
func BaseOf(first Message) (int64, error) {
	r := setcode.NewReader(first.Values)
	switch first.Type {
	case TypeQuant:
		r.EG(8)
	case TypeAll, TypeSketch:
	default:
		return 0, protocolError("%s is no first message", first.Type)
	}
	for _, v := range first.Values {
		if v < 0 {
			return 0, protocolError("a negative word")
		}
	}
	p, err := readPreamble(r)
	return p.base, err
}
