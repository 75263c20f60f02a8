package dedupe

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
)

// An entry stands for one usable record. Its partition is the top bits of the
// hash of its key; of the rest it keeps the low 40 bits:
//
//	63            24 23          0
//	| low 40 of hash | record of the chunk |
//
// Two keys that agree in partition and entry are compared for real later, so
// that dropped bits cost a second look, never a row.
const (
	entryRecordBits = 24
	entryRecordMask = 1<<entryRecordBits - 1
	entrySize       = 8
)

// entries are those of one chunk, sorted by partition, within it in file order.
type entries struct {
	runs []uint32 // partition p is data[runs[p]:runs[p+1]]
	data []uint64 // nil if spilled
	at   int64    // where in the spill file
}

// A store holds the entries of all chunks: in memory up to a budget, the rest
// in a file. It may be shared by goroutines.
type store struct {
	bits   uint  // log2 of the number of partitions
	budget int64 // bytes in memory

	inMemory atomic.Int64
	spill    *spool // nil if the budget will do
}

// rowsPerPartition keeps the table of a partition within a core's own cache.
const rowsPerPartition = 1 << 15

// newStore prepares for about the given number of records. Spill is called
// for a place to put what does not fit, if that may become necessary.
func newStore(records, budget int64, spill func() (*spool, error)) (s *store, err error) {
	s = &store{budget: budget}
	for s.bits < 10 && records>>s.bits > rowsPerPartition {
		s.bits++
	}
	if 2*records*entrySize > budget {
		s.spill, err = spill()
	}
	return s, err
}

func (s *store) partitions() int { return 1 << s.bits }

func (s *store) close() {
	if s.spill != nil {
		s.spill.Close() // nothing in it outlives the run
	}
}

// sorter puts the hashes of a chunk into entries; its buffers are reused.
type sorter struct {
	next    []uint32
	scratch []byte
}

// put stores hashes[i] for record i; zero marks a record without an entry.
func (s *store) put(w *sorter, hashes []uint64) (entries, error) {
	n := s.partitions()
	runs := make([]uint32, n+1)
	shift := 64 - s.bits
	for _, h := range hashes {
		if h != 0 {
			runs[h>>shift+1]++
		}
	}
	for p := range n {
		runs[p+1] += runs[p]
	}
	w.next = append(w.next[:0], runs[:n]...)
	e := entries{runs: runs}
	size := int64(runs[n]) * entrySize
	if s.spill == nil || s.inMemory.Add(size) <= s.budget {
		e.data = make([]uint64, runs[n])
		for i, h := range hashes {
			if h != 0 {
				p := h >> shift
				e.data[w.next[p]] = h<<entryRecordBits | uint64(i)
				w.next[p]++
			}
		}
		return e, nil
	}
	s.inMemory.Add(-size)
	w.scratch = slices.Grow(w.scratch[:0], int(size))[:size]
	for i, h := range hashes {
		if h != 0 {
			p := h >> shift
			binary.LittleEndian.PutUint64(w.scratch[w.next[p]*entrySize:], h<<entryRecordBits|uint64(i))
			w.next[p]++
		}
	}
	var err error
	e.at, err = s.spill.add(w.scratch)
	return e, err
}

// slice returns the entries of partitions from to to-1, contiguous. Spilled
// ones are appended to buf, which is returned.
func (s *store) slice(e *entries, from, to int, buf []uint64, raw *[]byte) (run, rest []uint64, err error) {
	if e.data != nil {
		return e.data[e.runs[from]:e.runs[to]], buf, nil
	}
	if e.runs[from] == e.runs[to] {
		return nil, buf, nil
	}
	size := int(e.runs[to]-e.runs[from]) * entrySize
	*raw = slices.Grow((*raw)[:0], size)[:size]
	if _, err := s.spill.ReadAt(*raw, e.at+int64(e.runs[from])*entrySize); err != nil {
		return nil, buf, err
	}
	start := len(buf)
	for i := 0; i < size; i += entrySize {
		buf = append(buf, binary.LittleEndian.Uint64((*raw)[i:]))
	}
	return buf[start:], buf, nil
}
