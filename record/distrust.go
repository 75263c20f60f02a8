package record

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"holdfast/internal/vfs"
)

// After a failed sync the system may show bytes of the log that the disk will
// never have, and a later sync of them succeeds without writing them. So the
// failure is noted beside the journal, and the next start writes the bytes
// again, as they are: those that no sync has vouched for.

// distrustPath is a file that says so while it exists.
func (l *Logger) distrustPath() string {
	return filepath.Join(JournalDir(l.c.StateDir, l.c.Session), "log-sync-failed")
}

// distrust notes a failed sync of the log, as well as a failing disk lets it,
// and gives the failure back.
func (l *Logger) distrust(failure error) error {
	f, err := l.c.Disk.OpenFile(l.distrustPath(), os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return failure
	}
	f.Sync()
	f.Close()
	l.c.Disk.SyncDir(filepath.Dir(l.distrustPath()))
	return failure
}

// syncLog makes the log durable; what an earlier sync has failed to write is
// written again first.
func (l *Logger) syncLog(r *recovered, file vfs.DataFile) error {
	_, err := l.c.Disk.Stat(l.distrustPath())
	failed := err == nil
	if failed {
		err = l.writeAgain(r)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil {
		if err = file.Sync(); err != nil {
			err = l.distrust(err)
		}
	}
	if err == nil && failed {
		err = l.c.Disk.Remove(l.distrustPath())
	}
	return err
}

// writeAgain needs a file of its own: the log's only appends.
func (l *Logger) writeAgain(r *recovered) error {
	f, err := l.c.Disk.OpenData(l.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, 1<<20)
	for at := int64(r.sure.end); at < int64(r.end); {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), int64(r.end)-at)], at)
		if err == io.EOF && n > 0 {
			err = nil
		}
		if err == nil {
			_, err = f.WriteAt(buf[:n], at)
		}
		if err != nil {
			return err
		}
		at += int64(n)
	}
	return f.SyncData()
}
