package extsort

import (
	"bytes"
	"slices"
)

// writeRun moves that many records from m to the end of the newest spill file.
// The run is not yet on the list.
func (s *store) writeRun(m *merger, records int64) (*run, error) {
	f, err := s.spillFile()
	if err != nil {
		return nil, err
	}
	if s.buf == nil {
		s.buf = make([]byte, 0, s.layout.spill)
	}
	r := &run{file: f, offset: f.size}
	w := &writer{run: r, buf: s.buf, flush: f.write, fresh: s.spillBuffer}
	for range records {
		c, err := m.next()
		if err != nil {
			return nil, err
		}
		if err := w.put(c.key, c.value); err != nil {
			return nil, err
		}
	}
	if err := w.close(); err != nil {
		return nil, err
	}
	r.length = f.size - r.offset
	return r, nil
}

// spillBuffer gives the same buffer again: it was written to disk.
func (s *store) spillBuffer(size int) []byte {
	if size > cap(s.buf) {
		return make([]byte, 0, size)
	}
	return s.buf[:0]
}

// spillFile gives the newest spill file, or a new one once that has a quarter
// of the runs that are merged at once: so merging frees whole files.
func (s *store) spillFile() (*spillFile, error) {
	if n := len(s.files); n > 0 && s.files[n-1].runs < max(1, s.layout.fanIn/4) {
		return s.files[n-1], nil
	}
	f, err := createSpill(s.fs, s.dir)
	if err != nil {
		return nil, err
	}
	s.files = append(s.files, f)
	return f, nil
}

// addToDisk appends r to the runs on disk, or to the newest of them if it
// follows that in the file and in the order of keys.
func (s *store) addToDisk(r *run) {
	if n := len(s.disk); n > 0 {
		l := s.disk[n-1]
		if l.file == r.file && l.offset+l.length == r.offset && bytes.Compare(l.last, r.first) <= 0 {
			l.length += r.length
			l.records += r.records
			l.last = r.last
			return
		}
	}
	s.disk = append(s.disk, r)
	r.file.runs++
	r.file.live++
}

// reduce merges neighbouring runs, at least few and at most the fan-in at
// once, until there are fewer than limit.
func (s *store) reduce(limit, few int) error {
	for len(s.disk) >= limit {
		s.pool = nil // its memory is now for read buffers
		n := min(s.layout.fanIn, max(few, len(s.disk)-limit+2))
		if err := s.mergeSmallest(n); err != nil {
			return err
		}
	}
	return nil
}

// mergeSmallest merges the n neighbouring runs that are cheapest to rewrite.
// Only neighbours: their order decides between equal keys.
func (s *store) mergeSmallest(n int) error {
	i := cheapest(s.disk, n)
	old := s.disk[i : i+n]
	var records int64
	for _, r := range old {
		records += r.records
	}
	merged, err := s.writeRun(newMerger(old, s.layout.window, nil), records)
	if err != nil {
		return err
	}
	merged.file.runs++
	merged.file.live++
	for _, r := range old {
		r.file.live--
	}
	s.disk = slices.Replace(s.disk, i, i+n, merged)
	s.files = slices.DeleteFunc(s.files, func(f *spillFile) bool {
		if f.live == 0 {
			f.Close() // nothing in it is needed, so nothing can be lost
		}
		return f.live == 0
	})
	return nil
}

// cheapest gives the index of the n neighbours with the fewest bytes.
func cheapest(runs []*run, n int) int {
	var sum int64
	for _, r := range runs[:n] {
		sum += r.length
	}
	best, least := 0, sum
	for i := n; i < len(runs); i++ {
		sum += runs[i].length - runs[i-n].length
		if sum < least {
			best, least = i-n+1, sum
		}
	}
	return best
}
