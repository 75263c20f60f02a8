// Package journal is the write-ahead journal of a recorder: frames of package
// seq in files that survive what the chosen level says, and that always open
// again.
//
// It promises: a frame that was acknowledged ([Journal.Commit]) is read back
// bit for bit after any crash that its [Level] covers. A torn tail is cut and
// never mistaken for data. A flipped bit in synced data is reported, what it
// destroyed is named by its numbers (LSN), and everything behind it is read.
// Nothing that is not valid is ever returned as a frame. Opening may itself be
// killed at any point and repeated. Nothing of a journal is deleted: damaged
// bytes are saved beside their segment before anything relies on their absence.
//
// It does not promise to notice a tail of synced frames that turned into zeros,
// as if it had never been written, when nothing is left to prove it: neither a
// later frame or segment nor the file SYNCED, which a power cut may leave older
// than the frames. The log, which repeats the journal, narrows that hole.
//
// A journal is a folder (all numbers little-endian):
//
//	LOCK                             flock of the one writer; holds its process number
//	SYNCED                           what the last sync made durable, if it got that far
//	TAIL                             frames that are not yet in their segment
//	%016x.seg                        segments, by number from 1
//	%016x.seg.tmp                    a segment that has not begun
//	%016x.seg.torn                   what was behind the last frame after a crash
//	%016x.seg.corrupt-OFFSET         damaged bytes of the segment at that offset
//	%016x.seg.misnamed               empty: the file is not that segment, as was noted
//	missing-LSN                      empty: frames from that one on are missing, as was noted
//
// Segments follow each other: the first LSN in the header of one ends the one
// before it. What a segment holds from there on is dead, for recovery has
// written it again. So a recovery never changes a segment that it reads: it
// begins the next one, and cuts the old one when the new one is durable. First
// of all it writes the frames in TAIL where the process before it would have.
//
// A frame that was appended is with the system, and no kill takes it, though it
// may be in TAIL only: copy the folder whole. Read it with a [Reader], which
// knows.
//
// Call [Open] to write, [NewReader] only to read.
package journal

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"holdfast/internal/vfs"
)

// An LSN is the number of a frame: 1 for the first of a journal, then one more
// each.
type LSN uint64

// A Level is what an acknowledged frame survives (D1).
type Level uint8

const (
	Group    Level = iota // power loss; Commit waits for a sync that frames share
	None                  // the end of the process, but no power loss
	Interval              // as None; power loss costs at most what came within Config.Interval
	Always                // power loss; for callers that commit each frame
)

func (l Level) String() string {
	switch l {
	case Group:
		return "group"
	case None:
		return "none"
	case Interval:
		return "interval"
	case Always:
		return "always"
	}
	return "level?"
}

// survivesPower says whether Commit waits for the disk.
func (l Level) survivesPower() bool { return l == Group || l == Always }

// Config says how a journal is kept. The zero value of each field but Session
// is a good choice.
type Config struct {
	Session string // whose journal it is
	Level   Level

	GroupWindow time.Duration // Group: a frame that nobody commits is synced after this; 0 is 1 ms
	GroupBytes  int64         // Group: or as soon as so many bytes wait; 0 is 256 KiB
	Interval    time.Duration // Interval: a frame is synced after this; 0 is 100 ms

	SegmentBytes int64        // length of a segment; 0 is 64 MiB, the least is 4 KiB
	Now          func() int64 // nanoseconds since 1970 for segment headers; nil is always 0
	OnSync       func(Sync)   // told after each sync of appended frames, from any goroutine; must not call the journal; may be nil

	// Replay gets each frame that the journal holds, once and by ascending LSN,
	// while Open runs. An error ends Open. May be nil.
	Replay func(Entry) error
}

// A Sync tells of one sync.
type Sync struct {
	Durable LSN // the last frame that it made durable
	Bytes   int64
	Took    time.Duration
}

// ErrVersion says that a journal was written by a later version of Holdfast.
var ErrVersion = errors.New("written by a later version: use that version")

// ErrForeign says that a journal belongs to another session.
var ErrForeign = errors.New("the journal of another session: name another state folder or session")

// ErrClosed is what a journal answers after Close.
var ErrClosed = errors.New("journal is closed")

// A FullError says that the disk has no room for the next frames (D4). The
// journal stays usable: once there is room, or for the few bytes of a last
// frame of type 9, STOP, for which room is kept.
type FullError struct {
	Path string
	Need int64 // bytes that would let it go on
	Err  error
}

func (e *FullError) Error() string {
	return fmt.Sprintf("%s: %v: free %d bytes and start again", e.Path, e.Err, e.Need)
}

func (e *FullError) Unwrap() error { return e.Err }

// A Journal takes frames. All methods may be called from several goroutines.
type Journal struct {
	fs    vfs.Disk
	dir   string
	c     Config
	lock  io.Closer
	timer *time.Timer // of Group and Interval; runs while armed

	mu       sync.Mutex // guards what follows; not held during a sync of Commit or of the timer
	changed  *sync.Cond // syncing ended or err was set; on mu
	tail     tail       // where enc.buf is, if it can be
	enc      encoder
	seg      segment // that is written
	next     LSN     // behind all that were written to seg
	pending  LSN     // frames in enc.buf, behind next
	durable  LSN     // all up to it are synced
	synced   int64   // bytes of seg known synced
	zeroed   int64   // bytes of seg written at least once, if only with zeros
	pieceEnd int64   // of seg: no write but of one frame goes beyond it
	group    int64   // bytes that the last sync covered
	armed    bool    // timer runs
	hurried  bool    // and at once
	syncing  bool    // somebody syncs seg without mu: it must not be closed

	witness   mapped // SYNCED
	testimony []byte // its contents
	session   [8]byte

	closed bool
	err    error // the first failure, for ever (D3)
}

// lockPatience is how long Open waits for the writer before it (D7).
const lockPatience = 500 * time.Millisecond

// Open opens the journal in dir for writing, and makes it if there is none. It
// reads all of it, gives the frames to Config.Replay, repairs what a crash has
// left (D3, D8), and begins a new segment. Errors are [ErrForeign] and
// [ErrVersion], with nothing touched, a [LockedError], a [FullError], those of
// Replay, and those of the disk.
func Open(fsys vfs.Disk, dir string, c Config) (*Journal, Recovery, error) {
	c, err := c.complete()
	if err != nil {
		return nil, Recovery{}, err
	}
	if err := makeDir(fsys, dir); err != nil {
		return nil, Recovery{}, fmt.Errorf("journal: %w", err)
	}
	lock, err := lockDir(fsys, dir)
	if err != nil {
		return nil, Recovery{}, err
	}
	j := &Journal{fs: fsys, dir: dir, c: c, lock: lock, session: sessionID(c.Session)}
	j.changed = sync.NewCond(&j.mu)
	rec, err := j.recover()
	if err != nil {
		lock.Close()
		j.tail.close()
		j.witness.close()
		return nil, rec, fmt.Errorf("journal: %w", err)
	}
	if c.Level == Group || c.Level == Interval {
		j.timer = time.AfterFunc(time.Hour, j.syncInTime)
		j.timer.Stop()
	}
	return j, rec, nil
}

func (c Config) complete() (Config, error) {
	switch {
	case c.Session == "":
		return c, errors.New("journal: the session has no name")
	case c.Level > Always:
		return c, fmt.Errorf("journal: there is no level %d", c.Level)
	case c.GroupWindow < 0 || c.Interval < 0 || c.GroupBytes < 0 || c.SegmentBytes < 0:
		return c, errors.New("journal: a duration or length is negative")
	}
	if c.GroupWindow == 0 {
		c.GroupWindow = time.Millisecond
	}
	if c.GroupBytes == 0 {
		c.GroupBytes = 256 << 10
	}
	if c.Interval == 0 {
		c.Interval = 100 * time.Millisecond
	}
	if c.SegmentBytes == 0 {
		c.SegmentBytes = 64 << 20
	}
	c.SegmentBytes = max(c.SegmentBytes, 4<<10)
	if c.Now == nil {
		c.Now = func() int64 { return 0 }
	}
	return c, nil
}

// Durable is the last frame that a power cut cannot take any more, nor any
// before it. At level None it is not known.
func (j *Journal) Durable() LSN {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.durable
}

// Unsynced is how many bytes a power cut could take now.
func (j *Journal) Unsynced() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.end() - j.synced
}

// Close syncs the segment, at every level, cuts the space that was not used,
// and gives up the lock. A journal that has failed is only closed.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return ErrClosed
	}
	j.closed = true
	if j.timer != nil {
		j.timer.Stop()
	}
	j.waitForSync()
	err := j.err
	if err == nil {
		if err = j.flush(); err == nil {
			err = j.seal(true)
		}
		if err != nil {
			err = j.fail(err)
		}
	} else {
		j.seg.file.Close() // nothing is acknowledged any more: its result changes nothing
	}
	if j.err == nil {
		j.err = ErrClosed
	}
	j.changed.Broadcast()
	j.enc.buf = nil
	j.tail.close()
	j.witness.close()
	if unlocked := j.lock.Close(); err == nil {
		err = unlocked
	}
	return err
}

// fail poisons the journal with its first failure (D3).
func (j *Journal) fail(err error) error {
	if j.err == nil {
		j.err = fmt.Errorf("journal: %w", err)
	}
	j.changed.Broadcast()
	return j.err
}
