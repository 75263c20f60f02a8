package fetch

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"holdfast/fetch/pace"
	"holdfast/fetch/retry"
	"holdfast/internal/vfs"
)

// A spool keeps URLs that wait on disk, those of each origin in the order in
// which they came (R5.5). It remembers of each origin where the first and the
// last of its URLs are; each record says where the next one of its origin is:
//
//	next 8 │ size 4 │ id 8 │ line 8 │ not before 8 │ since 8 │ sends 4 │ status 4 │ state size 4 │ state, JSON │ text
//
// all little-endian; next is written when there is one, size is that of what
// follows it. Nothing is synced, because a spool is of no use to another
// process: a run that resumes finds these URLs in its list, with no final
// record in the log, and begins by removing the file. Space is used again when
// all that was written has come back.
//
// A spool is used by one goroutine at a time.
type spool struct {
	disk  vfs.Disk
	path  string
	file  vfs.DataFile // nil: nothing was put yet
	size  int64        // of the file
	tail  []byte       // whole records that follow it and are not written yet
	queue map[string]*spoolQueue
	n     int // URLs
	tried int // of them had an attempt

	ahead   []byte // what was read of the file
	aheadAt int64  // where it begins there
}

// A spoolQueue is one origin's.
type spoolQueue struct {
	first, last int64
	n           int
}

// A spooled is a URL in a spool.
type spooled struct {
	id        pace.ID
	line      int64
	notBefore time.Duration
	since     time.Duration
	sends     int // on the wire, so far
	status    int // of its last attempt; 0: it had none
	state     retry.State
	text      string // from which its source makes it again
}

const (
	spoolHead  = 12       // next and size
	spoolFixed = 44       // up to the state
	spoolTail  = 64 << 10 // is written at once
	spoolGuess = 1 << 10  // most records are shorter
	spoolAhead = 32 << 10 // is read at once of an origin whose records are neighbours
)

func spoolPath(log string) string { return log + ".spool" }

func newSpool(disk vfs.Disk, path string) *spool {
	return &spool{disk: disk, path: path, queue: map[string]*spoolQueue{}}
}

// put appends a URL to those of an origin.
func (s *spool) put(origin string, u *spooled) error {
	if s.file == nil {
		f, err := s.disk.OpenData(s.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600) // URLs in it are not redacted
		if err != nil {
			return err
		}
		s.file = f
	}
	at := s.size + int64(len(s.tail))
	s.tail = u.append(s.tail)
	q := s.queue[origin]
	if q == nil {
		q = &spoolQueue{first: at}
		s.queue[origin] = q
	} else if err := s.link(q.last, at); err != nil {
		return err
	}
	q.last = at
	q.n++
	s.n++
	if u.state.Attempts > 0 {
		s.tried++
	}
	if len(s.tail) < spoolTail {
		return nil
	}
	n, err := s.file.WriteAt(s.tail, s.size)
	if err != nil {
		return err
	}
	s.size += int64(n)
	s.tail = s.tail[:0]
	return nil
}

// link tells the record at from that the next one of its origin is at to.
func (s *spool) link(from, to int64) error {
	if from >= s.size {
		binary.LittleEndian.PutUint64(s.tail[from-s.size:], uint64(to))
		return nil
	}
	if n := from - s.aheadAt; n >= 0 && n < int64(len(s.ahead)) {
		s.ahead = s.ahead[:n] // it is not so any more
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(to))
	_, err := s.file.WriteAt(b[:], from)
	return err
}

// take gives and removes the first URL of an origin. That there is none is a
// mistake of the caller, and panics.
func (s *spool) take(origin string) (u spooled, err error) {
	q := s.queue[origin]
	if q == nil {
		panic(fmt.Sprintf("fetch: no URL of %s is in the spool", origin))
	}
	next, body, err := s.record(q.first)
	if err == nil {
		err = u.parse(body)
	}
	if err != nil {
		return u, fmt.Errorf("%s: the record at %d: %w", s.path, q.first, err)
	}
	if u.state.Attempts > 0 {
		s.tried--
	}
	q.first = next
	s.n--
	if q.n--; q.n == 0 {
		delete(s.queue, origin)
	}
	if s.n == 0 {
		s.tail = s.tail[:0]
		if s.size > 0 {
			s.size, s.ahead = 0, s.ahead[:0]
			err = s.file.Truncate(0)
		}
	}
	return u, err
}

// record gives the record at an offset; it is valid until the next call.
func (s *spool) record(at int64) (next int64, body []byte, err error) {
	if at >= s.size {
		b := s.tail[at-s.size:]
		return int64(binary.LittleEndian.Uint64(b)), b[spoolHead : spoolHead+binary.LittleEndian.Uint32(b[8:])], nil
	}
	b, err := s.read(at, spoolHead)
	if err != nil {
		return 0, nil, err
	}
	size := int64(binary.LittleEndian.Uint32(b[8:]))
	if b, err = s.read(at, spoolHead+size); err != nil {
		return 0, nil, err
	}
	return int64(binary.LittleEndian.Uint64(b)), b[spoolHead:], nil
}

// read gives n bytes at an offset.
func (s *spool) read(at, n int64) ([]byte, error) {
	if at+n > s.size {
		return nil, errSpool
	}
	from := at - s.aheadAt
	near := from >= 0 && from <= int64(len(s.ahead))
	if near && from+n <= int64(len(s.ahead)) {
		return s.ahead[from : from+n], nil
	}
	much := max(n, spoolGuess)
	if near {
		much = max(n, spoolAhead)
	}
	much = min(much, s.size-at)
	if int64(cap(s.ahead)) < much {
		s.ahead = make([]byte, much)
	}
	got, err := s.file.ReadAt(s.ahead[:much], at)
	s.ahead, s.aheadAt = s.ahead[:got], at
	switch {
	case int64(got) >= n:
		return s.ahead[:n], nil
	case err == nil || err == io.EOF:
		err = errSpool
	}
	return nil, err
}

// close removes the file.
func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), s.disk.Remove(s.path))
}

var errSpool = errors.New("it was changed by somebody else")

// append appends the record.
func (u *spooled) append(b []byte) []byte {
	at := len(b)
	le := binary.LittleEndian
	b = append(b, make([]byte, spoolHead)...)
	b = le.AppendUint64(b, uint64(u.id))
	b = le.AppendUint64(b, uint64(u.line))
	b = le.AppendUint64(b, uint64(u.notBefore))
	b = le.AppendUint64(b, uint64(u.since))
	b = le.AppendUint32(b, uint32(u.sends))
	b = le.AppendUint32(b, uint32(u.status))
	var state []byte
	if u.state != (retry.State{}) {
		state, _ = json.Marshal(&u.state) // plain numbers: no error
	}
	b = le.AppendUint32(b, uint32(len(state)))
	b = append(append(b, state...), u.text...)
	le.PutUint32(b[at+8:], uint32(len(b)-at-spoolHead))
	return b
}

func (u *spooled) parse(b []byte) error {
	if len(b) < spoolFixed {
		return errSpool
	}
	le := binary.LittleEndian
	u.id, u.line = pace.ID(le.Uint64(b)), int64(le.Uint64(b[8:]))
	u.notBefore, u.since = time.Duration(le.Uint64(b[16:])), time.Duration(le.Uint64(b[24:]))
	u.sends, u.status = int(le.Uint32(b[32:])), int(le.Uint32(b[36:]))
	n := int64(le.Uint32(b[40:]))
	if b = b[spoolFixed:]; n > int64(len(b)) {
		return errSpool
	}
	u.text = string(b[n:])
	if n == 0 {
		return nil
	}
	if err := json.Unmarshal(b[:n], &u.state); err != nil {
		return errSpool
	}
	return nil
}
