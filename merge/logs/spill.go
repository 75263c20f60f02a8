package logs

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"holdfast/internal/extsort"
	"holdfast/internal/vfs"
)

// A spill holds the records that came after the memory for fingerprints was
// full, in their order, and their fingerprints with their positions. Sorted,
// these tell which positions repeat an earlier one; then the records are read
// again and the others written. So deduplication is exact in bounded memory,
// also of what can be read only once. (Merging the inputs a second time would
// save the records' disk space, but not work with a pipe.)
type spill struct {
	m       *merge
	file    vfs.File
	records *bufio.Writer // each with its length before it
	prints  *extsort.Sorter
	n       uint64
	head    [binary.MaxVarintLen64]byte
	key     []byte
	line    []byte
}

func newSpill(m *merge) (*spill, error) {
	f, err := vfs.Scratch(m.FS, m.Temp)
	if err != nil {
		return nil, err
	}
	return &spill{m: m, file: f, records: bufio.NewWriterSize(f, 256<<10), prints: m.spillSorter()}, nil
}

func (m *merge) spillSorter() *extsort.Sorter {
	return extsort.New(extsort.Config{Memory: m.Memory / 8, Dir: m.Temp, FS: m.FS, Jobs: 1})
}

// add adds the next record.
func (s *spill) add(record []byte, print fingerprint) error {
	s.records.Write(binary.AppendUvarint(s.head[:0], uint64(len(record))))
	if _, err := s.records.Write(record); err != nil {
		return err
	}
	position := s.n
	s.n++
	if print == (fingerprint{}) {
		return nil
	}
	s.key = print.append(s.key[:0])
	s.key = binary.BigEndian.AppendUint64(s.key, position)
	return s.prints.Add(s.key, nil)
}

// settle writes the records whose fingerprints are the first of their kind,
// and tells how many others there were.
func (s *spill) settle(out *sink) (dropped int64, err error) {
	if err := s.records.Flush(); err != nil {
		return 0, err
	}
	drops, err := s.repeats()
	if err != nil {
		return 0, err
	}
	defer drops.Close()
	r := bufio.NewReaderSize(io.NewSectionReader(s.file, 0, 1<<62), 256<<10)
	var position uint64
	for key := range drops.All(&err) {
		drop := binary.BigEndian.Uint64(key)
		if err := s.copy(out, r, drop-position); err != nil {
			return dropped, err
		}
		if err := s.copy(nil, r, 1); err != nil {
			return dropped, err
		}
		position = drop + 1
		dropped++
	}
	if err != nil {
		return dropped, err
	}
	return dropped, s.copy(out, r, s.n-position)
}

// repeats gives the positions of the records that repeat an earlier one,
// ascending.
func (s *spill) repeats() (_ *extsort.Sorted, err error) {
	sorted, err := s.prints.Sort()
	if err != nil {
		return nil, err
	}
	defer sorted.Close()
	drops := s.m.spillSorter()
	defer drops.Close()
	var last []byte
	for key := range sorted.All(&err) {
		print, position := key[:16], key[16:]
		if bytes.Equal(print, last) {
			if err := drops.Add(position, nil); err != nil {
				return nil, err
			}
		}
		last = append(last[:0], print...)
	}
	if err != nil {
		return nil, err
	}
	return drops.Sort()
}

// copy copies the next n records; without an out it skips them.
func (s *spill) copy(out *sink, r *bufio.Reader, n uint64) error {
	for ; n > 0; n-- {
		size, err := binary.ReadUvarint(r)
		if err == nil {
			s.line = slices.Grow(s.line[:0], int(size))[:size]
			_, err = io.ReadFull(r, s.line)
		}
		if err != nil {
			return fmt.Errorf("a temporary file in %s was cut short: %w", s.m.Temp, err)
		}
		if out == nil {
			continue
		}
		if err := out.add(s.line); err != nil {
			return err
		}
		if n%4096 == 0 && s.m.ctx.Err() != nil {
			return s.m.ctx.Err()
		}
	}
	return nil
}

func (s *spill) close() {
	s.prints.Close()
	s.file.Close()
}
