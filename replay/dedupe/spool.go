package dedupe

import (
	"os"
	"sync"

	"holdfast/internal/vfs"
)

// A spool is a temporary file that only grows. It may be written by several
// goroutines, and read while it is.
type spool struct {
	fs   vfs.FS
	file vfs.File
	name string // "" once the name is gone

	mu   sync.Mutex // guards the writing of file, and size
	size int64
}

// newSpool makes a spool in dir. Where the system allows it, the name goes at
// once, so that nothing is left of a process that was killed.
func newSpool(fsys vfs.FS, dir string) (*spool, error) {
	s, err := newNamedSpool(fsys, dir)
	if err == nil && fsys.Remove(s.name) == nil {
		s.name = ""
	}
	return s, err
}

// newNamedSpool makes a spool that keeps its name until it is closed.
func newNamedSpool(fsys vfs.FS, dir string) (*spool, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	f, name, err := vfs.CreateTemp(fsys, dir, 0o600)
	if err != nil {
		return nil, err
	}
	return &spool{fs: fsys, file: f, name: name}, nil
}

// add appends b and returns where it lies.
func (s *spool) add(b []byte) (at int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at = s.size
	_, err = s.file.Write(b)
	s.size += int64(len(b))
	return at, err
}

// Write appends b.
func (s *spool) Write(b []byte) (int, error) {
	_, err := s.add(b)
	return len(b), err
}

func (s *spool) ReadAt(b []byte, at int64) (int, error) { return s.file.ReadAt(b, at) }

func (s *spool) Close() error {
	err := s.file.Close()
	if s.name != "" {
		s.fs.Remove(s.name)
	}
	return err
}
