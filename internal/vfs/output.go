package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Output is a file that is being written. Nobody sees it under its name before
// [Output.Commit]. Writes are not buffered. It is used by one goroutine.
type Output struct {
	fs     FS
	path   string // as the caller named it, for errors
	target string // path with symbolic links followed
	temp   string // "" when target is written directly
	file   File   // nil once it is closed
	mode   fs.FileMode
	exists bool  // target existed at Create, with this mode
	done   bool  // committed or aborted
	err    error // the first failure; sticky
}

// Create begins a new file at path. The folder must exist. The data goes to a
// temporary name in the folder of the final file. A device or pipe (/dev/null)
// cannot be replaced by a rename and is written directly.
func Create(fsys FS, path string) (*Output, error) {
	target, err := follow(fsys, path)
	if err != nil {
		return nil, describe("create", path, err)
	}
	o := &Output{fs: fsys, path: path, target: target}
	info, err := fsys.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		o.file, o.temp, err = CreateTemp(fsys, filepath.Dir(target), 0o666)
	case err != nil:
	case info.IsDir():
		err = errors.New("it is a folder: name a file")
	case !info.Mode().IsRegular():
		o.file, err = fsys.OpenFile(target, os.O_WRONLY, 0)
	case info.Mode().Perm()&0o222 == 0:
		err = fmt.Errorf("the file is write-protected: %w", fs.ErrPermission)
	default:
		o.exists, o.mode = true, info.Mode().Perm()
		o.file, o.temp, err = CreateTemp(fsys, filepath.Dir(target), 0o600)
	}
	if err != nil {
		return nil, describe("create", path, err)
	}
	return o, nil
}

// maxLinks is how many symbolic links are followed, as many as Linux does.
const maxLinks = 40

// follow resolves path as far as it is itself a symbolic link, also one that
// leads to nothing yet.
func follow(fsys FS, path string) (string, error) {
	path = filepath.Clean(path)
	for range maxLinks {
		to, err := fsys.Readlink(path)
		if err != nil {
			return path, nil // not a link; other troubles show when it is opened
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", errors.New("too many symbolic links")
}

// Write adds p to the file.
func (o *Output) Write(p []byte) (int, error) {
	if o.file == nil {
		return 0, fmt.Errorf("write %s: %w", o.path, fs.ErrClosed)
	}
	n, err := o.file.Write(p)
	if err != nil {
		err = describe("write", o.path, err)
		o.fail(err)
	}
	return n, err
}

// Commit makes the file visible under its name, durably. After an error, of a
// write too, the old file stands and nothing else is left.
func (o *Output) Commit() error { return commit(o.fs, []*Output{o}) }

// Abort removes what was written. After Commit or Abort it does nothing, so it
// can be deferred.
func (o *Output) Abort() {
	if o.done {
		return
	}
	o.done = true
	o.close()
	if o.temp != "" {
		o.fs.Remove(o.temp) // best effort: an earlier error is what counts
	}
}

// complete brings the bytes to the disk under the temporary name.
func (o *Output) complete() error {
	if o.err != nil {
		return o.err
	}
	if o.temp != "" {
		if o.exists {
			o.fail(o.file.Chmod(o.mode))
		}
		o.fail(o.file.Sync())
	}
	o.close()
	return o.err
}

func (o *Output) close() {
	if o.file != nil {
		o.fail(o.file.Close())
		o.file = nil
	}
}

func (o *Output) fail(err error) {
	if o.err == nil && err != nil {
		o.err = describe("write", o.path, err)
	}
}

// describe tells err with the name that the user gave instead of a temporary one.
func describe(what, path string, err error) error {
	var already *outputError
	if errors.As(err, &already) {
		return err
	}
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		err = p.Err
	case errors.As(err, &l):
		err = l.Err
	}
	return &outputError{what, path, err}
}

// outputError is a failure to write an output file.
type outputError struct {
	what, path string
	err        error
}

func (e *outputError) Error() string { return e.what + " " + e.path + ": " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }
