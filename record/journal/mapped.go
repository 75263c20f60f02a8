package journal

import (
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"

	"holdfast/internal/vfs"
)

// A mapped is a file that the writer has as memory (mmap): what it stores there
// is with the system without a system call, and outlives the process. The zero
// value is none.
type mapped struct {
	path  string
	file  vfs.DataFile
	mem   []byte
	unmap func() error
}

// openMapped opens a file of so many bytes and makes it if it is missing. The
// memory is nil where there is none, and the file where it cannot be opened: a
// journal is slower without them, and keeps the same promises.
func openMapped(fsys vfs.Disk, path string, size int) mapped {
	f, err := fsys.OpenData(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return mapped{}
	}
	m := mapped{path: path, file: f}
	if err := f.Preallocate(int64(size)); err == nil {
		m.mem, m.unmap, _ = f.Map(size)
	}
	return m
}

func (m *mapped) close() {
	if m.mem != nil {
		m.unmap() // nothing is left to be written: the results change nothing
	}
	if m.file != nil {
		m.file.Close()
	}
	*m = mapped{}
}

// try does what stores in the memory. A fault there is what an error of a write
// would be: the disk has failed, or somebody has cut the file.
func (m *mapped) try(do func() error) (err error) {
	if m.mem == nil {
		return do()
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = m.fault(r)
		}
	}()
	return do()
}

func (m *mapped) fault(r any) error {
	f, ok := r.(interface {
		runtime.Error
		Addr() uintptr
	})
	if !ok {
		panic(r)
	}
	return &fs.PathError{Op: "write", Path: m.path, Err: f}
}
