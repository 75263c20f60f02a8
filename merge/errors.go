package merge

import (
	"errors"
	"fmt"
)

// Errors of a configuration.
var ErrConfig = errors.New("merge: bad configuration")

// Errors that end a run. The worker that meets one tells the other by FAIL,
// which ends with the same error.
var (
	ErrOptions  = errors.New("the workers were started with different options")
	ErrVersion  = errors.New("the other worker speaks another version of the protocol")
	ErrChecksum = errors.New("the values received do not match their checksum")
	ErrLimit    = errors.New("a limit is exceeded")
	ErrProtocol = errors.New("unexpected message")
)

// ErrState says that a snapshot does not belong to the values, options and
// messages that it is resumed with.
var ErrState = errors.New("the saved state does not belong to this input and these messages")

// A DuplicateError names the smallest value that is in both lists although
// Duplicates is Strict.
type DuplicateError struct{ Value int32 }

func (e *DuplicateError) Error() string {
	return fmt.Sprintf("value %d is in both lists", e.Value)
}

// Codes of FAIL.
const (
	FailDuplicate = 1
	FailOptions   = 2
	FailVersion   = 3
	FailChecksum  = 4
	FailLimit     = 5
	FailProtocol  = 6
)

// RemoteError is a failure that the other worker found and told by FAIL.
type RemoteError struct{ Err error }

func (e *RemoteError) Error() string { return "the other worker ended: " + e.Err.Error() }

// Unwrap gives the error that the other worker met.
func (e *RemoteError) Unwrap() error { return e.Err }
