package runner

import "holdfast/merge"

// A Mailbox is the inbox and the outbox of one worker. [Log] and [Slot] are
// two kinds of it in files.
type Mailbox interface {
	// Check is called once, before all else, with the saved state, or nil
	// without one. It refuses an outbox that does not fit to it (R10).
	Check(s *State) error
	// Reread gives the messages up to a mark again, after a restart. The error
	// is errNotYet or a *StallError if the other worker has to write some of
	// them again first, an *InputError if they are other ones (R12).
	Reread(upTo Mark) ([]merge.Message, error)
	// Receive gives messages behind a mark, and the mark behind them. Without
	// any it writes nothing. The error is a *StallError if the next message
	// cannot be read; the messages before it are good.
	Receive(from Mark) ([]merge.Message, Mark, error)
	// Ready tells whether a next message may be sent now.
	Ready(out Mark) bool
	// Line is what the outbox gets for a message, or, with m nil, for having
	// read in something new; nil for nothing.
	Line(m *merge.Message, in, out Mark) []byte
	// Fits refuses a line in whose place another message stands.
	Fits(out Mark, line []byte) error
	// Send puts the line where out says, if it is not there already, and says
	// whether it was not.
	Send(out Mark, line []byte) (wrote bool, err error)
	// Sent is the mark behind a line.
	Sent(out Mark, line []byte) Mark
	// Save adds to a state what Check needs of it.
	Save(s *State)
	// Behind tells, while a lost state is rebuilt, that the outbox has more
	// than out says.
	Behind(out Mark) bool
	Close() error
}

// A StallError is a message in the inbox that cannot be read. It may yet
// change: the other worker puts it right after a crash.
type StallError struct{ Err *InputError }

func (e *StallError) Error() string { return e.Err.Error() }
func (e *StallError) Unwrap() error { return e.Err }

func stall(path string, line int64, err error) error {
	return &StallError{&InputError{Path: path, Line: line, Err: err}}
}
