package extsort

import (
	"errors"
	"fmt"
	"io/fs"

	"holdfast/internal/vfs"
)

// A spillFile is a temporary file with runs one behind the other.
type spillFile struct {
	vfs.File
	dir  string
	size int64
	runs int // that were written to it
	live int // that are still needed
}

func createSpill(fsys vfs.FS, dir string) (*spillFile, error) {
	s := &spillFile{dir: dir}
	file, err := vfs.Scratch(fsys, dir)
	if err != nil {
		return nil, s.explain("create", err)
	}
	s.File = file
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

func (s *spillFile) explain(what string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err // without the temporary name
	}
	return fmt.Errorf("sort: cannot %s a temporary file in %s: %w: free space there, or choose another folder with --tmp", what, s.dir, err)
}
