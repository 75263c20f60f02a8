package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/internal/vfs"
)

// Each disk answers alike.
func TestDisks(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*testing.T) (vfs.Disk, string){
		"os":     func(t *testing.T) (vfs.Disk, string) { return vfs.OS{}, t.TempDir() },
		"crash":  func(*testing.T) (vfs.Disk, string) { return vfs.NewCrash(1, 0), "" },
		"faulty": func(t *testing.T) (vfs.Disk, string) { return vfs.NewFaulty(vfs.OS{}, nil), t.TempDir() },
		"both":   func(*testing.T) (vfs.Disk, string) { return vfs.NewFaulty(vfs.NewCrash(1, 0), nil), "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk, root := make(t)
			dir := filepath.Join(root, "a", "b")
			noError(t, disk.MkdirAll(dir, 0o777))
			noError(t, disk.MkdirAll(dir, 0o777))
			names(t, disk, dir)
			contentsOfDisk(t, disk, dir)
			maps(t, disk, filepath.Join(dir, "m"))
			locks(t, disk, dir)
		})
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func wantNames(t *testing.T, disk vfs.Disk, dir string, want ...string) {
	t.Helper()
	got, err := disk.ReadDir(dir)
	noError(t, err)
	if diff := cmp.Diff(append([]string{}, want...), append([]string{}, got...)); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func wantText(t *testing.T, disk vfs.Disk, path, want string) {
	t.Helper()
	f, err := disk.OpenFile(path, os.O_RDONLY, 0)
	noError(t, err)
	got, err := io.ReadAll(f)
	noError(t, err)
	noError(t, f.Close())
	if string(got) != want {
		t.Errorf("%s holds %q, want %q", path, got, want)
	}
}

func writeText(t *testing.T, disk vfs.Disk, path, text string) vfs.DataFile {
	t.Helper()
	f, err := disk.OpenData(path, os.O_RDWR|os.O_CREATE, 0o666)
	noError(t, err)
	_, err = f.WriteAt([]byte(text), 0)
	noError(t, err)
	return f
}

func names(t *testing.T, disk vfs.Disk, dir string) {
	t.Helper()
	at := func(name string) string { return filepath.Join(dir, name) }
	wantNames(t, disk, dir)
	noError(t, writeText(t, disk, at("y"), "y").Close())
	noError(t, writeText(t, disk, at("x"), "x").Close())
	noError(t, disk.Link(at("x"), at("z")))
	wantNames(t, disk, dir, "x", "y", "z")
	noError(t, disk.Rename(at("x"), at("y")))
	wantText(t, disk, at("y"), "x")
	noError(t, disk.Rename(at("y"), filepath.Join(dir, "..", "y")))
	wantText(t, disk, filepath.Join(dir, "..", "y"), "x")
	noError(t, disk.SyncDir(dir))
	noError(t, disk.Remove(at("z")))
	wantNames(t, disk, dir)
	info, err := disk.Stat(dir)
	if noError(t, err); !info.IsDir() || info.Name() != "b" {
		t.Errorf("%+v", info)
	}

	wantError(t, disk.Remove(at("z")), fs.ErrNotExist)
	wantError(t, disk.Rename(at("z"), at("x")), fs.ErrNotExist)
	wantError(t, disk.Link(at("z"), at("x")), fs.ErrNotExist)
	wantError(t, disk.SyncDir(at("z")), fs.ErrNotExist)
	_, err = disk.ReadDir(at("z"))
	wantError(t, err, fs.ErrNotExist)
	_, err = disk.Stat(filepath.Join(dir, "no", "folder"))
	wantError(t, err, fs.ErrNotExist)
	_, err = disk.OpenData(at("z"), os.O_RDWR, 0)
	wantError(t, err, fs.ErrNotExist)
	_, err = disk.OpenFile(filepath.Join(dir, "no", "folder"), os.O_RDWR|os.O_CREATE, 0o666)
	wantError(t, err, fs.ErrNotExist)
	noError(t, writeText(t, disk, at("z"), "z").Close())
	_, err = disk.OpenFile(at("z"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	wantError(t, err, fs.ErrExist)
	wantError(t, disk.Link(at("z"), at("z")), fs.ErrExist)
	if _, err := disk.Readlink(at("z")); err == nil {
		t.Error("a file is a link")
	}
	if err := disk.Remove(dir); err == nil {
		t.Error("a folder with a file in it is removed")
	}
	if err := disk.MkdirAll(at("z"), 0o777); err == nil {
		t.Error("a file becomes a folder")
	}
	if _, err := disk.OpenFile(dir, os.O_RDWR, 0); err == nil {
		t.Error("a folder is opened for writing")
	}
	noError(t, disk.Remove(at("z")))
}

func contentsOfDisk(t *testing.T, disk vfs.Disk, dir string) {
	t.Helper()
	path := filepath.Join(dir, "f")
	f := writeText(t, disk, path, "0123456789")
	b := make([]byte, 4)
	if n, err := f.ReadAt(b, 8); n != 2 || err != io.EOF {
		t.Errorf("ReadAt: %d, %v", n, err)
	}
	if n, err := f.ReadAt(b, 10); n != 0 || err != io.EOF {
		t.Errorf("ReadAt at the end: %d, %v", n, err)
	}
	noError(t, f.Preallocate(12))
	noError(t, f.Preallocate(5))
	_, err := f.WriteAt([]byte("x"), 14)
	noError(t, err)
	wantText(t, disk, path, "0123456789\x00\x00\x00\x00x")
	noError(t, f.Truncate(3))
	noError(t, f.Truncate(5))
	if size, err := f.Size(); size != 5 || err != nil {
		t.Errorf("Size: %d, %v", size, err)
	}
	_, err = f.Write([]byte("ab"))
	noError(t, err)
	_, err = f.Write([]byte("c"))
	noError(t, err)
	noError(t, f.Sync())
	noError(t, f.SyncData())
	noError(t, f.Chmod(0o600))
	noError(t, f.Close())
	wantText(t, disk, path, "abc\x00\x00")
	_, err = f.Write([]byte("late"))
	wantError(t, err, fs.ErrClosed)
	info, err := disk.Stat(path)
	if noError(t, err); info.Size() != 5 || info.Mode() != 0o600 {
		t.Errorf("%+v", info)
	}

	a, err := disk.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	noError(t, err)
	_, err = a.Write([]byte("d"))
	noError(t, err)
	noError(t, a.Close())
	wantText(t, disk, path, "abc\x00\x00d")

	r, err := disk.OpenData(path, os.O_RDONLY, 0)
	noError(t, err)
	if _, err := r.WriteAt([]byte("x"), 0); err == nil {
		t.Error("written through a file that is open for reading")
	}
	noError(t, r.Close())
	e, err := disk.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	noError(t, err)
	noError(t, e.Close())
	wantText(t, disk, path, "")
}

func locks(t *testing.T, disk vfs.Disk, dir string) {
	t.Helper()
	path := filepath.Join(dir, "LOCK")
	first, err := disk.Lock(path)
	noError(t, err)
	_, err = disk.Lock(path)
	wantError(t, err, vfs.ErrLocked)
	_, err = vfs.LockWithin(disk, path, time.Millisecond)
	wantError(t, err, vfs.ErrLocked)
	go func() {
		time.Sleep(5 * time.Millisecond)
		first.Close()
	}()
	second, err := vfs.LockWithin(disk, path, time.Minute)
	noError(t, err)
	noError(t, second.Close())
	_, err = disk.Lock(filepath.Join(dir, "no", "LOCK"))
	wantError(t, err, fs.ErrNotExist)
}

// A Faulty over something that is no disk says so.
func TestFaultyOverNoDisk(t *testing.T) {
	t.Parallel()
	f := vfs.NewFaulty(struct{ vfs.FS }{vfs.OS{}}, nil)
	_, err := f.OpenData("x", os.O_RDONLY, 0)
	wantError(t, err, errors.ErrUnsupported)
	_, err = f.ReadDir("x")
	wantError(t, err, errors.ErrUnsupported)
	wantError(t, f.MkdirAll("x", 0o777), errors.ErrUnsupported)
	_, err = f.Lock("x")
	wantError(t, err, errors.ErrUnsupported)
}

// Each call of a disk can fail, and then does nothing but half a write.
func TestFaultyDisk(t *testing.T) {
	t.Parallel()
	failing := ""
	crash := vfs.NewCrash(1, 0)
	disk := vfs.NewFaulty(crash, func(o vfs.Op) error {
		if o.Call == failing {
			return fs.ErrInvalid
		}
		return nil
	})
	f := writeText(t, disk, "f", "old")
	for call, do := range map[string]func() error{
		"open":        func() error { _, err := disk.OpenData("g", os.O_RDWR|os.O_CREATE, 0o666); return err },
		"readdir":     func() error { _, err := disk.ReadDir("."); return err },
		"mkdir":       func() error { return disk.MkdirAll("d", 0o777) },
		"lock":        func() error { _, err := disk.Lock("l"); return err },
		"size":        func() error { _, err := f.Size(); return err },
		"truncate":    func() error { return f.Truncate(0) },
		"preallocate": func() error { return f.Preallocate(100) },
		"sync":        f.SyncData,
	} {
		failing = call
		wantError(t, do(), fs.ErrInvalid)
	}
	failing = ""
	wantNames(t, disk, ".", "f")
	wantText(t, disk, "f", "old")
	failing = "write"
	n, err := f.WriteAt([]byte("new!"), 0)
	if wantError(t, err, fs.ErrInvalid); n != 2 {
		t.Errorf("%d bytes written", n)
	}
	wantText(t, crash, "f", "ned")
}

// What is stored in the memory of a file is in the file at once, and the other
// way round it is there from the start.
func maps(t *testing.T, disk vfs.Disk, path string) {
	t.Helper()
	f := writeText(t, disk, path, "before, and the rest")
	mem, unmap, err := f.Map(6)
	if errors.Is(err, errors.ErrUnsupported) {
		return
	}
	noError(t, err)
	if string(mem) != "before" {
		t.Errorf("mapped %q", mem)
	}
	copy(mem, "after!")
	wantText(t, disk, path, "after!, and the rest")
	noError(t, unmap())
	noError(t, f.Close())
	wantText(t, disk, path, "after!, and the rest")
	noError(t, disk.Remove(path))
}
