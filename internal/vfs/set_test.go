package vfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/internal/vfs"
)

// writeSet makes three files, two of which exist, in several writes each.
func writeSet(fsys vfs.FS, dir string) error {
	s := vfs.NewSet(fsys)
	defer s.Abort()
	for _, name := range []string{"a", "b", "c"} {
		o, err := s.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		for _, part := range []string{"new ", "text ", "of ", name} {
			if _, err := o.Write([]byte(part)); err != nil {
				return err
			}
		}
	}
	return s.Commit()
}

func oldFiles(t *testing.T) (dir string, old map[string]string) {
	dir = t.TempDir()
	write(t, filepath.Join(dir, "a"), "old a", 0o644)
	write(t, filepath.Join(dir, "c"), "old c", 0o600)
	return dir, tree(t, dir)
}

func TestSetAppearsTogether(t *testing.T) {
	t.Parallel()
	dir, _ := oldFiles(t)
	if err := writeSet(vfs.OS{}, dir); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dir, map[string]string{"a": "new text of a", "b": "new text of b", "c": "new text of c"})
}

// The order that the promise rests on.
func TestEffectsAreInOrder(t *testing.T) {
	t.Parallel()
	dir, _ := oldFiles(t)
	var calls []string
	log := func(o vfs.Op) error {
		if slices.Contains([]string{"sync", "rename", "syncdir"}, o.Call) {
			calls = append(calls, o.Call)
		}
		return nil
	}
	if err := writeSet(vfs.NewFaulty(vfs.OS{}, log), dir); err != nil {
		t.Fatal(err)
	}
	want := []string{"sync", "sync", "sync", "rename", "rename", "rename", "syncdir"}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// R-test 53: whichever call fails, either nothing has changed, or the failure
// did no harm and everything has; and no temporary file is left. Only the
// removal of an old file's second name can fail and leave that behind.
func TestSetIsAllOrNothing(t *testing.T) {
	t.Parallel()
	count := vfs.NewFaulty(vfs.OS{}, nil)
	dir, _ := oldFiles(t)
	if err := writeSet(count, dir); err != nil {
		t.Fatal(err)
	}
	changed := tree(t, dir)
	for name, plan := range map[string]func(int, error) vfs.Plan{"once": vfs.FailAt, "from then on": vfs.FullFrom} {
		for _, cause := range []error{syscall.ENOSPC, fs.ErrPermission, syscall.EIO} {
			failed := 0
			for n := 1; n <= count.Calls(); n++ {
				at := fmt.Sprintf("%v, %s, call %d", cause, name, n)
				var op vfs.Op
				spy := func(o vfs.Op) error {
					err := plan(n, cause)(o)
					if err != nil && op.N == 0 {
						op = o
					}
					return err
				}
				dir, old := oldFiles(t)
				err := writeSet(vfs.NewFaulty(vfs.OS{}, spy), dir)
				want := changed
				if err != nil {
					want = old
					failed++
					if !errors.Is(err, cause) || strings.Contains(err.Error(), ".holdfast-") || !strings.Contains(err.Error(), dir) {
						t.Errorf("%s (%s): error %q", at, op.Call, err)
					}
				}
				got := tree(t, dir)
				if op.Call == "remove" {
					for n := range got {
						if strings.HasPrefix(n, ".holdfast-") {
							delete(got, n)
						}
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (%s), error %v: folder (-want +got):\n%s", at, op.Call, err, diff)
				}
			}
			if failed < 10 {
				t.Errorf("%v, %s: only %d calls failed: the test has lost its aim", cause, name, failed)
			}
		}
	}
}

func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	dir, old := oldFiles(t)
	readOnly := func(o vfs.Op) error {
		if o.New || o.Call == "rename" || o.Call == "remove" || o.Call == "link" {
			return syscall.EROFS
		}
		return nil
	}
	if err := writeSet(vfs.NewFaulty(vfs.OS{}, readOnly), dir); !errors.Is(err, syscall.EROFS) {
		t.Errorf("got %v", err)
	}
	wantTree(t, dir, old)
}

// A member that is committed by itself stays when the rest is thrown away.
func TestMemberByItself(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := vfs.NewSet(vfs.OS{})
	alone, err := s.Create(filepath.Join(dir, "alone"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(filepath.Join(dir, "rest")); err != nil {
		t.Fatal(err)
	}
	if err := alone.Commit(); err != nil {
		t.Fatal(err)
	}
	s.Abort()
	wantTree(t, dir, map[string]string{"alone": ""})
	if err := s.Commit(); err != nil {
		t.Errorf("an empty set: %v", err)
	}
}

func TestTwoOutputsOfOneName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink("f", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	s := vfs.NewSet(vfs.OS{})
	defer s.Abort()
	if _, err := s.Create(filepath.Join(dir, "f")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "link"), dir + "/./f"} {
		if _, err := s.Create(path); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestScratchLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, unlink := range []bool{true, false} {
		first := true
		refuse := func(o vfs.Op) error {
			if o.Call == "remove" && first && !unlink {
				first = false
				return fs.ErrPermission
			}
			return nil
		}
		f, err := vfs.Scratch(vfs.NewFaulty(vfs.OS{}, refuse), dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("text")); err != nil {
			t.Error(err)
		}
		if got := len(tree(t, dir)); (got == 0) != unlink {
			t.Errorf("%d names while it is open", got)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		wantTree(t, dir, map[string]string{})
	}
}
