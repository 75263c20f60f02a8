package fetch

import (
	"errors"
	"fmt"

	"holdfast/fetch/retry"
)

// Why a URL did not succeed: errors.Is finds them in an [Error].
var (
	ErrMaxRetries   = errors.New("all retries were used")
	ErrNotRetryable = errors.New("not worth a retry")
	ErrBudget       = errors.New("the retry budget is used up")
	ErrBreakerOpen  = errors.New("the circuit breaker is open")
	ErrDeadline     = errors.New("the deadline has passed or the next wait would pass it")
	ErrParked       = errors.New("the server asked for a longer wait than is waited for")
	ErrBlocked      = errors.New("the address is not allowed")
	ErrTooLarge     = errors.New("the body is too large")
	ErrCancelled    = errors.New("cancelled")
)

// ErrOtherList says that a log to be resumed is of another list.
var ErrOtherList = errors.New("a log can only be resumed with its own list")

// An Error is a URL that did not succeed. It matches, with errors.Is and
// errors.As, why it stopped and what failed last.
type Error struct{ Outcome *Outcome }

func (e *Error) Error() string {
	o := e.Outcome
	what := o.Kind.String()
	if o.Status != 0 {
		what = fmt.Sprintf("%s, HTTP %d", what, o.Status)
	}
	if o.LastErr != nil {
		what += ": " + o.LastErr.Error()
	}
	return fmt.Sprintf("fetch %s: %s after %d attempts", o.URL, what, o.Attempts)
}

// Unwrap gives why it stopped and what failed last.
func (e *Error) Unwrap() []error {
	errs := []error{stopped(e.Outcome.Kind)}
	if e.Outcome.LastErr != nil {
		errs = append(errs, e.Outcome.LastErr)
	}
	return errs
}

func stopped(o retry.Outcome) error {
	switch o {
	case retry.OutcomeMaxRetries:
		return ErrMaxRetries
	case retry.OutcomeBudgetExhausted:
		return ErrBudget
	case retry.OutcomeBreakerOpen:
		return ErrBreakerOpen
	case retry.OutcomeDeadline:
		return ErrDeadline
	case retry.OutcomeParked:
		return ErrParked
	case retry.OutcomeBlocked:
		return ErrBlocked
	case retry.OutcomeTooLarge:
		return ErrTooLarge
	case retry.OutcomeCancelled, retry.OutcomeNotStarted:
		return ErrCancelled
	}
	return ErrNotRetryable
}

// An InputError is a list, log or line that cannot be used.
type InputError struct {
	Name string // of the file
	Line int64  // 0: of none
	Err  error
}

func (e *InputError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %v", e.Name, e.Line, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Name, e.Err)
}

func (e *InputError) Unwrap() error { return e.Err }
