package setcode

// Adaptive: distances to the previous value, by their number of bits, with
// probabilities learned on the way. A set of clusters, runs or strides takes a
// fraction of what Counted takes; a uniform one a little more.

// A context is the probability of a 0 that has been seen in one situation: it
// begins at a half and settles as a mean over the last 128 bits or so.
type context struct {
	q uint32 // of 65536
	t uint32
}

func (c *context) p0() uint64 { return uint64(min(max(c.q, 64), one-64)) }

func (c *context) learn(b bool) {
	e := c.t + 2
	if b {
		c.q -= c.q / e
	} else {
		c.q += (one - c.q) / e
	}
	c.t = min(c.t+1, 126)
}

// maxClass is the bits of the largest distance that fits a universe.
const maxClass = 33

// distances is the model of both directions.
type distances struct {
	same  [2]context      // "as the last distance", by what that bit was last time
	class [16][64]context // bits of the distance, through a binary tree, by those of the last one / 4
	below [64]context     // the bit below the top one, by class

	last     uint64 // distance
	lastSame int
	lastBits int
}

func newDistances() *distances {
	m := &distances{}
	start := context{q: one / 2}
	m.same = [2]context{start, start}
	for i := range m.class {
		for j := range m.class[i] {
			m.class[i][j] = start
		}
	}
	for i := range m.below {
		m.below[i] = start
	}
	return m
}

func encodeAdaptive(set []uint64) Payload {
	if len(set) == 0 {
		return Payload{Mode: Adaptive}
	}
	mean := set[len(set)-1] / uint64(len(set)) // most bits a value if they come at random
	e := newEncoder(len(set)*(bitlen(mean)+3)/8 + 16)
	m := newDistances()
	next := uint64(0)
	for i, v := range set {
		m.encode(&e, v-next, i == 0)
		next = v + 1
	}
	return e.finish(Adaptive)
}

func (m *distances) encode(e *encoder, d uint64, first bool) {
	if !first {
		c := &m.same[m.lastSame]
		same := d == m.last
		e.bit(same, c.p0())
		c.learn(same)
		if m.lastSame = 0; same {
			m.lastSame = 1
			return
		}
	}
	class := bitlen(d)
	tree := &m.class[m.lastBits/4]
	for i, node := 5, 1; i >= 0; i-- {
		b := class>>i&1 != 0
		e.bit(b, tree[node].p0())
		tree[node].learn(b)
		if node *= 2; b {
			node++
		}
	}
	if class >= 2 {
		c := &m.below[class]
		b := d>>(class-2)&1 != 0
		e.bit(b, c.p0())
		c.learn(b)
		e.raw(d, class-2)
	}
	m.last, m.lastBits = d, class
}

func decodeAdaptive(dst []uint64, r *Reader, n int, universe uint64) ([]uint64, error) {
	if n == 0 {
		return dst, nil
	}
	dst = room(dst, n)
	d := newDecoder(r)
	m := newDistances()
	next := uint64(0)
	for i := range n {
		distance, ok := m.decode(&d, i == 0)
		if !ok || distance >= universe-next {
			return dst, ErrCorrupt
		}
		dst = append(dst, next+distance)
		next += distance + 1
	}
	return dst, nil
}

func (m *distances) decode(d *decoder, first bool) (uint64, bool) {
	if !first {
		c := &m.same[m.lastSame]
		same := d.bit(c.p0())
		c.learn(same)
		if m.lastSame = 0; same {
			m.lastSame = 1
			return m.last, true
		}
	}
	tree := &m.class[m.lastBits/4]
	node := 1
	for range 6 {
		b := d.bit(tree[node].p0())
		tree[node].learn(b)
		if node *= 2; b {
			node++
		}
	}
	class := node - 64
	if class > maxClass {
		return 0, false
	}
	v := uint64(min(class, 1))
	if class >= 2 {
		c := &m.below[class]
		b := d.bit(c.p0())
		c.learn(b)
		if v <<= 1; b {
			v |= 1
		}
		v = v<<(class-2) | d.raw(class-2)
	}
	m.last, m.lastBits = v, class
	return v, true
}
