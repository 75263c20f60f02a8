package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"holdfast/internal/vfs"
	"holdfast/merge/runner"
)

// write makes OUT, whole or not at all.
func (r *pairRun) write(fill func(io.Writer) error) error {
	if r.out == "-" {
		return fill(r.a.Stdout)
	}
	f, err := vfs.Create(vfs.OS{}, r.out)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := fill(f); err != nil {
		return err
	}
	return f.Commit()
}

// copyForAppend gives the workers what OUT holds, to write behind it.
func (r *pairRun) copyForAppend() error {
	if !r.append {
		return nil
	}
	begun := runner.Files(r.dir, "A", runner.Options{})
	if _, err := os.Stat(begun.Output); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	old, err := os.Open(r.out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer old.Close()
	f, err := vfs.Create(vfs.OS{}, begun.Output)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := io.Copy(f, old); err != nil {
		return err
	}
	return f.Commit()
}

// resultName is the report of a merge that has succeeded, in its folder.
const resultName = "result.json"

// finishedBefore tells whether the folder holds a merge that has succeeded, and
// brings its output to its place if that was not done yet.
func (r *pairRun) finishedBefore() (bool, error) {
	text, err := os.ReadFile(filepath.Join(r.dir, resultName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	done, err := runner.Finished(r.dir, r.lists[0], r.lists[1], r.o)
	if err != nil {
		return false, mergeError(err)
	}
	was := newPairReport(r, r.report.BoundMessages)
	if err := json.Unmarshal(text, was); err != nil || !done {
		return false, nil // the workers know better
	}
	r.report, r.already = was, true
	if _, err := os.Stat(runner.Files(r.dir, "A", runner.Options{}).Output); err == nil {
		return true, r.publish()
	}
	out, err := os.Open(r.out)
	if err == nil {
		defer out.Close()
		_, err = out.Seek(r.report.Base, io.SeekStart)
	}
	if err == nil {
		err = runner.Verify(out, r.lists[0], r.lists[1], r.o.Duplicates)
	}
	if err != nil {
		return false, inputError(fmt.Errorf("%s: this merge has succeeded before, but %s is not its output any more (%w): remove %s to merge again", r.dir, r.out, err, r.dir))
	}
	return true, nil
}

// publish compares the output with the lists, keeps the report, and moves the
// output to OUT.
func (r *pairRun) publish() error {
	output := runner.Files(r.dir, "A", runner.Options{}).Output
	if err := r.verify(output); err != nil {
		return err
	}
	if !r.ownDir {
		text, err := json.Marshal(r.report)
		if err != nil {
			return err
		}
		f, err := vfs.Create(vfs.OS{}, filepath.Join(r.dir, resultName))
		if err != nil {
			return err
		}
		defer f.Abort()
		if _, err := f.Write(append(text, '\n')); err != nil {
			return err
		}
		if err := f.Commit(); err != nil {
			return err
		}
	}
	if err := r.move(output); err != nil {
		return err
	}
	if r.ownDir {
		return os.RemoveAll(r.dir)
	}
	return nil
}

func (r *pairRun) verify(output string) error {
	f, err := os.Open(output)
	if err != nil {
		return err
	}
	defer f.Close()
	state, err := runner.ReadState(vfs.OS{}, runner.Files(r.dir, "A", runner.Options{}).State)
	if err != nil {
		return mergeError(err)
	}
	r.report.Base = state.Base
	if _, err := f.Seek(state.Base, io.SeekStart); err != nil {
		return err
	}
	if err := runner.Verify(f, r.lists[0], r.lists[1], r.o.Duplicates); err != nil {
		return notHeld(fmt.Errorf("%s is not the union of the lists: %w", output, err))
	}
	r.report.Verified = true
	return nil
}

// move gives the output its final name. Where a rename cannot, it is copied:
// to another file system, a link or a device.
func (r *pairRun) move(output string) error {
	info, err := os.Lstat(r.out)
	if r.out != "-" && (errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().IsRegular()) {
		if err == nil {
			os.Chmod(output, info.Mode().Perm()) // best effort, as the file is ours
		}
		if os.Rename(output, r.out) == nil {
			return vfs.OS{}.SyncDir(filepath.Dir(r.out))
		}
	}
	f, err := os.Open(output)
	if err != nil {
		return err
	}
	defer f.Close()
	err = r.write(func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
	if err != nil {
		return err
	}
	return os.Remove(output)
}
