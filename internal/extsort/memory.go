package extsort

import "bytes"

// memoryWriter continues the newest run in memory if a record with this key
// may stand behind it, so that sorted input makes one run; otherwise it begins
// another.
func (s *store) memoryWriter(first []byte) *writer {
	w := &writer{flush: s.keep, fresh: s.newChunk}
	if n := len(s.memory); n > 0 && bytes.Compare(s.memory[n-1].last, first) <= 0 {
		w.run = s.memory[n-1]
		end := len(w.run.chunks) - 1
		w.buf, w.run.chunks = w.run.chunks[end], w.run.chunks[:end]
		s.held -= int64(cap(w.buf))
		return w
	}
	w.run = &run{}
	s.memory = append(s.memory, w.run)
	return w
}

// keep adds a chunk to the newest run in memory.
func (s *store) keep(chunk []byte) error {
	r := s.memory[len(s.memory)-1]
	r.chunks = append(r.chunks, chunk)
	s.held += int64(cap(chunk))
	return nil
}

func (s *store) newChunk(size int) []byte {
	if size > s.layout.chunk {
		return make([]byte, 0, size)
	}
	if n := len(s.pool); n > 0 {
		c := s.pool[n-1]
		s.pool = s.pool[:n-1]
		return c
	}
	return make([]byte, 0, s.layout.chunk)
}

// free takes a chunk that has been read for the last time.
func (s *store) free(chunk []byte) {
	s.held -= int64(cap(chunk))
	if cap(chunk) == s.layout.chunk { // not that of a record larger than a chunk
		s.pool = append(s.pool, chunk[:0])
	}
}

// collect reads m to its end into a new run in memory.
func (s *store) collect(m *merger) error {
	var w *writer
	for {
		c, err := m.next()
		switch {
		case err != nil:
			return err
		case c == nil && w == nil:
			return nil
		case c == nil:
			return w.close()
		case w == nil:
			w = s.memoryWriter(c.key)
		}
		if err := w.put(c.key, c.value); err != nil {
			return err
		}
	}
}

// compact makes one run of those in memory, so that each range over them is
// cheap. While it does so, each run may hold on to one chunk that is partly
// read: the memory for that is what the batches had.
func (s *store) compact() error {
	runs := s.memory
	if len(runs) < 2 || len(runs)*s.layout.chunk > s.layout.batches() {
		return nil
	}
	s.memory = nil
	return s.collect(newMerger(runs, 0, s.free))
}
