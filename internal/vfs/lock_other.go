//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package vfs

import (
	"errors"
	"os"
)

// lock refuses: to run without a lock could destroy a journal.
func lock(*os.File) error { return errors.ErrUnsupported }
