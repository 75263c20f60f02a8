package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// Disk is a file system on which a journal can live: beyond [FS] it makes and
// lists folders, keeps a second process out, and opens files that are written
// in place. [OS], [Faulty] and [Crash] are disks.
type Disk interface {
	FS
	// OpenData is OpenFile for a file that is written in place.
	OpenData(name string, flag int, perm fs.FileMode) (DataFile, error)
	// ReadDir gives the names in a folder, ascending.
	ReadDir(dir string) ([]string, error)
	// MkdirAll makes a folder and the folders above it. Their names are
	// durable after a SyncDir of the folder above each.
	MkdirAll(dir string, perm fs.FileMode) error
	// Lock makes the file if it is missing and locks it until the Closer is
	// closed or the process ends, however it ends. It does not wait: the
	// error is [ErrLocked] if somebody else has the lock.
	Lock(name string) (io.Closer, error)
}

// DataFile is a file that is written in place.
type DataFile interface {
	File
	io.WriterAt
	Size() (int64, error)
	Truncate(size int64) error
	// Preallocate makes the file at least size bytes long and, where the file
	// system can, takes the space for them: writing there cannot fill the disk
	// any more. New bytes read as zeros.
	Preallocate(size int64) error
	// SyncData makes the contents and the length durable, but no other
	// attribute (fdatasync). After an error nothing is known about what was
	// written since the last success, and a second call may succeed without
	// having written it: do not repeat it.
	SyncData() error
	// Map gives the first size bytes of the file, which must be that long and
	// open for reading and writing, as memory. What is stored there is with the
	// system at once, as if written, and the end of the process does not take it.
	// A disk error, or a file that was made shorter, shows as a fault of the
	// memory: see [debug.SetPanicOnFault]. Unmap it once, and do not touch it
	// from then on. The error is [errors.ErrUnsupported] where there is no such
	// memory.
	Map(size int) (mem []byte, unmap func() error, err error)
}

// ErrLocked says that another process, or another part of this one, has the
// lock.
var ErrLocked = errors.New("locked by somebody else")

// LockWithin is d.Lock, tried again for a while: a process that was just
// killed may take a moment to let go.
func LockWithin(d Disk, name string, patience time.Duration) (io.Closer, error) {
	const pause = 20 * time.Millisecond
	for {
		l, err := d.Lock(name)
		if !errors.Is(err, ErrLocked) || patience <= 0 {
			return l, err
		}
		time.Sleep(min(pause, patience))
		patience -= pause
	}
}

func (OS) OpenData(name string, flag int, perm fs.FileMode) (DataFile, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return osData{f}, nil
}

func (OS) ReadDir(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func (OS) MkdirAll(dir string, perm fs.FileMode) error { return os.MkdirAll(dir, perm) }

func (OS) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, &fs.PathError{Op: "lock", Path: name, Err: err}
	}
	return f, nil
}

// osData is an open file of the operating system.
type osData struct{ *os.File }

func (f osData) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f osData) Preallocate(size int64) error {
	if err := preallocate(f.File, size); err != nil {
		return f.describe("preallocate", err)
	}
	return nil
}

func (f osData) SyncData() error {
	if err := syncData(f.File); err != nil {
		return f.describe("sync", err)
	}
	return nil
}

func (f osData) Map(size int) (mem []byte, unmap func() error, err error) {
	if mem, unmap, err = mapFile(f.File, size); err != nil {
		return nil, nil, f.describe("map", err)
	}
	return mem, unmap, nil
}

func (f osData) describe(call string, err error) error {
	var named *fs.PathError
	if errors.As(err, &named) {
		return err
	}
	return &fs.PathError{Op: call, Path: f.Name(), Err: err}
}

// grow makes f at least size bytes long without taking the space.
func grow(f *os.File, size int64) error {
	info, err := f.Stat()
	if err != nil || info.Size() >= size {
		return err
	}
	return f.Truncate(size)
}
