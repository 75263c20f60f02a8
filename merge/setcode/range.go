package setcode

// The range coder is a carrying one of 48 bits, with bytes shifted out when
// the range falls below 2^40. Probabilities are those of a 0, in 1/65536.
// (Martin, "Range encoding", 1979; the end follows the interval rule: the
// shortest string of bits such that everything that begins with it lies in the
// final interval.)
const (
	topRange    = 1<<48 - 1
	bottomRange = 1 << 40
	one         = 1 << 16 // certainty
)

type encoder struct {
	low, r uint64
	out    []byte
}

func newEncoder(room int) encoder { return encoder{r: topRange, out: make([]byte, 0, room)} }

// bit encodes a bit whose probability to be 0 is p0/65536.
func (e *encoder) bit(b bool, p0 uint64) {
	s := (e.r >> 16) * p0
	if b {
		e.low += s
		e.r -= s
	} else {
		e.r = s
	}
	e.normalize()
}

func (e *encoder) normalize() {
	for e.r < bottomRange {
		e.shift()
	}
}

// raw encodes the low n bits of v as they are, the most significant first.
func (e *encoder) raw(v uint64, n int) {
	for n--; n >= 0; n-- {
		e.r >>= 1
		if v>>n&1 != 0 {
			e.low += e.r
		}
		if e.r < bottomRange {
			e.shift()
		}
	}
}

// shift moves 8 bits out. low is below 2^49: what is above 48 bits is a carry.
func (e *encoder) shift() {
	top := e.low >> 40
	if top > 0xff {
		i := len(e.out) - 1
		for ; e.out[i] == 0xff; i-- {
			e.out[i] = 0
		}
		e.out[i]++
	}
	e.out = append(e.out, byte(top))
	e.low = e.low << 8 & (1<<48 - 1)
	e.r <<= 8
}

// finish ends the payload with the shortest bits that leave no doubt.
func (e *encoder) finish(mode Mode) Payload {
	for s := 47; ; s-- {
		v := (e.low + 1<<s - 1) >> s
		if (v+1)<<s > e.low+e.r {
			continue
		}
		// v has 48-s bits, and perhaps a carry; they become whole bytes.
		n := 8*len(e.out) + 48 - s
		e.low, e.r = v<<s, 1
		for range (48 - s + 7) / 8 {
			e.shift()
		}
		return Payload{Mode: mode, Bits: n, Bytes: e.out}
	}
}

type decoder struct {
	value, r uint64 // value is the code less the low end of the range
	in       *Reader
}

func newDecoder(in *Reader) decoder { return decoder{value: in.peek(48), r: topRange, in: in} }

// bit decodes what encoder.bit encoded with the same p0.
func (d *decoder) bit(p0 uint64) bool {
	s := (d.r >> 16) * p0
	b := d.value >= s
	if b {
		d.value -= s
		d.r -= s
	} else {
		d.r = s
	}
	d.normalize()
	return b
}

func (d *decoder) normalize() {
	for d.r < bottomRange {
		d.shift()
	}
}

// raw decodes n bits as they are.
func (d *decoder) raw(n int) uint64 {
	var v uint64
	for range n {
		d.r >>= 1
		v <<= 1
		if d.value >= d.r {
			d.value -= d.r
			v |= 1
		}
		if d.r < bottomRange {
			d.shift()
		}
	}
	return v
}

func (d *decoder) shift() {
	d.r <<= 8
	d.value = d.value<<8 | d.in.peek(8)
}
