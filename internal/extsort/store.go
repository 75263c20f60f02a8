package extsort

import (
	"bytes"

	"holdfast/internal/vfs"
)

// A store keeps sorted runs: in memory (memory.go) until that is full, then on
// disk (disk.go).
type store struct {
	layout layout
	fs     vfs.FS
	dir    string

	memory []*run // newer than all on disk
	held   int64  // bytes of the chunks of memory
	pool   [][]byte

	disk  []*run // in order of arrival
	files []*spillFile

	scratch []entry // for sorting a batch
	buf     []byte  // for writing to disk
}

func newStore(l layout, fsys vfs.FS, dir string) *store {
	return &store{layout: l, fs: fsys, dir: dir}
}

// take moves the records of a batch into a run in memory, and leaves the batch empty.
func (s *store) take(b *batch) error {
	if len(b.index) == 0 {
		return nil
	}
	if s.held+int64(s.layout.arena+s.layout.chunk) > s.layout.chunks {
		if err := s.spill(s.holdBack()); err != nil {
			return err
		}
	}
	if s.scratch == nil {
		s.scratch = make([]entry, s.layout.index)
	}
	b.sort(s.scratch)
	w := s.memoryWriter(b.key(b.index[0]))
	for _, e := range b.index {
		if err := w.put(b.record(e)); err != nil {
			return err
		}
	}
	b.reset()
	return w.close()
}

// holdBack says how many of the greatest records to keep in memory at a spill.
// If each run reaches further than the one before it, the input is nearly
// sorted: what is late by less than the held part still finds its place in
// front of it, and the run on disk can go on. In other input the greatest
// records would only be merged again and again.
func (s *store) holdBack() (records int64) {
	for i, r := range s.memory {
		if i > 0 && bytes.Compare(s.memory[i-1].last, r.last) > 0 {
			return 0
		}
		records += r.records
	}
	if len(s.memory) == 1 {
		return 0 // in order so far
	}
	return records / 8
}

// spill moves the runs in memory to disk as one run, except for the last hold
// records, which become the only run in memory.
func (s *store) spill(hold int64) error {
	runs := s.memory
	if len(runs) == 0 {
		return nil
	}
	var records int64
	for _, r := range runs {
		records += r.records
	}
	s.memory = nil
	m := newMerger(runs, 0, s.free)
	r, err := s.writeRun(m, records-hold)
	if err != nil {
		return err
	}
	s.addToDisk(r)
	if err := s.collect(m); err != nil {
		return err
	}
	return s.reduce(4*s.layout.fanIn, s.layout.fanIn) // bounds what is remembered of the runs
}

// finish ends the taking: all runs are in memory, or all of them on disk and
// few enough to be merged at once.
func (s *store) finish() error {
	if len(s.disk) > 0 {
		if err := s.spill(0); err != nil {
			return err
		}
		if err := s.reduce(s.layout.fanIn+1, 2); err != nil {
			return err
		}
	} else if err := s.compact(); err != nil {
		return err
	}
	s.pool, s.scratch, s.buf = nil, nil, nil
	return nil
}

// each calls yield with all records in order until it returns false.
func (s *store) each(yield func(key, value []byte) bool) error {
	runs := s.memory
	if len(s.disk) > 0 {
		runs = s.disk
	}
	if len(runs) == 0 {
		return nil
	}
	m := newMerger(runs, s.layout.windowFor(len(runs)), nil)
	for {
		c, err := m.next()
		if c == nil || err != nil {
			return err
		}
		if !yield(c.key, c.value) {
			return nil
		}
	}
}

func (s *store) close() {
	for _, f := range s.files {
		f.Close()
	}
	*s = store{}
}
