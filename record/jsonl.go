package record

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"holdfast/record/seq"
)

// A JSONL is a source that reads packets as JSON lines (6.2). Make it with
// [NewJSONL].
type JSONL struct {
	c        JSONLConfig
	in       *bufio.Reader
	close    func() error
	parser   jsonlParser
	line     int64  // lines read by this process
	told     int64  // of them, those that the recorder has seen
	start    uint64 // where the first line that is told begins
	offset   uint64 // where the next line begins
	rejected int64
	early    []Event // what was read to find the first packet
	text     []byte

	// Each line of an input that may keep its reader waiting is read by a
	// goroutine of its own. While waiting is true one is at it, and all that read
	// changes is the goroutine's.
	answer  chan jsonlAnswer // nil for a plain file
	waiting bool
}

type jsonlAnswer struct {
	event Event
	err   error
}

// JSONLConfig says what to read.
type JSONLConfig struct {
	Name string // of the input, for messages
	// Open gives the input. If it is an io.Seeker, a session goes on where it
	// stopped; else it is read again, and what is known is discarded.
	Open       func() (io.ReadCloser, error)
	MaxPayload int          // longest payload in bytes; 0 is 1 MiB
	Requests   io.Writer    // takes requests as JSON lines; nil: nothing can be asked for
	Warn       func(string) // told of the first ten lines that are rejected; may be nil
}

// maxWarnings of one kind: more would hide the rest.
const maxWarnings = 10

// maxEarly bounds what is kept of a stream that begins with marks instead of
// packets.
const maxEarly = 1 << 16

// readAhead is how much is read at a time: what it holds is recorded in few
// writes.
const readAhead = 256 << 10

// byteOrderMark begins files of some editors and exporters.
var byteOrderMark = []byte("\xef\xbb\xbf")

// NewJSONL makes a source. Nothing is opened before its session is.
func NewJSONL(c JSONLConfig) *JSONL {
	if c.MaxPayload == 0 {
		c.MaxPayload = 1 << 20
	}
	return &JSONL{c: c, parser: jsonlParser{maxPayload: c.MaxPayload}}
}

// Open opens the input at the byte where the session stopped. An input without
// any packet is an [InputError].
func (j *JSONL) Open(cursor uint64, known bool) error {
	in, err := j.c.Open()
	if err != nil {
		return err
	}
	j.close = in.Close
	if !j.seek(in, cursor, known) {
		j.answer = make(chan jsonlAnswer, 1)
	}
	j.in = bufio.NewReaderSize(in, readAhead)
	if j.offset > 0 {
		return nil
	}
	for len(j.early) < maxEarly {
		var e Event
		err := j.read(&e)
		if err == io.EOF && j.rejected == 0 && len(j.early) == 0 {
			return &InputError{Path: j.c.Name, Err: errors.New("it is empty: there is no packet to record")}
		}
		if err == io.EOF {
			return &InputError{Path: j.c.Name, Err: fmt.Errorf("none of its %d lines is a packet", j.line)}
		}
		if err != nil {
			return err
		}
		if e.Kind == Arrived { // it is kept beyond the next line
			e.Delivery.Payload = append([]byte(nil), e.Delivery.Payload...)
			j.early = append(j.early, e)
			return nil
		}
		j.early = append(j.early, e)
	}
	return nil
}

// seek reports whether the input is a file that can be read anywhere, and goes
// to where the session stopped.
func (j *JSONL) seek(in io.Reader, cursor uint64, known bool) bool {
	s, ok := in.(io.Seeker)
	if !ok {
		return false
	}
	if !known {
		cursor = 0
	}
	if _, err := s.Seek(int64(cursor), io.SeekStart); err != nil {
		return false
	}
	j.start, j.offset = cursor, cursor
	return true
}

// Close closes the input. It may be called while Next waits, which then ends.
func (j *JSONL) Close() error {
	if j.close == nil {
		return nil
	}
	return j.close()
}

// Caps is what the source can do.
func (j *JSONL) Caps() seq.Caps {
	return seq.Caps{Requests: j.c.Requests != nil, Position: j.start}
}

// Rejected counts the lines that were no packets.
func (j *JSONL) Rejected() int64 { return j.rejected }

// Receive gives the next packet and passes over all else.
func (j *JSONL) Receive(ctx context.Context) (seq.Delivery, error) {
	for {
		e, err := j.Next(ctx)
		if err != nil || e.Kind == Arrived {
			return e.Delivery, err
		}
	}
}

// Next gives what the next line tells, io.EOF at the end.
func (j *JSONL) Next(ctx context.Context) (e Event, err error) {
	if err := ctx.Err(); err != nil {
		return e, err
	}
	if len(j.early) > 0 {
		e := j.early[0]
		j.early = j.early[1:]
		j.told = j.line - int64(len(j.early))
		return e, nil
	}
	if j.answer != nil && !j.Ready() {
		return j.await(ctx)
	}
	err = j.read(&e)
	j.told = j.line
	return e, err
}

// Ready reports whether the next line has been read already.
func (j *JSONL) Ready() bool {
	switch {
	case len(j.early) > 0:
		return true
	case j.waiting:
		return false
	}
	text, _ := j.in.Peek(j.in.Buffered())
	end := bytes.IndexByte(text, '\n')
	return end > 0 && !blank(text[:end])
}

// await waits for the next line as long as ctx lasts.
func (j *JSONL) await(ctx context.Context) (Event, error) {
	if !j.waiting {
		j.waiting = true
		go func() {
			var a jsonlAnswer
			a.err = j.read(&a.event)
			j.answer <- a
		}()
	}
	select {
	case a := <-j.answer:
		j.waiting = false
		j.told = j.line
		return a.event, a.err
	case <-ctx.Done():
		return Event{}, ctx.Err()
	}
}

// read reads the next line that is not empty.
func (j *JSONL) read(e *Event) error {
	for {
		text, n, err := j.readLine()
		if n == 0 {
			return err
		}
		j.line++
		if j.offset == 0 {
			text = bytes.TrimPrefix(text, byteOrderMark)
		}
		j.offset += uint64(n)
		if err == nil && blank(text) {
			continue
		}
		if err == nil {
			err = j.parser.parse(text, e)
		}
		if err != nil {
			j.rejected++
			if j.rejected <= maxWarnings && j.c.Warn != nil {
				j.c.Warn(fmt.Sprintf("%s:%d: %v", j.c.Name, j.line, err))
			}
			*e = Event{Kind: Rejected, At: j.parser.last}
		}
		e.Cursor = j.offset
		e.Delivery.Cursor = j.offset
		return nil
	}
}

// readLine gives a line with its end and how many bytes it took; no bytes at
// the end of the input. The text is valid until the next call. A line that is
// too long is passed over.
func (j *JSONL) readLine() (text []byte, n int, err error) {
	limit := 2*j.c.MaxPayload + 4096
	text, err = j.in.ReadSlice('\n')
	n = len(text)
	if err == bufio.ErrBufferFull {
		j.text = append(j.text[:0], text...)
		for err == bufio.ErrBufferFull {
			text, err = j.in.ReadSlice('\n')
			n += len(text)
			if len(j.text) <= limit {
				j.text = append(j.text, text...)
			}
		}
		text = j.text
	}
	switch {
	case n == 0, err != nil && err != io.EOF:
		return nil, 0, err
	case len(text) > limit:
		return nil, n, fmt.Errorf("a line of %d bytes", n)
	}
	return text, n, nil
}

func blank(text []byte) bool {
	for _, c := range text {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}

// RequestRetransmit asks for count packets from first.
func (j *JSONL) RequestRetransmit(first uint64, count int) error {
	return j.Ask(seq.Range{First: first, Count: uint32(count)}, 0)
}

// Ask writes a request as a JSON line:
//
//	{"first":46,"last":46,"cause":"corrupt","try":1,"at":0,"after":5}
//
// after is how many lines were read before it.
func (j *JSONL) Ask(r seq.Range, now time.Duration) error {
	b := append([]byte(nil), `{"first":`...)
	b = strconv.AppendUint(b, r.First, 10)
	b = append(b, `,"last":`...)
	b = strconv.AppendUint(b, r.First+uint64(r.Count)-1, 10)
	b = append(b, `,"cause":"`...)
	b = append(b, r.Cause.String()...)
	b = append(b, `","try":`...)
	b = strconv.AppendUint(b, uint64(r.Try), 10)
	b = append(b, `,"at":`...)
	b = strconv.AppendFloat(b, now.Seconds(), 'f', -1, 64)
	b = append(b, `,"after":`...)
	b = strconv.AppendInt(b, j.told, 10)
	_, err := j.c.Requests.Write(append(b, "}\n"...))
	return err
}
