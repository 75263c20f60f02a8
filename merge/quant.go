package merge

import (
	"math"
	"math/bits"

	"holdfast/merge/setcode"
)

// QUANT messages of a worker are one stream of bits:
//
//	EG8(words in all) preamble EG10(n), and if n > 0:
//	min+2^31:32 span:32 EG6(samples-1) mode:2 crc:31 payload
//
// The samples are quantiles of the list: of s samples the i-th is the sorted
// value floor((i+1) n / (s+1)). They are lifted, over span+1 slots.

// samplesPerWorker times the number of workers is how many samples a list has.
const samplesPerWorker = 32

// A quant is what a worker tells of its list before anyone knows who is to own
// what.
type quant struct {
	preamble
	n       int
	min     int32
	span    uint64
	samples []int32
}

func (q quant) max() int32 { return int32(int64(q.min) + int64(q.span)) }

func newQuant(p preamble, l list, workers int) quant {
	q := quant{preamble: p, n: len(l.values)}
	if q.n == 0 {
		return q
	}
	q.min, q.span = l.min(), l.span()
	s := min(q.n, samplesPerWorker*workers)
	q.samples = make([]int32, s)
	for i := range q.samples {
		q.samples[i] = l.values[(i+1)*q.n/(s+1)]
	}
	return q
}

func (q quant) stream(w *Work) []int32 {
	var p setcode.Payload
	if q.n > 0 {
		set := slotsFrom(q.samples, int64(q.min))
		setcode.Lift(set)
		p = setcode.Best(set, q.span+uint64(len(set)))
		w.BitsCoded += int64(p.Bits)
	}
	write := func(w *setcode.Writer, words int) {
		w.EG(8, uint64(words))
		q.preamble.write(w)
		w.EG(10, uint64(q.n))
		if q.n > 0 {
			w.Write(uint64(biased(q.min)), 32)
			w.Write(q.span, 32)
			w.EG(6, uint64(len(q.samples)-1))
			w.Write(uint64(p.Mode), 2)
			w.Write(uint64(setcode.Checksum(q.samples)), 31)
		}
	}
	var out setcode.Writer
	write(&out, streamWords(p.Bits, write))
	out.Payload(p)
	return out.Words()
}

// readQuant reads a stream from behind its length.
func readQuant(r *setcode.Reader, workers, most int, w *Work) (q quant, err error) {
	if q.preamble, err = readPreamble(r); err != nil {
		return q, err
	}
	if q.n, err = readCount(r, most); err != nil || q.n == 0 {
		return q, err
	}
	if q.min, q.span, err = readRange(r); err != nil {
		return q, err
	}
	s := r.EG(6) + 1
	mode := setcode.Mode(r.Read(2))
	crc := uint32(r.Read(31))
	if r.Short() || s != uint64(min(q.n, samplesPerWorker*workers)) {
		return q, protocolError("QUANT with %d samples of %d values", s, q.n)
	}
	q.samples, _, err = readSet(r, mode, int(s), true, crc, universe{origin: int64(q.min), slots: q.span + 1}, w)
	return q, err
}

// pivots are where the ranges of the owners begin: owner j has the values from
// pivots[j] to below pivots[j+1]. Everyone computes the same from the same
// quants: the samples ascending, each standing for n/s values; pivot j is the
// first where j/K of all values are reached.
func pivots(quants []quant, w *Work) []int64 {
	k := len(quants)
	p := make([]int64, k+1)
	p[0], p[k] = math.MinInt32, math.MaxInt32+1
	var keys []uint64
	total := 0
	for i, q := range quants {
		for _, v := range q.samples {
			keys = append(keys, uint64(biased(v))<<16|uint64(i))
		}
		total += q.n
	}
	w.DigitMoves += sortKeys(keys)
	// Weights in units of 1/(32 K): n/s times that is whole, as s is n or 32 K.
	unit := samplesPerWorker * k
	running, j := 0, 1
	for _, key := range keys {
		q := quants[key&(1<<16-1)]
		if len(q.samples) == unit {
			running += q.n
		} else {
			running += unit
		}
		for ; j < k && running >= j*total*samplesPerWorker; j++ {
			p[j] = int64(unbiased(uint32(key >> 16)))
		}
	}
	for ; j < k; j++ { // no values at all
		p[j] = p[k]
	}
	return p
}

// sortKeys sorts by digits, as sortByDigits does.
func sortKeys(keys []uint64) (moves int64) {
	var all uint64
	for _, key := range keys {
		all |= key
	}
	from, to := keys, make([]uint64, len(keys))
	for shift := 0; shift < bits.Len64(all); shift += digitBits {
		var places [1<<digitBits + 1]int
		for _, key := range from {
			places[key>>shift&(1<<digitBits-1)+1]++
		}
		for i := range 1 << digitBits {
			places[i+1] += places[i]
		}
		for _, key := range from {
			digit := key >> shift & (1<<digitBits - 1)
			to[places[digit]] = key
			places[digit]++
		}
		from, to = to, from
		moves += int64(len(keys))
	}
	copy(keys, from)
	return moves
}
