package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"holdfast/internal/vfs"
)

// makeDir makes the folder and its name durable, and the names of all folders
// above it: a process that was killed may have made any of them and not come to
// that. One that we may not even read was not made by us.
func makeDir(fsys vfs.Disk, dir string) error {
	if err := fsys.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	dir = filepath.Clean(dir)
	for above := filepath.Dir(dir); above != dir; dir, above = above, filepath.Dir(above) {
		if err := fsys.SyncDir(above); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}

// A LockedError says who writes the journal already (D7). It is a
// [vfs.ErrLocked].
type LockedError struct{ Dir, PID string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("journal: %s: locked by another recorder (pid %s)", e.Dir, e.PID)
}

func (e *LockedError) Unwrap() error { return vfs.ErrLocked }

// lockDir keeps a second writer out (D7) and leaves it our process number.
func lockDir(fsys vfs.Disk, dir string) (io.Closer, error) {
	path := filepath.Join(dir, "LOCK")
	lock, err := vfs.LockWithin(fsys, path, lockPatience)
	if errors.Is(err, vfs.ErrLocked) {
		return nil, &LockedError{dir, owner(fsys, path)}
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if err := sign(fsys, path); err != nil {
		lock.Close()
		return nil, fmt.Errorf("journal: %w", err)
	}
	return lock, nil
}

// pidDigits is as long as the text of a process number becomes.
const pidDigits = 20

func sign(fsys vfs.Disk, path string) error {
	f, err := fsys.OpenData(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(fmt.Appendf(nil, "%-*d\n", pidDigits, os.Getpid()), 0)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if vfs.IsFull(err) {
		return nil // a name for a message is no reason not to start
	}
	return err
}

func owner(fsys vfs.Disk, path string) string {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	b := make([]byte, pidDigits)
	n, _ := f.ReadAt(b, 0)
	text := strings.TrimSpace(string(b[:n]))
	if _, err := strconv.Atoi(text); err != nil {
		return "unknown"
	}
	return text
}
