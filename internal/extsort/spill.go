package extsort

import (
	"errors"
	"fmt"
	"io/fs"

	"holdfast/internal/vfs"
)

// A spillFile is a temporary file with runs one behind the other. It has no
// name any more where the system allows that, so nothing is left of it even if
// the process is killed.
type spillFile struct {
	vfs.File
	fs   vfs.FS
	dir  string
	name string // "" once removed
	size int64
	runs int // that were written to it
	live int // that are still needed
}

func createSpill(fsys vfs.FS, dir string) (*spillFile, error) {
	s := &spillFile{fs: fsys, dir: dir}
	file, name, err := vfs.CreateTemp(fsys, dir, 0o600)
	if err != nil {
		return nil, s.explain("create", err)
	}
	s.File = file
	if fsys.Remove(name) != nil {
		s.name = name // Windows: an open file keeps its name
	}
	return s, nil
}

func (s *spillFile) write(b []byte) error {
	n, err := s.Write(b)
	s.size += int64(n)
	if err != nil {
		return s.explain("write", err)
	}
	return nil
}

func (s *spillFile) close() {
	s.Close() // nothing of it is needed, so nothing can be lost
	if s.name != "" {
		s.fs.Remove(s.name)
		s.name = ""
	}
}

func (s *spillFile) explain(what string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err // without the temporary name
	}
	return fmt.Errorf("sort: cannot %s a temporary file in %s: %w: free space there, or choose another folder with --tmp", what, s.dir, err)
}
