package setcode

import "math/bits"

// WordBits is the number of bits packed into a word, which is never negative.
const WordBits = 31

// A Writer packs bits into words. Its zero value is empty.
type Writer struct {
	words []int32
	left  int // free bits of the last word
	n     int
}

// Write appends the low n bits of v, n at most 64.
func (w *Writer) Write(v uint64, n int) {
	w.n += n
	for n > 0 {
		if w.left == 0 {
			w.words = append(w.words, 0)
			w.left = WordBits
		}
		k := min(n, w.left)
		chunk := v >> (n - k) & (1<<k - 1)
		w.left -= k
		n -= k
		w.words[len(w.words)-1] |= int32(chunk << w.left)
	}
}

// Flag appends one bit.
func (w *Writer) Flag(set bool) {
	if set {
		w.Write(1, 1)
	} else {
		w.Write(0, 1)
	}
}

// EG appends v as an exponential Golomb code of order k: with u = v + 2^k and
// L the bits of u, L-1-k zeros and then u in L bits. It suits numbers about
// 2^k; v + 2^k must be below 2^63.
func (w *Writer) EG(k int, v uint64) {
	u := v + 1<<k
	l := bits.Len64(u)
	w.Write(0, l-1-k)
	w.Write(u, l)
}

// EGBits is the length of EG(k, v).
func EGBits(k int, v uint64) int { return 2*bits.Len64(v+1<<k) - 1 - k }

// Payload appends the bits of p.
func (w *Writer) Payload(p Payload) {
	w.grow(p.Bits)
	whole := p.Bits / 8
	for _, b := range p.Bytes[:whole] {
		w.Write(uint64(b), 8)
	}
	if rest := p.Bits % 8; rest > 0 {
		w.Write(uint64(p.Bytes[whole]>>(8-rest)), rest)
	}
}

// grow makes room for n more bits.
func (w *Writer) grow(n int) {
	if need := len(w.words) + n/WordBits + 1; need > cap(w.words) {
		w.words = append(make([]int32, 0, need), w.words...)
	}
}

// Len is the number of bits written.
func (w *Writer) Len() int { return w.n }

// Words are the words written, the last filled with zeros.
func (w *Writer) Words() []int32 { return w.words }

// A Reader unpacks what a Writer packed. Past the end it reads zeros, and says
// so ([Reader.Short]).
type Reader struct {
	words []int32
	pos   int // in bits
	short bool
}

// NewReader reads words, all of which must be >= 0.
func NewReader(words []int32) *Reader { return &Reader{words: words} }

// Read takes the next n bits, n at most 64.
func (r *Reader) Read(n int) uint64 {
	if r.pos+n > len(r.words)*WordBits {
		r.short = true
	}
	return r.peek(n)
}

// peek is Read for who knows that zeros follow.
func (r *Reader) peek(n int) uint64 {
	var v uint64
	for n > 0 {
		at, used := r.pos/WordBits, r.pos%WordBits
		k := min(n, WordBits-used)
		v <<= k
		if at < len(r.words) {
			v |= uint64(uint32(r.words[at])) >> (WordBits - used - k) & (1<<k - 1)
		}
		r.pos += k
		n -= k
	}
	return v
}

// Flag takes one bit.
func (r *Reader) Flag() bool { return r.Read(1) == 1 }

// EG takes an exponential Golomb code of order k. One that stands for a number
// of 62 bits or more is taken for the end.
func (r *Reader) EG(k int) uint64 {
	zeros := 0
	for r.Read(1) == 0 {
		zeros++
		if r.short || zeros+k > 61 {
			r.short = true
			return 0
		}
	}
	return (1<<(zeros+k) | r.Read(zeros+k)) - 1<<k
}

// Short tells whether more was read than there is.
func (r *Reader) Short() bool { return r.short }

// Pos is the number of bits read.
func (r *Reader) Pos() int { return r.pos }
