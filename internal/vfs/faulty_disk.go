package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// disk is the file system below as a disk; one that is none supports nothing
// of what a disk can do more.
func (f *Faulty) disk(call, name string) (Disk, error) {
	if d, ok := f.fs.(Disk); ok {
		return d, nil
	}
	return nil, &fs.PathError{Op: call, Path: name, Err: errors.ErrUnsupported}
}

func (f *Faulty) OpenData(name string, flag int, perm fs.FileMode) (DataFile, error) {
	if err := f.check("open", name, flag&os.O_CREATE != 0); err != nil {
		return nil, err
	}
	d, err := f.disk("open", name)
	if err != nil {
		return nil, err
	}
	file, err := d.OpenData(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &faultyData{faultyFile{file, f, name}, file}, nil
}

func (f *Faulty) ReadDir(dir string) ([]string, error) {
	if err := f.check("readdir", dir, false); err != nil {
		return nil, err
	}
	d, err := f.disk("readdir", dir)
	if err != nil {
		return nil, err
	}
	return d.ReadDir(dir)
}

func (f *Faulty) MkdirAll(dir string, perm fs.FileMode) error {
	if err := f.check("mkdir", dir, false); err != nil {
		return err
	}
	d, err := f.disk("mkdir", dir)
	if err != nil {
		return err
	}
	return d.MkdirAll(dir, perm)
}

func (f *Faulty) Lock(name string) (io.Closer, error) {
	if err := f.check("lock", name, false); err != nil {
		return nil, err
	}
	d, err := f.disk("lock", name)
	if err != nil {
		return nil, err
	}
	return d.Lock(name)
}

type faultyData struct {
	faultyFile
	data DataFile // the same as faultyFile.File
}

func (f *faultyData) WriteAt(p []byte, off int64) (int, error) {
	if err := f.fs.check("write", f.name, false); err != nil {
		n, _ := f.data.WriteAt(p[:len(p)/2], off)
		return n, err
	}
	return f.data.WriteAt(p, off)
}

func (f *faultyData) Size() (int64, error) {
	if err := f.fs.check("size", f.name, false); err != nil {
		return 0, err
	}
	return f.data.Size()
}

func (f *faultyData) Truncate(size int64) error {
	if err := f.fs.check("truncate", f.name, false); err != nil {
		return err
	}
	return f.data.Truncate(size)
}

func (f *faultyData) Preallocate(size int64) error {
	if err := f.fs.check("preallocate", f.name, false); err != nil {
		return err
	}
	return f.data.Preallocate(size)
}

func (f *faultyData) SyncData() error {
	if err := f.checkSync(); err != nil {
		return err
	}
	return f.data.SyncData()
}

func (f *faultyData) Map(size int) (mem []byte, unmap func() error, err error) {
	if err := f.fs.check("map", f.name, false); err != nil {
		return nil, nil, err
	}
	return f.data.Map(size)
}
