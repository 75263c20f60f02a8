package merge

import (
	"math/bits"

	"holdfast/merge/setcode"
)

// DATA messages together are one stream of bits:
//
//	EG8(words in all) EG10(values) mode:2 multi:1 tail withheld:1
//	withheld gaps:g EG10(comparisons) EG12(byte at which the writer starts)
//	beyond?:1 [beyond:32] crc:31 payload
//
// g is the number of gaps that the writer announced; bit 2^i stands for the
// i-th. Every DATA but the last is full.

// maxStream is the most words of a stream.
const maxStream = 1 << 28

// A header is what comes before the payload.
type header struct {
	count       int
	mode        setcode.Mode
	multi       bool
	tail        bool // is withheld
	gaps        int  // announced
	mask        uint // of those withheld
	comparisons int64
	offset      int64
	beyond      uint64
	crc         uint32
}

func (h header) write(w *setcode.Writer, words int) {
	w.EG(8, uint64(words))
	w.EG(10, uint64(h.count))
	w.Write(uint64(h.mode), 2)
	w.Flag(h.multi)
	w.Flag(h.tail)
	w.Write(uint64(h.mask), h.gaps)
	w.EG(10, uint64(h.comparisons))
	w.EG(12, uint64(h.offset))
	w.Flag(h.beyond > 0)
	if h.beyond > 0 {
		w.Write(h.beyond, 32)
	}
	w.Write(uint64(h.crc), 31)
}

// words is the least number of words that holds header and payload.
func (h header) words(p setcode.Payload) int {
	return streamWords(p.Bits, func(w *setcode.Writer, words int) { h.write(w, words) })
}

// streamWords is the least number of words that holds what write writes and
// that many more bits; the number itself is part of it.
func streamWords(more int, write func(w *setcode.Writer, words int)) int {
	for words := 1; ; {
		var w setcode.Writer
		write(&w, words)
		need := ceilDiv(w.Len()+more, WordBits)
		if need <= words {
			return words
		}
		words = need
	}
}

// stream is header and payload as words.
func (h header) stream(p setcode.Payload) []int32 {
	var w setcode.Writer
	h.write(&w, h.words(p))
	w.Payload(p)
	return w.Words()
}

// readHeader reads what write wrote; the number of words was read before.
func readHeader(r *setcode.Reader, gaps, most int) (h header, err error) {
	h.gaps = gaps
	if h.count, err = readCount(r, most); err != nil {
		return h, err
	}
	h.mode = setcode.Mode(r.Read(2))
	h.multi = r.Flag()
	h.tail = r.Flag()
	h.mask = uint(r.Read(gaps))
	h.comparisons = int64(r.EG(10))
	offset := r.EG(12)
	if r.Flag() {
		h.beyond = r.Read(32)
	}
	h.crc = uint32(r.Read(31))
	switch {
	case r.Short():
		return h, protocolError("DATA is too short")
	case offset > maxOffset:
		return h, limitError("the output would go on at byte %d", offset)
	case h.mode == setcode.Reserved:
		return h, protocolError("DATA in an unknown mode")
	case h.mode == setcode.Complement && (h.multi || h.mask != 0 || h.count == 0):
		return h, protocolError("a complement with repeats or withheld runs")
	}
	h.offset = int64(offset)
	return h, nil
}

// A collector gathers the words of a stream from its messages.
type collector struct {
	words []int32
	all   int // words in all, 0 before the first message
}

// add takes the words of the next message. It tells whether the stream is
// whole.
func (c *collector) add(values []int32, words int) (whole bool, err error) {
	for _, v := range values {
		if v < 0 {
			return false, protocolError("a negative word")
		}
	}
	if c.all == 0 {
		r := setcode.NewReader(values)
		all := r.EG(8)
		if r.Short() || all == 0 {
			return false, protocolError("a stream without length")
		}
		if all > maxStream {
			return false, limitError("a stream of %d words", all)
		}
		c.all = int(all)
	}
	if want := min(words, c.all-len(c.words)); len(values) != want {
		return false, protocolError("%d words, not %d", len(values), want)
	}
	c.words = append(c.words, values...)
	return len(c.words) == c.all, nil
}

// plausible tells whether so many values can need so long a stream. A reader
// asks it at the first message, before a peer makes it keep the others.
func (c *collector) plausible(count int) bool {
	return c.all <= ceilDiv(512+setcode.MaxBits(count), WordBits)
}

// reader reads the whole stream from behind its length.
func (c *collector) reader() *setcode.Reader {
	r := setcode.NewReader(c.words)
	r.EG(8)
	return r
}

func bitlen(n int) int { return bits.Len64(uint64(n)) }

func onesIn(mask uint) int { return bits.OnesCount(mask) }
