package merge

import (
	"cmp"
	"math/bits"
	"slices"

	"holdfast/merge/setcode"
)

// The first messages, as bits (EGk: [setcode.Writer.EG]):
//
//	preamble  version:3 duplicates:2 balance:1 confirm:1 EG0(base)
//	ALL       preamble EG10(n) min+2^31:32 max-min:32 multi:1 mode:2
//	          EG10(comparisons) crc:31 payload
//	SKTCH     preamble EG10(n), and if n > 0:
//	SHIP      min+2^31:32 span:32 repeats?:1 [EG10(repeats)] EG8(cost) g:2
//	          g times (lo-min:b)(hi-lo:b), ascending, b = bits of span

// version of the protocol.
const version = 1

// A preamble opens every first message.
type preamble struct {
	duplicates Dup
	balance    Mode
	confirm    bool
	base       int64
}

func (p preamble) write(w *setcode.Writer) {
	w.Write(version, 3)
	w.Write(uint64(p.duplicates), 2)
	w.Write(uint64(p.balance), 1)
	w.Flag(p.confirm)
	w.EG(0, uint64(p.base))
}

// readPreamble tells ErrVersion or ErrProtocol.
func readPreamble(r *setcode.Reader) (p preamble, err error) {
	v := r.Read(3)
	duplicates := r.Read(2)
	p.balance = Mode(r.Read(1))
	p.confirm = r.Flag()
	if r.Short() {
		return p, protocolError("it is empty")
	}
	if v != version {
		return p, ErrVersion
	}
	if duplicates > uint64(Drop) {
		return p, protocolError("unknown treatment of duplicates")
	}
	p.duplicates = Dup(duplicates)
	base := r.EG(0)
	if base > maxOffset {
		return p, limitError("the output would begin at byte %d", base)
	}
	p.base = int64(base)
	return p, nil
}

// maxOffset is beyond the size of every file.
const maxOffset = 1 << 61

// A sketch is what a writer tells of its list: all that a shipper needs to know
// to choose what to send.
type sketch struct {
	preamble
	n       int
	min     int32
	span    uint64
	repeats int
	cost    int // messages to ship the list, about
	gaps    []gap
}

func (s sketch) max() int32    { return int32(int64(s.min) + int64(s.span)) }
func (s sketch) distinct() int { return s.n - s.repeats }

// newSketch describes l in a message of at most words; whole is the list's own
// payload. ok is false if not even a sketch without gaps fits.
func newSketch(p preamble, l list, whole setcode.Payload, words int, w *Work) (s sketch, ok bool) {
	s = sketch{preamble: p, n: len(l.values)}
	if s.n == 0 {
		return s, s.bits() <= words*WordBits
	}
	s.min, s.span, s.repeats = l.min(), l.span(), l.repeats
	s.cost = max(1, ceilDiv(96+whole.Bits, words*WordBits))
	s.gaps = l.largestGaps(w)
	for len(s.gaps) > 0 && s.bits() > words*WordBits {
		s.gaps = s.gaps[:len(s.gaps)-1]
	}
	slices.SortFunc(s.gaps, func(a, b gap) int { return cmp.Compare(a.at, b.at) })
	return s, s.bits() <= words*WordBits
}

func (s sketch) bits() int {
	var w setcode.Writer
	s.write(&w)
	return w.Len()
}

func (s sketch) message(kind string) Message {
	var w setcode.Writer
	s.write(&w)
	return Message{kind, w.Words()}
}

func (s sketch) write(w *setcode.Writer) {
	s.preamble.write(w)
	w.EG(10, uint64(s.n))
	if s.n == 0 {
		return
	}
	w.Write(uint64(biased(s.min)), 32)
	w.Write(s.span, 32)
	w.Flag(s.repeats > 0)
	if s.repeats > 0 {
		w.EG(10, uint64(s.repeats))
	}
	w.EG(8, uint64(s.cost))
	w.Write(uint64(len(s.gaps)), 2)
	b := bits.Len64(s.span)
	for _, g := range s.gaps {
		w.Write(uint64(int64(g.lo)-int64(s.min)), b)
		w.Write(uint64(g.width()), b)
	}
}

// readSketch reads a SKTCH or SHIP, of a list of at most most values.
func readSketch(values []int32, most int) (s sketch, err error) {
	r := setcode.NewReader(values)
	if s.preamble, err = readPreamble(r); err != nil {
		return s, err
	}
	if s.n, err = readCount(r, most); err != nil || s.n == 0 {
		return s, err
	}
	if s.min, s.span, err = readRange(r); err != nil {
		return s, err
	}
	if r.Flag() {
		repeats := r.EG(10)
		if repeats == 0 || repeats >= uint64(s.n) {
			return s, protocolError("%d repeats among %d values", repeats, s.n)
		}
		s.repeats = int(repeats)
	}
	if uint64(s.distinct()) > s.span+1 {
		return s, protocolError("%d different values in %d slots", s.distinct(), s.span+1)
	}
	cost := r.EG(8)
	if cost > maxStream {
		return s, limitError("a list of %d messages", cost)
	}
	s.cost = int(cost)
	b := bits.Len64(s.span)
	edge := uint64(0)
	for range r.Read(2) {
		lo := r.Read(b)
		width := r.Read(b)
		if lo < edge || width < 2 || lo+width > s.span {
			return s, protocolError("gaps out of order")
		}
		edge = lo + width
		s.gaps = append(s.gaps, gap{lo: int32(int64(s.min) + int64(lo)), hi: int32(int64(s.min) + int64(edge))})
	}
	return s, readEnd(r, values)
}

// readCount reads EG10(n).
func readCount(r *setcode.Reader, most int) (int, error) {
	n := r.EG(10)
	if n > uint64(most) {
		return 0, limitError("a list of %d values, more than %d", n, most)
	}
	return int(n), nil
}

// readRange reads the least value and the span.
func readRange(r *setcode.Reader) (least int32, span uint64, err error) {
	low := r.Read(32)
	span = r.Read(32)
	if low+span >= 1<<32 {
		return 0, 0, protocolError("values beyond 2147483647")
	}
	return unbiased(uint32(low)), span, nil
}

// readEnd checks that a message of fixed fields has no more words than it
// needs, and not fewer.
func readEnd(r *setcode.Reader, values []int32) error {
	if r.Short() {
		return protocolError("it is too short")
	}
	if ceilDiv(r.Pos(), WordBits) != len(values) {
		return protocolError("it is too long")
	}
	return nil
}

// An all is a whole list in one message.
type all struct {
	preamble
	n           int
	min         int32
	span        uint64
	multi       bool
	mode        setcode.Mode
	comparisons int64
	crc         uint32
}

// newAll codes l in one message of at most words, if that is enough.
func newAll(p preamble, l list, whole setcode.Payload, words int) (a all, m Message, ok bool) {
	a = all{preamble: p, n: len(l.values), min: l.min(), span: l.span(), multi: l.repeats > 0, mode: whole.Mode,
		comparisons: int64(len(l.values) - 1), crc: setcode.Checksum(l.values)}
	var w setcode.Writer
	a.preamble.write(&w)
	w.EG(10, uint64(a.n))
	w.Write(uint64(biased(a.min)), 32)
	w.Write(a.span, 32)
	w.Flag(a.multi)
	w.Write(uint64(a.mode), 2)
	w.EG(10, uint64(a.comparisons))
	w.Write(uint64(a.crc), 31)
	if w.Len()+whole.Bits > words*WordBits {
		return a, m, false
	}
	w.Payload(whole)
	return a, Message{TypeAll, w.Words()}, true
}

// readAll reads an ALL of at most most values.
func readAll(values []int32, most int, work *Work) (a all, list []int32, err error) {
	r := setcode.NewReader(values)
	if a.preamble, err = readPreamble(r); err != nil {
		return a, nil, err
	}
	if a.n, err = readCount(r, most); err != nil {
		return a, nil, err
	}
	if a.min, a.span, err = readRange(r); err != nil {
		return a, nil, err
	}
	a.multi = r.Flag()
	a.mode = setcode.Mode(r.Read(2))
	a.comparisons = int64(r.EG(10))
	a.crc = uint32(r.Read(31))
	if r.Short() || a.n == 0 {
		return a, nil, protocolError("it is too short")
	}
	list, _, err = readSet(r, a.mode, a.n, a.multi, a.crc, universe{origin: int64(a.min), slots: a.span + 1}, work)
	return a, list, err
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
