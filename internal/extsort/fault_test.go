package extsort

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"holdfast/internal/vfs"
)

// noUnlink refuses to remove a file that is open, as Windows does.
type noUnlink struct {
	vfs.FS
	mu   sync.Mutex
	open map[string]bool
}

type namedFile struct {
	vfs.File
	fs   *noUnlink
	name string
}

func (n *noUnlink) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	f, err := n.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open[name] = true
	return &namedFile{f, n, name}, nil
}

func (n *noUnlink) Remove(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.open[name] {
		return fs.ErrPermission
	}
	return n.FS.Remove(name)
}

func (f *namedFile) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	delete(f.fs.open, f.name)
	return f.File.Close()
}

// sortWith adds, sorts and ranges; it gives the first error and what came out before.
func sortWith(c Config, records []record) (n int, err error) {
	s := New(c)
	defer s.Close()
	for _, r := range records {
		if err := s.Add(r.Key, r.Value); err != nil {
			return 0, err
		}
	}
	sorted, err := s.Sort()
	if err != nil {
		return 0, err
	}
	defer sorted.Close()
	for range sorted.All(&err) {
		n++
	}
	return n, err
}

// R-test 53 for the sort: whichever call fails, the error says where and what
// to do, and no file is left; an error that does no harm changes nothing.
func TestEveryCallMayFail(t *testing.T) {
	t.Parallel()
	records := shuffled(60_000)
	for _, jobs := range []int{1, 2} {
		for name, plan := range map[string]func(int, error) vfs.Plan{"once": vfs.FailAt, "from then on": vfs.FullFrom} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				count := vfs.NewFaulty(vfs.OS{}, nil)
				if _, err := sortWith(Config{Memory: MinMemory, Dir: dir, FS: count, Jobs: jobs}, records); err != nil {
					t.Fatal(err)
				}
				failed, step := 0, 8 // steps grow with n: later calls are much like each other
				if testing.Short() {
					step = 3
				}
				for n := 1; n <= count.Calls(); n += 1 + n/step {
					fsys := vfs.NewFaulty(vfs.OS{}, plan(n, syscall.ENOSPC))
					got, err := sortWith(Config{Memory: MinMemory, Dir: dir, FS: fsys, Jobs: jobs}, records)
					emptyDir(t, dir)
					if err == nil {
						if got != len(records) {
							t.Fatalf("call %d: no error, but %d records", n, got)
						}
						continue
					}
					failed++
					if !errors.Is(err, syscall.ENOSPC) {
						t.Fatalf("call %d: %v does not wrap the cause", n, err)
					}
					for _, want := range []string{dir, "--tmp"} {
						if !strings.Contains(err.Error(), want) {
							t.Fatalf("call %d: error %q does not say %q", n, err, want)
						}
					}
					if strings.Contains(err.Error(), ".holdfast-") {
						t.Fatalf("call %d: error %q names a file that nobody knows", n, err)
					}
				}
				if failed < 5 {
					t.Fatalf("only %d of the calls failed: the test has lost its aim", failed)
				}
			})
		}
	}
}

// The first error ends the sorter, and takes the files away without a Close.
func TestErrorsAreSticky(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	full := vfs.NewFaulty(&noUnlink{FS: vfs.OS{}, open: map[string]bool{}}, vfs.FullFrom(20, syscall.ENOSPC))
	for name, c := range map[string]Config{
		"no folder": {Dir: filepath.Join(dir, "nowhere")},
		"full":      {Dir: dir, FS: full},
	} {
		c.Memory, c.Jobs = MinMemory, 1
		s := New(c)
		defer s.Close()
		var first error
		for _, r := range shuffled(60_000) {
			if first = s.Add(r.Key, r.Value); first != nil {
				break
			}
		}
		if !errors.Is(first, fs.ErrNotExist) && !errors.Is(first, syscall.ENOSPC) {
			t.Fatalf("%s: %v", name, first)
		}
		emptyDir(t, dir)
		if err := s.Add(nil, nil); err != first {
			t.Errorf("%s: second Add: %v, want %v", name, err, first)
		}
		if _, err := s.Sort(); err != first {
			t.Errorf("%s: Sort: %v, want %v", name, err, first)
		}
	}
}

// cutFile ends early, as after a write that never reached the disk.
type cutFile struct{ vfs.File }

func (cutFile) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }

func TestShortTemporaryFile(t *testing.T) {
	t.Parallel()
	sorted := sortAll(t, New(Config{Memory: MinMemory, Dir: t.TempDir()}), shuffled(20_000))
	defer sorted.Close()
	for _, f := range sorted.store.files {
		f.File = cutFile{f.File}
	}
	var err error
	for range sorted.All(&err) {
	}
	if !errors.Is(err, errCut) {
		t.Errorf("got %v, want %v", err, errCut)
	}
}
