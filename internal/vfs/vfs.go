// Package vfs is the file system as Holdfast's shells see it, and output files
// that are never half written.
//
// It promises: a file made with [Create] appears under its name complete and
// synced, or not at all; the files of a [Set] appear all together or, after any
// error, none of them, and what stood there before still stands. Permissions of
// a replaced file are kept, and a symbolic link stays a link.
//
// It does not promise that a power cut between the renames of one Set leaves
// all old or all new files: each of them is whole, but they may be a mixture.
// A process that is killed outright leaves its temporary files behind; their
// names begin with ".holdfast-" and they may be deleted.
//
// Call [Create] for one file, [NewSet] for several. [FS] is the seam for tests:
// [OS] is the real file system, [Faulty] fails where it is told to.
package vfs

import (
	"io"
	"io/fs"
	"os"
)

// FS is what a shell that must not lose data asks of a file system. Names are
// paths of the operating system; errors are those of package os.
type FS interface {
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	Stat(name string) (fs.FileInfo, error)
	Readlink(name string) (string, error)
	Link(oldname, newname string) error
	Rename(oldname, newname string) error
	Remove(name string) error
	// SyncDir makes the names in a folder durable: a rename or a new file is
	// safe from a power cut only after it.
	SyncDir(dir string) error
}

// File is an open file of an [FS].
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.Closer
	Chmod(mode fs.FileMode) error
	Sync() error
}

// OS is the file system of the operating system.
type OS struct{}

func (OS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err // not f: a nil *os.File is not a nil File
	}
	return f, nil
}

func (OS) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }
func (OS) Readlink(name string) (string, error)  { return os.Readlink(name) }
func (OS) Link(oldname, newname string) error    { return os.Link(oldname, newname) }
func (OS) Rename(oldname, newname string) error  { return os.Rename(oldname, newname) }
func (OS) Remove(name string) error              { return os.Remove(name) }
func (OS) SyncDir(dir string) error              { return syncDir(dir) }
