package runner

import (
	"context"
	"errors"
	"fmt"
)

// A Link is the way of one worker of a job to the others: one log in which all
// messages have a sequence, ascending and for ever, and a record of the worker
// that it replaces by compare and swap. A call that can wait ends with the
// context. Errors but those named here mean that the log cannot be reached, or
// is not what it was.
type Link interface {
	// Load gives the worker's record; nil if there is none.
	Load(ctx context.Context) ([]byte, error)
	// Save replaces the record that Load gave or Save stored last. It is
	// ErrFenced, and nothing is stored, if another process replaced it.
	Save(ctx context.Context, record []byte) error
	// Receive gives what others sent to this worker, or to all, behind a
	// sequence, in order. It waits a moment for it, and may give nothing.
	Receive(ctx context.Context, after uint64) ([]Letter, error)
	// Send stores message index (from 0 on) to a worker or to merge.All behind
	// the one at sequence last (0: none was sent there), and gives its
	// sequence. If there is a message in that place already, it must be this
	// one, byte for byte, and it is not stored again; else it is an InputError.
	Send(ctx context.Context, to int, index int64, last uint64, body []byte) (seq uint64, err error)
	// Records gives those of all workers as they are now, nil where there is
	// none.
	Records(ctx context.Context) ([][]byte, error)
	// Last is the sequence of the last message in the log, 0 for none.
	Last(ctx context.Context) (uint64, error)
}

// A Letter is a message in the log.
type Letter struct {
	Seq  uint64
	From int    // the sender, which the log has made sure of
	Name string // of the place where it is, for errors
	Body []byte // as AppendMessage writes it, but whoever wrote it
}

// ErrFenced says that another process has replaced the record.
var ErrFenced = errors.New("another process runs this worker")

// A FencedError is ErrFenced with names: this process is not, or no longer, the
// one that runs the worker. It has done no harm, for whatever both did is the
// same.
type FencedError struct {
	Job    string
	Worker int
	Owner  string // the other process, "" if that is not known
}

func (e *FencedError) Error() string {
	by := ""
	if e.Owner != "" {
		by = " (" + e.Owner + ")"
	}
	return fmt.Sprintf("job %s: another process%s runs worker %d: this one stops; give each process an --id of its own", e.Job, by, e.Worker)
}

func (e *FencedError) Unwrap() error { return ErrFenced }
