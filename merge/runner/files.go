package runner

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"holdfast/internal/vfs"
)

// checkFiles refuses files that a worker cannot have: one in two roles, by
// whatever name, and what is there and no plain file. A pipe would keep the
// worker waiting before it has done anything, and a device in the place of a
// state would be replaced by one.
func (o *Options) checkFiles() error {
	type role struct{ what, path string }
	roles := []role{
		{"inbox", o.Inbox}, {"outbox", o.Outbox}, {"output", o.Output}, {"state", o.State},
		{"lock", o.State + ".lock"}, {"temporary state", o.State + ".tmp"}, {"kept inbox", o.State + ".in"},
	}
	there := make([]fs.FileInfo, len(roles))
	for i, r := range roles {
		if r.path == "" {
			return fmt.Errorf("%w: the %s has no name", ErrFiles, r.what)
		}
		var err error
		if there[i], err = plainFile(o.Disk, r.path); err != nil {
			return err
		}
		for j, other := range roles[:i] {
			if filepath.Clean(r.path) == filepath.Clean(other.path) || there[i] != nil && there[j] != nil && os.SameFile(there[i], there[j]) {
				return fmt.Errorf("%w: %s and %s are the same file, %s", ErrFiles, other.what, r.what, r.path)
			}
		}
	}
	return nil
}

// plainFile gives what is there by a name: nil for nothing. What cannot be
// looked at shows when it is opened.
func plainFile(disk vfs.Disk, path string) (fs.FileInfo, error) {
	info, err := disk.Stat(path)
	switch {
	case err != nil:
		return nil, nil
	case info.IsDir():
		return nil, inputErrorf(path, "it is a folder: name a file")
	case !info.Mode().IsRegular():
		return nil, inputErrorf(path, "it is a pipe or a device: name a plain file")
	}
	return info, nil
}
