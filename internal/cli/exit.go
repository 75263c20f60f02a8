package cli

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"holdfast/engine"
	"holdfast/record/journal"
	"holdfast/replay/ingest"
)

// Exit statuses: part of the contract with scripts.
const (
	ExitOK          = 0   // done
	ExitNotHeld     = 1   // done, and what was asked for did not hold
	ExitUsage       = 2   // the command line is wrong
	ExitInput       = 3   // an input cannot be used
	ExitEnvironment = 4   // the environment failed: disk full, no permission, …
	ExitInterrupted = 130 // SIGINT or SIGTERM
)

// A statusError carries the exit status that its cause asks for.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

func usageError(err error) error { return &statusError{ExitUsage, err} }
func inputError(err error) error { return &statusError{ExitInput, err} }
func notHeld(err error) error    { return &statusError{ExitNotHeld, err} }

// exitStatus is the one place where errors become exit statuses.
func exitStatus(err error) int {
	var status *statusError
	var usage *ingest.UsageError
	var input *ingest.InputError
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.As(err, &status):
		return status.status
	case errors.As(err, &usage), errors.Is(err, engine.ErrAddress):
		return ExitUsage
	case errors.As(err, &input):
		return ExitInput
	default:
		return ExitEnvironment
	}
}

// hint is what to do about errors of the operating system that do not say it themselves.
func hint(err error) string {
	var full *journal.FullError
	switch {
	case errors.As(err, &full):
	case errors.Is(err, syscall.ENOSPC):
		return "free some space, or choose another place with --out and --tmp"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "check the permissions, or choose another place"
	case errors.Is(err, fs.ErrNotExist):
		return "check the path"
	}
	return ""
}

// oneLine is how an error is shown: one line, whatever its text holds.
func oneLine(err error) string {
	s := strings.Join(strings.Fields(err.Error()), " ")
	if h := hint(err); h != "" && !strings.Contains(s, "--tmp") && !strings.Contains(s, "--resume") {
		s += ": " + h
	}
	return s
}
