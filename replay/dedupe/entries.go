package dedupe

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
)

// entries are the hashes of the usable records of one chunk, sorted by
// partition, within it in file order. The partition is the top bits of the
// hash of a key; of the rest an entry keeps the low 32 bits, six bytes in all:
// two keys that agree in both are compared for real later, so that dropped bits
// cost a second look, never a row.
//
// Spilled entries lie in the file as all hashes, then all records,
// little-endian.
type entries struct {
	runs    []uint32 // partition p has the entries runs[p] to runs[p+1]-1
	hashes  []uint32 // nil if spilled
	records []uint16 // their records within the chunk
	at      int64    // where in the spill file
}

const (
	hashSize   = 4
	recordSize = 2
	entrySize  = hashSize + recordSize

	// maxRecords is how many records a chunk may have.
	maxRecords = 1 << (8 * recordSize)
)

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

// maxPartitionBits bounds what each chunk spends on runs.
const maxPartitionBits = 9

// newStore prepares for about the given number of records. Spill is called
// for a place to put what does not fit, if that may become necessary.
func newStore(records, budget int64, spill func() (*spool, error)) (s *store, err error) {
	s = &store{budget: budget}
	for s.bits < maxPartitionBits && records>>s.bits > rowsPerPartition {
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
	spilled entries
	raw     []byte
}

// put stores hashes[i] for record i; zero marks a record without an entry.
func (s *store) put(w *sorter, hashes []uint64) (entries, error) {
	n := s.partitions()
	e := entries{runs: make([]uint32, n+1)}
	shift := 64 - s.bits
	for _, h := range hashes {
		if h != 0 {
			e.runs[h>>shift+1]++
		}
	}
	for p := range n {
		e.runs[p+1] += e.runs[p]
	}
	count := int(e.runs[n])
	size := int64(count) * entrySize
	inMemory := s.spill == nil || s.inMemory.Add(size) <= s.budget
	if inMemory {
		e.hashes, e.records = make([]uint32, count), make([]uint16, count)
		w.fill(&e, hashes, shift)
		return e, nil
	}
	s.inMemory.Add(-size)
	w.spilled.runs = e.runs
	w.spilled.hashes = slices.Grow(w.spilled.hashes[:0], count)[:count]
	w.spilled.records = slices.Grow(w.spilled.records[:0], count)[:count]
	w.fill(&w.spilled, hashes, shift)
	w.raw = w.raw[:0]
	for _, h := range w.spilled.hashes {
		w.raw = binary.LittleEndian.AppendUint32(w.raw, h)
	}
	for _, r := range w.spilled.records {
		w.raw = binary.LittleEndian.AppendUint16(w.raw, r)
	}
	var err error
	e.at, err = s.spill.add(w.raw)
	return e, err
}

// fill writes each entry to its place.
func (w *sorter) fill(e *entries, hashes []uint64, shift uint) {
	w.next = append(w.next[:0], e.runs...)
	for i, h := range hashes {
		if h != 0 {
			at := &w.next[h>>shift]
			e.hashes[*at], e.records[*at] = uint32(h), uint16(i)
			*at++
		}
	}
}

// part is some partitions of the entries of a chunk.
type part struct {
	hashes  []uint32
	records []uint16
}

// loader reads parts; those that were spilled share its buffers, until reset.
type loader struct {
	hashes  []uint32
	records []uint16
	raw     []byte
}

// reset makes room for n spilled entries.
func (l *loader) reset(n int) {
	l.hashes, l.records = slices.Grow(l.hashes[:0], n), slices.Grow(l.records[:0], n)
}

// load returns partitions from to to-1 of a chunk.
func (s *store) load(e *entries, from, to int, l *loader) (part, error) {
	first, end := e.runs[from], e.runs[to]
	if e.hashes != nil {
		return part{e.hashes[first:end], e.records[first:end]}, nil
	}
	start, n := len(l.hashes), int(end-first)
	l.raw = slices.Grow(l.raw[:0], n*hashSize)[:n*hashSize]
	if err := s.read(l.raw, e.at+int64(first)*hashSize); err != nil {
		return part{}, err
	}
	for i := range n {
		l.hashes = append(l.hashes, binary.LittleEndian.Uint32(l.raw[i*hashSize:]))
	}
	l.raw = l.raw[:n*recordSize]
	count := e.runs[len(e.runs)-1]
	if err := s.read(l.raw, e.at+int64(count)*hashSize+int64(first)*recordSize); err != nil {
		return part{}, err
	}
	for i := range n {
		l.records = append(l.records, binary.LittleEndian.Uint16(l.raw[i*recordSize:]))
	}
	return part{l.hashes[start:], l.records[start:]}, nil
}

func (s *store) read(b []byte, at int64) error {
	if len(b) == 0 {
		return nil
	}
	_, err := s.spill.ReadAt(b, at)
	return err
}
