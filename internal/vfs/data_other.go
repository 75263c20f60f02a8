//go:build !linux

package vfs

import (
	"errors"
	"os"
)

func preallocate(f *os.File, size int64) error { return grow(f, size) }

// syncData is a full sync: it promises at least as much.
func syncData(f *os.File) error { return f.Sync() }

func mapFile(*os.File, int) (mem []byte, unmap func() error, err error) {
	return nil, nil, errors.ErrUnsupported
}
