package record

import (
	"errors"
	"fmt"
)

var (
	// ErrLocked: another recorder has the session or its log.
	ErrLocked = errors.New("locked by another recorder")
	// ErrInterrupted: the context ended the run in good order. The same call
	// goes on with the session.
	ErrInterrupted = errors.New("interrupted")
)

// An InputError is an input, a log or a journal that cannot be used as it is.
// Nothing of it was changed.
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
