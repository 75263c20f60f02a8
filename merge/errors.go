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

// failure is the code of FAIL for an error, and the value of a duplicate.
func failure(err error) (code int, value int32) {
	var duplicate *DuplicateError
	switch {
	case errors.As(err, &duplicate):
		return FailDuplicate, duplicate.Value
	case errors.Is(err, ErrOptions):
		return FailOptions, 0
	case errors.Is(err, ErrVersion):
		return FailVersion, 0
	case errors.Is(err, ErrChecksum):
		return FailChecksum, 0
	case errors.Is(err, ErrLimit):
		return FailLimit, 0
	}
	return FailProtocol, 0
}

// failMessage tells the other worker of err.
func failMessage(err error) Message {
	code, value := failure(err)
	values := []int32{int32(code)}
	if code == FailDuplicate {
		values = append(values, pair(int64(biased(value)))...)
	}
	return Message{TypeFail, values}
}

// readFail gives the error that a FAIL tells of.
func readFail(values []int32) error {
	if len(values) == 3 && values[0] == FailDuplicate {
		if v, err := unpair(values[1:]); err == nil && v < 1<<32 {
			return &DuplicateError{unbiased(uint32(v))}
		}
	}
	if len(values) == 1 {
		switch values[0] {
		case FailOptions:
			return ErrOptions
		case FailVersion:
			return ErrVersion
		case FailChecksum:
			return ErrChecksum
		case FailLimit:
			return ErrLimit
		case FailProtocol:
			return ErrProtocol
		}
	}
	return protocolError("FAIL without a known reason")
}

func protocolError(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrProtocol, fmt.Sprintf(format, a...))
}

func limitError(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrLimit, fmt.Sprintf(format, a...))
}

// pair writes a number of up to 62 bits as two words, the high one first.
func pair(v int64) []int32 { return []int32{int32(v >> WordBits), int32(v & (1<<WordBits - 1))} }

// unpair undoes pair.
func unpair(words []int32) (int64, error) {
	if len(words) != 2 || words[0] < 0 || words[1] < 0 || words[0] >= maxOffset>>WordBits {
		return 0, protocolError("a number takes two words")
	}
	return int64(words[0])<<WordBits | int64(words[1]), nil
}
