package runner

import (
	"errors"
	"fmt"
)

// ErrLocked: another process runs this worker.
var ErrLocked = errors.New("another process runs this worker")

// ErrFiles: the names of a worker's files cannot be meant.
var ErrFiles = errors.New("the worker's files")

// An InputError is a list, mailbox, state or output that cannot be used as it
// is. Nothing of it was changed.
type InputError struct {
	Path string
	Line int64 // 0 if it is about the whole
	Err  error
}

func (e *InputError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %v", e.Path, e.Line, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Path, e.Err)
}

func (e *InputError) Unwrap() error { return e.Err }

func inputErrorf(path, format string, args ...any) error {
	return &InputError{Path: path, Err: fmt.Errorf(format, args...)}
}

// A RunError is what a run ended with: a value in both lists
// (*merge.DuplicateError), other options at the other worker, and so on. It is
// in the state, so that every later start says the same.
type RunError struct {
	Worker string // the one that says so
	Err    error
}

func (e *RunError) Error() string { return fmt.Sprintf("worker %s: %v", e.Worker, e.Err) }
func (e *RunError) Unwrap() error { return e.Err }
