//go:build !linux

package vfs

import "os"

func preallocate(f *os.File, size int64) error { return grow(f, size) }

// syncData is a full sync: it promises at least as much.
func syncData(f *os.File) error { return f.Sync() }
