package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// maxTempTries bounds the search for a free name: with 64 random bits even a
// second try means that something else is wrong.
const maxTempTries = 100

// CreateTemp makes a new file with a name of its own in dir and opens it for
// reading and writing. The caller removes it.
func CreateTemp(fsys FS, dir string, perm fs.FileMode) (f File, name string, err error) {
	for range maxTempTries {
		name = tempName(dir)
		f, err = fsys.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
		if !errors.Is(err, fs.ErrExist) {
			return f, name, err
		}
	}
	return nil, "", err
}

// tempName is short whatever the name of the final file, so that it never
// exceeds the longest name that a folder takes.
func tempName(dir string) string {
	return filepath.Join(dir, fmt.Sprintf(".holdfast-%016x.tmp", rand.Uint64()))
}

// Scratch makes a temporary file in dir that is gone when it is closed, and,
// where the system lets an open file be removed, even when the process is
// killed.
func Scratch(fsys FS, dir string) (File, error) {
	f, name, err := CreateTemp(fsys, dir, 0o600)
	if err != nil {
		return nil, err
	}
	if fsys.Remove(name) == nil {
		return f, nil
	}
	return &namedScratch{f, fsys, name}, nil
}

// namedScratch is a scratch file on a system where an open file keeps its name.
type namedScratch struct {
	File
	fs   FS
	name string
}

func (s *namedScratch) Close() error {
	err := s.File.Close()
	if removed := s.fs.Remove(s.name); err == nil {
		err = removed
	}
	return err
}
