package extsort

import (
	"encoding/binary"
	"errors"
	"io"
)

// A cursor reads a run record by record. Runs on disk are read with ReadAt, so
// any number of cursors can share a file.
type cursor struct {
	key, value []byte // the current record, until the next call of next

	window []byte // bytes not yet decoded

	chunks [][]byte           // in memory: what comes after window
	free   func(chunk []byte) // if not nil: takes each chunk when it has been read
	chunk  []byte             // the one to free

	file        *spillFile // on disk
	offset, end int64      // what comes after window
	buf         []byte     // window lies in it
}

// open gives a cursor that stands before the first record. size is the size of
// its read buffer, if it needs one.
func (r *run) open(size int) *cursor {
	c := &cursor{chunks: r.chunks}
	if r.file != nil {
		c.file, c.offset, c.end = r.file, r.offset, r.offset+r.length
		c.buf = make([]byte, min(int64(size), r.length))
	}
	return c
}

// next steps to the next record and says whether there is one.
func (c *cursor) next() (bool, error) {
	for !c.decode() {
		if more, err := c.fill(); !more || err != nil {
			return false, err
		}
	}
	return true, nil
}

// decode takes one record from the window, if a whole one is there.
func (c *cursor) decode() bool {
	b := c.window
	shared, n1 := uvarint(b)
	rest, n2 := uvarint(b[n1:])
	size, n3 := uvarint(b[n1+n2:])
	n := n1 + n2 + n3
	if n3 == 0 || len(b)-n < rest+size {
		return false
	}
	b = b[n:]
	c.key = append(c.key[:shared], b[:rest]...)
	c.value = b[rest:][:size:size]
	c.window = b[rest+size:]
	return true
}

// uvarint is binary.Uvarint with the short forms first. n is 0 if b ends too early.
func uvarint(b []byte) (x, n int) {
	if len(b) > 0 && b[0] < 0x80 {
		return int(b[0]), 1
	}
	u, n := binary.Uvarint(b)
	return int(u), max(n, 0)
}

var errCut = errors.New("it is shorter than what was written to it")

// fill brings more bytes into the window and says whether there were any.
func (c *cursor) fill() (bool, error) {
	if c.file == nil {
		return c.nextChunk(), nil
	}
	left := c.end - c.offset
	if left == 0 {
		if len(c.window) > 0 {
			return false, c.file.explain("read", errCut)
		}
		return false, nil
	}
	if len(c.window) == len(c.buf) { // a record larger than the buffer
		c.buf = make([]byte, min(2*int64(len(c.buf)), int64(len(c.window))+left))
	}
	n := copy(c.buf, c.window)
	want := int(min(left, int64(len(c.buf)-n)))
	got, err := c.file.ReadAt(c.buf[n:][:want], c.offset)
	if got < want {
		if errors.Is(err, io.EOF) {
			err = errCut
		}
		return false, c.file.explain("read", err)
	}
	c.offset += int64(got)
	c.window = c.buf[:n+got]
	return true, nil
}

func (c *cursor) nextChunk() bool {
	if c.free != nil && c.chunk != nil {
		c.free(c.chunk)
		c.chunk = nil
	}
	if len(c.chunks) == 0 {
		return false
	}
	c.window = c.chunks[0]
	c.chunk, c.chunks = c.window, c.chunks[1:]
	return true
}
