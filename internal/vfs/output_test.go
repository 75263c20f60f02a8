package vfs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/internal/vfs"
)

// tree gives the names and contents of a folder, temporary files too.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil && !e.IsDir() {
			t.Fatal(err)
		}
		got[e.Name()] = string(b)
	}
	return got
}

func wantTree(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("folder (-want +got):\n%s", diff)
	}
}

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, path, text string) *vfs.Output {
	t.Helper()
	o, err := vfs.Create(vfs.OS{}, path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestNothingIsSeenBeforeCommit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "old"), "old text", 0o644)
	for _, name := range []string{"old", "new"} {
		before := tree(t, dir)
		o := create(t, filepath.Join(dir, name), "half")
		after := tree(t, dir)
		for n := range after {
			if strings.HasPrefix(n, ".holdfast-") {
				delete(after, n)
			}
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s: seen before Commit:\n%s", name, diff)
		}
		if _, err := o.Write([]byte(" and half")); err != nil {
			t.Fatal(err)
		}
		if err := o.Commit(); err != nil {
			t.Fatal(err)
		}
		o.Abort() // deferred by callers; too late to do anything
	}
	wantTree(t, dir, map[string]string{"old": "half and half", "new": "half and half"})
}

func TestAbort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "old"), "old text", 0o644)
	for _, name := range []string{"old", "new"} {
		o := create(t, filepath.Join(dir, name), "half")
		o.Abort()
		o.Abort()
		if _, err := o.Write([]byte("x")); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("Write after Abort: %v", err)
		}
		if err := o.Commit(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("Commit after Abort: %v", err)
		}
	}
	wantTree(t, dir, map[string]string{"old": "old text"})
}

func TestPermissionsAreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, mode := range []fs.FileMode{0o600, 0o640, 0o755, 0o666} {
		path := filepath.Join(dir, "f")
		write(t, path, "old", mode)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if err := create(t, path, "new").Commit(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("mode %v became %v (%v)", mode, info.Mode().Perm(), err)
		}
	}

	// A new file gets what the user's umask leaves, as from os.Create.
	f, err := os.Create(filepath.Join(dir, "by os"))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	want, _ := os.Stat(filepath.Join(dir, "by os"))
	if err := create(t, filepath.Join(dir, "by vfs"), "").Commit(); err != nil {
		t.Fatal(err)
	}
	got, err := os.Stat(filepath.Join(dir, "by vfs"))
	if err != nil || got.Mode() != want.Mode() {
		t.Errorf("a new file has mode %v, want %v (%v)", got.Mode(), want.Mode(), err)
	}
}

func TestWriteProtectedFileIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), "old", 0o444)
	if _, err := vfs.Create(vfs.OS{}, filepath.Join(dir, "f")); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v, want a permission error", err)
	}
	wantTree(t, dir, map[string]string{"f": "old"})
}

func TestSymbolicLinksStay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inner := filepath.Join(dir, "inner")
	if err := os.Mkdir(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(inner, "file"), "old", 0o644)
	for name, to := range map[string]string{
		"relative": "inner/file", "absolute": filepath.Join(inner, "file"),
		"dangling": "inner/born", "twice": "relative", "self": "self",
	} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"relative", "absolute", "dangling", "twice"} {
		if err := create(t, filepath.Join(dir, name), name).Commit(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, name)); string(got) != name {
			t.Errorf("%s holds %q (%v)", name, got, err)
		}
		if info, err := os.Lstat(filepath.Join(dir, name)); err != nil || info.Mode().Type() != fs.ModeSymlink {
			t.Errorf("%s is no link any more (%v)", name, err)
		}
	}
	wantTree(t, inner, map[string]string{"file": "twice", "born": "dangling"})
	if _, err := vfs.Create(vfs.OS{}, filepath.Join(dir, "self")); err == nil {
		t.Error("a link to itself can be created")
	}
}

func TestDevicesAreWrittenDirectly(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(os.DevNull); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if err := create(t, os.DevNull, "text").Commit(); err != nil {
		t.Fatal(err)
	}
	create(t, os.DevNull, "text").Abort()
	after, err := os.Stat(os.DevNull)
	if err != nil || after.Mode() != before.Mode() {
		t.Errorf("%s was %v and is %v (%v)", os.DevNull, before.Mode(), after.Mode(), err)
	}
}

func TestErrorsNameTheFileOfTheUser(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, path := range map[string]string{
		"no folder":   filepath.Join(dir, "nowhere", "f"),
		"is a folder": dir,
	} {
		_, err := vfs.Create(vfs.OS{}, path)
		if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), ".holdfast-") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := vfs.Create(vfs.OS{}, filepath.Join(dir, "nowhere", "f")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	wantTree(t, dir, map[string]string{})
}

// A failure that the writer overlooked still keeps the file from appearing.
func TestOverlookedFailures(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"write", "chmod", "sync", "close"} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "f"), "old", 0o644)
		fails := func(o vfs.Op) error {
			if o.Call == call {
				return fs.ErrInvalid
			}
			return nil
		}
		o, err := vfs.Create(vfs.NewFaulty(vfs.OS{}, fails), filepath.Join(dir, "f"))
		if err != nil {
			t.Fatal(err)
		}
		o.Write([]byte("new"))
		if err := o.Commit(); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s failed, Commit says %v", call, err)
		}
		wantTree(t, dir, map[string]string{"f": "old"})
	}
}
