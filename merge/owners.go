package merge

import "holdfast/merge/setcode"

// Range ownership (4.9) is for any number of workers, and for two to whom
// moving data is the work: everyone tells quantiles of its list, everyone
// computes the same ranges from them, each value moves to the owner of its
// range, at most once, and each owner writes its range. All act alike; there is
// nobody to elect.
//
//	QUANT to all -> all QUANTs in hand: ranges -> DATA to each owner
//	-> all DATA in hand: merge -> write -> DONE to all
//
// Two workers with one output write it one after the other: the first hands
// over the right to write by TURN.
type owners struct {
	quants  []quant
	peers   []peer
	pivots  []int64
	pieces  [][]int32 // of the own list, one for each owner
	sums    int       // quants in hand
	streams int       // DATA in hand
	dones   int
	total   int // values of all
}

// A peer is what has come from one worker.
type peer struct {
	in    collector
	stage peerStage
	piece piece // for this owner's range
}

// peerStage is what comes next from a peer.
type peerStage uint8

const (
	quantNext peerStage = iota
	dataNext
	decodeNext // the stream is whole; the ranges are not known yet
	doneNext
	nothingNext
)

func (c *Core) startOwners() {
	o := &owners{quants: make([]quant, c.c.Of), peers: make([]peer, c.c.Of), sums: 1, streams: 1, dones: 1}
	c.owners = o
	q := newQuant(c.preamble(), c.own, c.c.Of)
	o.quants[c.c.ID] = q
	o.peers[c.c.ID].stage = nothingNext
	c.script.ship(StageStart, All, TypeQuant, q.stream(&c.work))
	c.wait = StageWait
}

func (c *Core) acceptOwners(from int, m Message) error {
	if from < 0 || from >= c.c.Of || from == c.c.ID {
		return protocolError("a message from worker %d", from)
	}
	p := &c.owners.peers[from]
	switch {
	case m.Type == TypeAll || m.Type == TypeSketch || m.Type == TypeShip:
		return ErrOptions
	case m.Type == TypeQuant && p.stage == quantNext:
		return c.acceptQuant(from, m)
	case m.Type == TypeData && p.stage == dataNext:
		return c.acceptPiece(from, m)
	case m.Type == TypeTurn && c.wait == StageSWait:
		off, err := c.readTurn(m)
		if err != nil {
			return err
		}
		c.writeRange(off)
		return nil
	case m.Type == TypeDone && p.stage == doneNext:
		if _, _, err := readDone(m.Values); err != nil {
			return err
		}
		p.stage = nothingNext
		c.owners.dones++
		c.restOwners()
		return nil
	}
	return protocolError("%s while in %s", m.Type, c.wait)
}

// acceptQuant gathers a peer's quantiles; with the last one, the ranges are
// known.
func (c *Core) acceptQuant(from int, m Message) error {
	o := c.owners
	in := &o.peers[from].in
	whole, err := in.add(m.Values, c.c.Words)
	if err != nil {
		return err
	}
	if !in.plausible(samplesPerWorker * c.c.Of) {
		return limitError("QUANT of %d words", in.all)
	}
	if !whole {
		return nil
	}
	q, err := readQuant(in.reader(), c.c.Of, c.c.MaxValues, &c.work)
	if err != nil {
		return err
	}
	if q.duplicates != c.c.Duplicates || q.balance != c.c.Balance || q.confirm != c.c.Confirm {
		return ErrOptions
	}
	if from == 0 && !c.c.Parts {
		c.base = q.base
	}
	*in = collector{}
	o.quants[from] = q
	o.peers[from].stage = dataNext
	c.meetQuant(q)
	if o.sums++; o.sums == c.c.Of {
		return c.divide()
	}
	return nil
}

// meetQuant notes what is known of the others' lists.
func (c *Core) meetQuant(q quant) {
	p := &c.partner
	p.count = known(p.count.Value + int64(q.n))
	if q.n == 0 {
		return
	}
	least, greatest := int64(q.min), int64(q.max())
	if p.min.Known {
		least, greatest = min(least, p.min.Value), max(greatest, p.max.Value)
	}
	p.min, p.max = known(least), known(greatest)
}

// divide computes the ranges and ships each owner its piece of the own list.
func (c *Core) divide() error {
	o := c.owners
	c.role = isWriter
	o.pivots = pivots(o.quants, &c.work)
	for _, q := range o.quants {
		o.total += q.n
	}
	cutter := parts{list: c.own}
	at := 0
	for j := range c.c.Of {
		end := len(c.own.values)
		if j+1 < c.c.Of {
			end = cutter.lowerBound(at, end, o.pivots[j+1], &c.work)
		}
		o.pieces = append(o.pieces, c.own.values[at:end])
		at = end
	}
	for j, piece := range o.pieces {
		if j != c.c.ID {
			c.script.ship(StagePump, j, TypeData, c.pieceStream(j, piece))
		}
	}
	for i := range o.peers {
		if o.peers[i].stage == decodeNext {
			if err := c.takePiece(i); err != nil {
				return err
			}
		}
	}
	return c.uniteRange()
}

// pieceUniverse is what values of a worker an owner can get.
func (o *owners) pieceUniverse(worker, owner int) universe {
	q := o.quants[worker]
	if q.n == 0 {
		return universe{}
	}
	from, to := max(o.pivots[owner], int64(q.min)), min(o.pivots[owner+1]-1, int64(q.max()))
	if from > to {
		return universe{}
	}
	return newUniverse(from, to, nil)
}

// pieceStream is the DATA for one owner:
//
//	EG8(words in all) EG10(values) mode:2 multi:1 crc:31 payload
func (c *Core) pieceStream(owner int, piece []int32) []int32 {
	u := c.owners.pieceUniverse(c.c.ID, owner)
	multi := c.own.repeats > 0 && repeatsIn(piece, &c.work) > 0
	slots := u.slots
	if multi {
		slots += uint64(len(piece) - 1)
	}
	p := setcode.Best(u.set([][]int32{piece}, multi), slots)
	c.work.BitsCoded += int64(p.Bits)
	write := func(w *setcode.Writer, words int) {
		w.EG(8, uint64(words))
		w.EG(10, uint64(len(piece)))
		w.Write(uint64(p.Mode), 2)
		w.Flag(multi)
		w.Write(uint64(setcode.Checksum(piece)), 31)
	}
	var out setcode.Writer
	write(&out, streamWords(p.Bits, write))
	out.Payload(p)
	return out.Words()
}

// acceptPiece gathers a peer's values for the own range.
func (c *Core) acceptPiece(from int, m Message) error {
	o := c.owners
	p := &o.peers[from]
	first := p.in.all == 0
	whole, err := p.in.add(m.Values, c.c.Words)
	if err != nil {
		return err
	}
	if first {
		if n, err := readCount(p.in.reader(), o.quants[from].n); err != nil {
			return err
		} else if !p.in.plausible(n) {
			return limitError("%d words for %d values", p.in.all, n)
		}
	}
	if !whole {
		return nil
	}
	p.stage = decodeNext
	if o.pivots == nil {
		return nil
	}
	if err := c.takePiece(from); err != nil {
		return err
	}
	return c.uniteRange()
}

// readPiece decodes what pieceStream wrote, at most most values out of u.
func readPiece(r *setcode.Reader, most int, u universe, w *Work) (p piece, err error) {
	n, err := readCount(r, most)
	if err != nil {
		return p, err
	}
	mode := setcode.Mode(r.Read(2))
	p.multi = r.Flag()
	crc := uint32(r.Read(31))
	if r.Short() {
		return p, protocolError("DATA is too short")
	}
	if u.slots == 0 && n > 0 {
		return p, protocolError("values of another owner's range")
	}
	p.values, _, err = readSet(r, mode, n, p.multi, crc, u, w)
	return p, err
}

// takePiece decodes a peer's whole stream.
func (c *Core) takePiece(from int) (err error) {
	o := c.owners
	p := &o.peers[from]
	if p.piece, err = readPiece(p.in.reader(), o.quants[from].n, o.pieceUniverse(from, c.c.ID), &c.work); err != nil {
		return err
	}
	p.in = collector{}
	p.stage = doneNext
	o.streams++
	return nil
}

// uniteRange merges what is in the own range, once all of it has come. Every
// owner spends 3/4 of the mean number of values on comparisons, so that all
// spend the same.
func (c *Core) uniteRange() error {
	o := c.owners
	if o.streams < c.c.Of {
		return nil
	}
	own := o.pieces[c.c.ID]
	n := len(own)
	lists := []piece{{own, c.own.repeats > 0}}
	for i := range o.peers {
		if i != c.c.ID {
			n += len(o.peers[i].piece.values)
			lists = append(lists, o.peers[i].piece)
			o.peers[i].piece.values = nil
		}
	}
	spent := c.work.Searches + c.work.Proofs + c.work.MergeComparisons
	u := newUnion(n, int64(3*o.total/(4*c.c.Of))-spent, c.c.Duplicates, &c.work)
	u.addAll(lists)
	if u.err != nil {
		return u.err
	}
	c.prove(u.out, min(u.budget, int64(max(0, len(u.out)-1))))
	c.script.order = u.out
	if c.c.Parts || c.c.ID == 0 {
		c.writeRange(c.base)
	} else {
		c.wait = StageSWait
	}
	return nil
}

// writeRange writes the own range from off on.
func (c *Core) writeRange(off int64) {
	end := c.script.write(StageMerge, run{0, len(c.script.order)}, off)
	if !c.c.Parts && c.c.ID == 0 {
		c.script.send(StageMerge, c.other(), Message{TypeTurn, pair(end)})
	}
	c.script.send(StageFin, All, c.script.doneMessage())
	c.wait = StageFin
	c.restOwners()
}

// restOwners ends the run when everyone has.
func (c *Core) restOwners() {
	if c.wait == StageFin && c.owners.dones == c.c.Of {
		c.wait = StageDone
	}
}

// Range gives the least and the greatest value that this worker owns, with
// range ownership and once all QUANTs are there; else, and for a range without
// values, the least is above the greatest.
func (c *Core) Range() (least, greatest int64) {
	if c.owners == nil || c.owners.pivots == nil {
		return 0, -1
	}
	return c.owners.pivots[c.c.ID], c.owners.pivots[c.c.ID+1] - 1
}
