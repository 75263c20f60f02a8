package ingest

import (
	"bytes"
	"io"
)

// window is the part of a stream that is being looked at: buf[pos:end] is read
// and not yet consumed. It grows to maxWindow at most.
type window struct {
	r        io.Reader
	buf      []byte
	pos, end int
	base     int64 // offset in the stream of buf[0]
	eof      bool
	err      error // of r, other than io.EOF

	// Where the next of each byte is: there is none in buf[pos:lf], and so on.
	// They make the search for line ends linear, also in a file that has only
	// one kind of them, which a search per line would not.
	lf, cr, quote int
}

const (
	firstWindow = 64 << 10
	maxWindow   = MaxRecord + 64<<10
)

func newWindow(r io.Reader) window { return window{r: r, buf: make([]byte, firstWindow)} }

// windowOn is a window on all of a text that is already in memory.
func windowOn(text []byte) window { return window{buf: text, end: len(text), eof: true} }

// rest is what has been read and not been consumed.
func (w *window) rest() []byte { return w.buf[w.pos:w.end] }

// offset is the position of buf[pos] in the stream.
func (w *window) offset() int64 { return w.base + int64(w.pos) }

// consume drops the first n bytes of rest.
func (w *window) consume(n int) { w.pos += n }

// fill reads more behind rest. It returns false if there is no more, or no room
// for it. What rest returned before is no longer valid.
func (w *window) fill() bool {
	if w.eof {
		return false
	}
	w.makeRoom()
	if w.end == len(w.buf) {
		return false
	}
	for range 100 {
		n, err := w.r.Read(w.buf[w.end:])
		w.end += n
		if err != nil {
			w.eof = true
			if err != io.EOF {
				w.err = err
			}
		}
		if n > 0 || w.eof {
			return n > 0
		}
	}
	w.eof, w.err = true, io.ErrNoProgress
	return false
}

// makeRoom moves rest to the front of the buffer, or to a larger one, if little
// is left behind it.
func (w *window) makeRoom() {
	if len(w.buf)-w.end >= len(w.buf)/2 {
		return
	}
	to := w.buf
	switch n := w.end - w.pos; {
	case n > len(w.buf)/2 && len(w.buf) < maxWindow:
		to = make([]byte, min(2*len(w.buf), maxWindow))
	case w.pos == 0:
		return
	}
	copy(to, w.rest())
	w.base += int64(w.pos)
	w.lf, w.cr, w.quote = w.lf-w.pos, w.cr-w.pos, w.quote-w.pos
	w.end -= w.pos
	w.pos, w.buf = 0, to
}

// byteAt returns the byte n behind the front of rest. It returns false at the
// end of the stream; n must not be above MaxRecord, so that there is room.
func (w *window) byteAt(n int) (byte, bool) {
	for w.pos+n >= w.end {
		if !w.fill() {
			return 0, false
		}
	}
	return w.buf[w.pos+n], true
}

// full reports whether rest takes all the room there can be.
func (w *window) full() bool { return w.end-w.pos >= MaxRecord }

// find returns where in rest the next c is, len(rest) if it is not there. memo
// is one of lf, cr and quote.
func (w *window) find(memo *int, c byte) int {
	*memo = max(*memo, w.pos)
	if *memo == w.end || w.buf[*memo] != c {
		if i := bytes.IndexByte(w.buf[*memo:w.end], c); i >= 0 {
			*memo += i
		} else {
			*memo = w.end
		}
	}
	return *memo - w.pos
}

// line finds the end of the line at the front of rest: n bytes, then a line end
// (LF, CRLF or CR) of size bytes; size is 0 at the end of the stream. It
// returns false if the line does not fit.
func (w *window) line() (n, size int, ok bool) {
	for {
		n = min(w.find(&w.lf, '\n'), w.find(&w.cr, '\r'))
		rest := w.rest()
		switch {
		case n+1 < len(rest):
			return n, lineEnd(rest[n:]), true
		case n < len(rest) && rest[n] == '\n':
			return n, 1, true
		case w.full():
			return 0, 0, false
		}
		if !w.fill() { // a CR may be the last byte
			return n, len(w.rest()) - n, true
		}
	}
}

// lineEnd is the size of the line end at the front of b, which holds a byte
// more if the line end is a CR.
func lineEnd(b []byte) int {
	if b[0] == '\r' && b[1] == '\n' {
		return 2
	}
	return 1
}

// skipLine consumes a line that is too long to look at, n bytes and a line end
// of size bytes, as line has it.
func (w *window) skipLine() (n int64, size int) {
	for {
		if last, size, ok := w.line(); ok {
			w.consume(last + size)
			return n + int64(last), size
		}
		part := len(w.rest()) - 1 // a CR at the end stays, for its LF
		w.consume(part)
		n += int64(part)
	}
}

// countLines counts the line ends in b.
func countLines(b []byte) (n int64) {
	n = int64(bytes.Count(b, []byte{'\n'}))
	for i := bytes.IndexByte(b, '\r'); i >= 0; {
		if i+1 == len(b) || b[i+1] != '\n' {
			n++
		}
		next := bytes.IndexByte(b[i+1:], '\r')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return n
}
