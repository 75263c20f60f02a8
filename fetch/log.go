package fetch

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"holdfast/internal/vfs"
)

// syncEvery is how often a log that grows is brought to the disk (R12.5).
const syncEvery = time.Second

// A Log is the append-only record of a fetch (R12). All records of a decision
// go out in one append, so a process that is killed loses whole ones; what is
// torn by it is cut off when the log is opened again.
type Log struct {
	path   string
	disk   vfs.Disk
	lock   io.Closer
	run    int     // number of this run, from 1
	Resume *Resume // what earlier runs did; nil without resuming

	syncing sync.Mutex // held while the file is synced; taken before mu

	mu    sync.Mutex   // guards what follows
	file  vfs.DataFile // nil: a stream
	out   io.Writer
	size  int64
	err   error // sticky: nothing is known of what follows a failed write
	dirty bool
	timer *time.Timer
	point func(string)
}

// LogOptions say how a log is opened.
type LogOptions struct {
	Resume bool         // go on with the log that is there; otherwise it is renamed
	Warn   func(string) // takes one line for each thing that was mended
}

// A LockedError says that another process writes the log.
type LockedError struct{ Path, Holder string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is being written by %s: wait for it, or choose another --log", e.Path, e.Holder)
}

// NewLog appends to a stream, which cannot be resumed.
func NewLog(w io.Writer) *Log { return &Log{out: w, run: 1, point: func(string) {}} }

// OpenLog opens the log at path and keeps other processes out. A log that is
// there is renamed to path.1, path.2, …, or, to resume, read once and mended.
func OpenLog(disk vfs.Disk, path string, o LogOptions) (*Log, error) {
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	l := &Log{path: path, disk: disk, run: 1, point: func(string) {}}
	info, err := disk.Stat(path)
	there := err == nil
	if there && !info.Mode().IsRegular() {
		return l, l.openDevice(info)
	}
	if err := l.keepOut(); err != nil {
		return nil, err
	}
	if err := disk.Remove(spoolPath(path)); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a run that was killed
		l.Close()
		return nil, err
	}
	if o.Resume && there {
		err = l.resume(o.Warn)
	} else {
		err = l.fresh(there)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// openDevice writes to a pipe or device: nothing to lock, mend or rename.
func (l *Log) openDevice(info fs.FileInfo) error {
	if info.IsDir() {
		return fmt.Errorf("%s is a folder: name a file with --log", l.path)
	}
	f, err := l.disk.OpenFile(l.path, os.O_WRONLY|os.O_APPEND, 0)
	l.out = f
	return err
}

func (l *Log) keepOut() error {
	name := l.path + ".lock"
	lock, err := vfs.LockWithin(l.disk, name, time.Second)
	if errors.Is(err, vfs.ErrLocked) {
		return &LockedError{l.path, holder(l.disk, name)}
	}
	if err != nil {
		return err
	}
	l.lock = lock
	f, err := l.disk.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, strconv.Itoa(os.Getpid())+"\n")
	return errors.Join(err, f.Close())
}

func holder(disk vfs.Disk, name string) string {
	f, err := disk.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return "another process"
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, 32))
	if pid := strings.TrimSpace(string(b)); pid != "" {
		return "process " + pid
	}
	return "another process"
}

// fresh begins a new log beside the old one.
func (l *Log) fresh(there bool) error {
	if there {
		if err := l.rotate(); err != nil {
			return err
		}
	}
	if err := l.open(os.O_RDWR | os.O_CREATE | os.O_APPEND); err != nil {
		return err
	}
	return l.disk.SyncDir(filepath.Dir(l.path))
}

func (l *Log) rotate() error {
	for n := 1; ; n++ {
		old := fmt.Sprintf("%s.%d", l.path, n)
		if _, err := l.disk.Stat(old); errors.Is(err, fs.ErrNotExist) {
			return l.disk.Rename(l.path, old)
		} else if err != nil {
			return err
		}
	}
}

func (l *Log) open(flag int) (err error) {
	if l.file, err = l.disk.OpenData(l.path, flag, 0o666); err != nil {
		return err
	}
	l.out = l.file
	l.size, err = l.file.Size()
	return err
}

// resume reads what is there and cuts off what is torn.
func (l *Log) resume(warn func(string)) error {
	if err := l.open(os.O_RDWR | os.O_APPEND); err != nil {
		return err
	}
	r, err := scanLog(io.NewSectionReader(l.file, 0, l.size), l.path, warn)
	if err != nil {
		return err
	}
	if r.whole < l.size {
		warn(fmt.Sprintf("%s: cut off %d bytes at its end, of a record that was not completely written", l.path, l.size-r.whole))
		if err := l.file.Truncate(r.whole); err != nil {
			return err
		}
		if err := l.file.Sync(); err != nil {
			return err
		}
		l.size = r.whole
	}
	l.Resume, l.run = r, r.lastRun+1
	return nil
}

// append writes whole records. After an error the log ends before them.
func (l *Log) append(p []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	l.point("in the append")
	n, err := l.out.Write(p)
	if err != nil {
		l.err = err
		if l.file != nil && n > 0 {
			_ = l.file.Truncate(l.size) // if that fails too, resuming cuts it off
		}
		return err
	}
	l.point("after the append")
	l.size += int64(n)
	if l.file != nil && !l.dirty {
		l.dirty = true
		if l.timer == nil {
			l.timer = time.AfterFunc(syncEvery, func() { l.sync() })
		} else {
			l.timer.Reset(syncEvery)
		}
	}
	return nil
}

// sync makes what was appended safe from a power cut. Appending goes on
// meanwhile: a slow disk holds nobody up.
func (l *Log) sync() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	if !l.dirty || l.err != nil || l.file == nil {
		defer l.mu.Unlock()
		return l.err
	}
	l.dirty = false
	l.mu.Unlock()
	err := l.file.SyncData()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil && l.err == nil {
		l.err = err
	}
	return l.err
}

// Close makes the log safe and lets others have it.
func (l *Log) Close() error {
	err := l.sync()
	if l.timer != nil {
		l.timer.Stop()
	}
	if c, ok := l.out.(io.Closer); ok && l.path != "" {
		err = errors.Join(err, c.Close())
	}
	if l.lock != nil {
		err = errors.Join(err, l.lock.Close())
	}
	return err
}

func (o *output) sync() error {
	if o.log == nil {
		return nil
	}
	return o.log.sync()
}

func (o *output) resume() *Resume {
	if o.log == nil {
		return nil
	}
	return o.log.Resume
}
