package cli

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

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

// usageError gives an error its status, unless it has one: a flag may be right
// and the file that it names cannot be used.
func usageError(err error) error {
	if already := (*statusError)(nil); errors.As(err, &already) {
		return err
	}
	return &statusError{ExitUsage, err}
}
func inputError(err error) error { return &statusError{ExitInput, err} }
func notHeld(err error) error    { return &statusError{ExitNotHeld, err} }

// interruption is what a verb returns that can tell how to go on; "" if that was
// told by others.
type interruption struct{ goOn string }

func (e *interruption) Error() string { return "interrupted: " + e.goOn }
func (e *interruption) Unwrap() error { return context.Canceled }

// goOn is what to do after an interrupt.
func goOn(err error) string {
	var told *interruption
	if errors.As(err, &told) {
		return told.goOn
	}
	return "nothing half-written is left; run the same command again"
}

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
func hint(cmd *cobra.Command, err error) string {
	var full *journal.FullError
	switch {
	case errors.As(err, &full):
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "free some space, or choose another place" + places(cmd)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "check the permissions, or choose another place"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return "check the path"
	}
	return ""
}

// places names the flags of a verb that say where its files go.
func places(cmd *cobra.Command) string {
	var flags []string
	for _, name := range []string{"out", "dir", "state-dir", "log", "tmp"} {
		if f := cmd.Flags().Lookup(name); f != nil {
			flags = append(flags, "--"+f.Name)
		}
	}
	if flags == nil {
		return ""
	}
	return " with " + strings.Join(flags, " and ")
}

// oneLine is how an error is shown: one line, whatever its text holds.
func oneLine(cmd *cobra.Command, err error) string {
	s := strings.Join(strings.Fields(err.Error()), " ")
	if h := hint(cmd, err); h != "" && !strings.Contains(s, "--tmp") && !strings.Contains(s, "--resume") {
		s += ": " + h
	}
	return s
}
