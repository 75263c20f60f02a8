package vfs

import (
	"errors"
	"io/fs"
	"os"
	"sync"
)

// Op is one call that reaches a [Faulty] file system.
type Op struct {
	N    int    // 1 for the first
	Call string // open, stat, readlink, link, rename, remove, syncdir, readdir, mkdir, lock, read, write, chmod, size, truncate, preallocate, map, sync, close
	Name string // the file, or the new name of a link or rename
	New  bool   // open: the call may create the file
}

// Grows says whether a full disk may refuse the call.
func (o Op) Grows() bool {
	switch o.Call {
	case "write", "link", "sync", "mkdir", "preallocate":
		return true
	}
	return o.Call == "open" && o.New
}

// Plan decides which calls fail, and how; nil lets the call through.
type Plan func(Op) error

// FailAt fails the n-th call, and no other.
func FailAt(n int, err error) Plan {
	return func(o Op) error {
		if o.N == n {
			return err
		}
		return nil
	}
}

// FullFrom fails every call from the n-th on that needs space, as a disk does
// that stays full.
func FullFrom(n int, err error) Plan {
	return func(o Op) error {
		if o.N >= n && o.Grows() {
			return err
		}
		return nil
	}
}

// ErrKilled is the failure of a call that is never made, because the process
// ends before it.
var ErrKilled = errors.New("the process was killed")

// KillAt ends the process at the n-th call: this one and all later ones fail
// with [ErrKilled] and do nothing, except for a write, of which half is done.
// What the process does from then on reaches nobody.
func KillAt(n int) Plan {
	return func(o Op) error {
		if o.N >= n {
			return ErrKilled
		}
		return nil
	}
}

// Faulty is a file system that fails where its plan says. A write that fails
// has written the first half of its bytes; a close that fails has closed the
// file; a sync that fails on a [Crash] has lost some of what it should have
// written, and hides it. All goroutines share one count of calls. Its files are
// those of a [Disk] if the file system below is one.
type Faulty struct {
	fs   FS
	plan Plan

	mu    sync.Mutex // guards calls, and keeps plan from running twice at once
	calls int
}

// NewFaulty wraps fsys. A nil plan only counts.
func NewFaulty(fsys FS, plan Plan) *Faulty { return &Faulty{fs: fsys, plan: plan} }

// Calls is how many calls were made so far.
func (f *Faulty) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *Faulty) check(call, name string, isNew bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.plan == nil {
		return nil
	}
	if err := f.plan(Op{N: f.calls, Call: call, Name: name, New: isNew}); err != nil {
		return &fs.PathError{Op: call, Path: name, Err: err}
	}
	return nil
}

func (f *Faulty) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	if err := f.check("open", name, flag&os.O_CREATE != 0); err != nil {
		return nil, err
	}
	file, err := f.fs.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &faultyFile{file, f, name}, nil
}

func (f *Faulty) Stat(name string) (fs.FileInfo, error) {
	if err := f.check("stat", name, false); err != nil {
		return nil, err
	}
	return f.fs.Stat(name)
}

func (f *Faulty) Readlink(name string) (string, error) {
	if err := f.check("readlink", name, false); err != nil {
		return "", err
	}
	return f.fs.Readlink(name)
}

func (f *Faulty) Link(oldname, newname string) error {
	if err := f.check("link", newname, false); err != nil {
		return err
	}
	return f.fs.Link(oldname, newname)
}

func (f *Faulty) Rename(oldname, newname string) error {
	if err := f.check("rename", newname, false); err != nil {
		return err
	}
	return f.fs.Rename(oldname, newname)
}

func (f *Faulty) Remove(name string) error {
	if err := f.check("remove", name, false); err != nil {
		return err
	}
	return f.fs.Remove(name)
}

func (f *Faulty) SyncDir(dir string) error {
	if err := f.check("syncdir", dir, false); err != nil {
		return err
	}
	return f.fs.SyncDir(dir)
}

type faultyFile struct {
	File
	fs   *Faulty
	name string
}

func (f *faultyFile) Read(p []byte) (int, error) {
	if err := f.fs.check("read", f.name, false); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

func (f *faultyFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.fs.check("read", f.name, false); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

func (f *faultyFile) Write(p []byte) (int, error) {
	if err := f.fs.check("write", f.name, false); err != nil {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, err
	}
	return f.File.Write(p)
}

func (f *faultyFile) Chmod(mode fs.FileMode) error {
	if err := f.fs.check("chmod", f.name, false); err != nil {
		return err
	}
	return f.File.Chmod(mode)
}

func (f *faultyFile) Sync() error {
	if err := f.checkSync(); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *faultyFile) checkSync() error {
	err := f.fs.check("sync", f.name, false)
	if lossy, ok := f.File.(interface{ loseUnsynced() }); ok && err != nil && !errors.Is(err, ErrKilled) {
		lossy.loseUnsynced()
	}
	return err
}

func (f *faultyFile) Close() error {
	err := f.fs.check("close", f.name, false)
	if closed := f.File.Close(); err == nil {
		err = closed
	}
	return err
}
