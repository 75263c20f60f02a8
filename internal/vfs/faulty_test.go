package vfs_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

func TestFaultyWritesHalf(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	fsys := vfs.NewFaulty(vfs.OS{}, vfs.FullFrom(2, syscall.ENOSPC))
	f, err := fsys.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if n, err := f.Write([]byte("four")); n != 2 || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Write: %d, %v", n, err)
		}
	}
	b := make([]byte, 4)
	if _, err := f.ReadAt(b, 0); err != nil || string(b) != "fofo" {
		t.Errorf("a full disk cannot be read: %q, %v", b, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := fsys.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full disk takes a new file: %v", err)
	}
	if got := fsys.Calls(); got != 6 {
		t.Errorf("%d calls counted, want 6", got)
	}
}
