package extsort

import (
	"bytes"
	"encoding/binary"
)

// A run is a sorted sequence of records, in memory or on disk. Its bytes are
//
//	uvarint shared | uvarint rest | uvarint value length | rest of key | value
//
// for each record, where shared counts the bytes that the key has in common
// with the key before it (front coding: neighbours in sorted order share a
// lot). In memory no record spans two chunks.
type run struct {
	chunks [][]byte // in memory

	file           *spillFile // on disk, unless nil
	offset, length int64

	records     int64
	first, last []byte // keys
}

// maxHeader is the longest form of the three numbers before a record.
const maxHeader = 3 * binary.MaxVarintLen32

// A writer appends records to a run, by way of buffers that hold whole records.
type writer struct {
	run   *run
	buf   []byte
	last  []byte                    // previous key of run
	flush func(full []byte) error   // takes a buffer with records
	fresh func(size int) (b []byte) // gives an empty buffer of that size at least
}

func (w *writer) put(key, value []byte) error {
	most := maxHeader + len(key) + len(value)
	if len(w.buf)+most > cap(w.buf) {
		if err := w.close(); err != nil {
			return err
		}
		w.buf = w.fresh(most)
	}
	if w.run.records == 0 {
		w.run.first = bytes.Clone(key)
	}
	w.run.records++
	shared := commonPrefix(w.last, key)
	b := binary.AppendUvarint(w.buf, uint64(shared))
	b = binary.AppendUvarint(b, uint64(len(key)-shared))
	b = binary.AppendUvarint(b, uint64(len(value)))
	b = append(b, key[shared:]...)
	w.buf = append(b, value...)
	w.last = append(w.last[:shared], key[shared:]...)
	return nil
}

// close hands over what is in the buffer.
func (w *writer) close() error {
	if len(w.buf) == 0 {
		return nil
	}
	w.run.last = append(w.run.last[:0], w.last...)
	full := w.buf
	w.buf = nil
	return w.flush(full)
}

// commonPrefix counts the bytes that a and b have in common at their beginning.
func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for i+8 <= n && binary.LittleEndian.Uint64(a[i:]) == binary.LittleEndian.Uint64(b[i:]) {
		i += 8
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}
