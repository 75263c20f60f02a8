//go:build unix

package vfs

import (
	"errors"
	"os"
	"syscall"
)

// syncDir treats "this file system cannot sync folders" (some network and FUSE
// file systems) as done: there is nothing else that could be tried.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
