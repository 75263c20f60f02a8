package runner

import (
	"errors"
	"hash/crc32"
	"io"

	"holdfast/merge"
)

// A Worker is one of the two, on its files. It is used by one goroutine.
type Worker struct {
	o       Options
	lock    io.Closer
	machine merge.Machine
	box     Mailbox
	output  *dataFile
	buf     []byte

	state  State // as it was saved last; before the first step what it would be
	in     Mark  // behind what was read
	out    Mark  // behind what was sent, with Pending
	loaded bool  // what was read before the start was read again, and Pending redone
	redone bool  // at the start a message was written: that was the next step
	done   bool

	stalled *InputError
	err     error // the end for good
}

// Close lets go of files and lock. What was done is done; what was not is found
// by the next [NewWorker].
func (w *Worker) Close() error {
	var errs []error
	if w.box != nil {
		errs = append(errs, w.box.Close())
	}
	if w.output != nil {
		errs = append(errs, w.output.Close())
	}
	if w.lock != nil {
		errs = append(errs, w.lock.Close())
	}
	w.box, w.output, w.lock = nil, nil, nil
	return errors.Join(errs...)
}

// Step reads what has come, decides, and does what follows: some output, one
// message at most. It returns false when the worker has nothing to do any more,
// now and for ever, and what it did is as durable as promised. Without anything
// new it writes nothing and returns true. After an error the worker is of no
// use; a new one may be.
func (w *Worker) Step() (more bool, err error) {
	if w.err != nil {
		return false, w.err
	}
	more, err = w.step()
	w.err = err
	return more, err
}

func (w *Worker) step() (bool, error) {
	if !w.loaded {
		if err := w.load(); err != nil {
			return false, err
		}
		if !w.loaded {
			return true, nil
		}
	}
	if w.redone {
		w.redone = false
	} else if !w.done {
		if _, _, err := w.transition(); err != nil {
			return false, err
		}
	}
	if w.done {
		return false, w.failure()
	}
	return true, nil
}

// transition is one step of the machine with all that follows.
func (w *Worker) transition() (progress, wrote bool, err error) {
	messages, in, err := w.box.Receive(w.in)
	if err == nil {
		w.stall(nil)
	} else if err = w.stalledBy(err); err != nil {
		return false, false, err
	}
	for _, m := range messages {
		w.machine.Deliver(m) // an error stays in the machine, and FAIL may follow
	}
	var e merge.Effects
	if w.box.Ready(w.out) || w.machine.Err() != nil {
		e = w.machine.Next(maxOutput)
	}
	if len(messages) == 0 && !e.Progress {
		return false, false, nil
	}
	next := w.state
	next.In, next.Out, next.Steps = in, w.out, next.Steps+1
	next.Done, next.Pending = e.Done, nil
	w.buf = w.buf[:0]
	for _, s := range e.Output {
		from := len(w.buf)
		w.buf = w.machine.Render(w.buf, s)
		b := w.buf[from:]
		next.Pending = append(next.Pending, Effect{Kind: kindOutput, Offset: s.Off, From: s.From, To: s.To, Bytes: len(b), CRC32C: crc32.Checksum(b, castagnoli)})
	}
	// Who has finished acknowledges nothing any more: in this project's protocol
	// nobody waits for it. In the baselines the other may have output left.
	if e.Send != nil || len(messages) > 0 && (!e.Done || w.o.Strategy != merge.Default) {
		if line := w.box.Line(e.Send, in, w.out); line != nil {
			if err := w.box.Fits(w.out, line); err != nil { // BEFORE any output
				return true, false, err
			}
			next.Pending = append(next.Pending, Effect{Kind: kindMessage, Offset: w.out.Offset, Line: string(line)})
			if e.Send == nil {
				next.Acks++
			}
		}
	}
	next.Snapshot = w.machine.Snapshot()
	w.box.Save(&next)
	if err := saveState(&w.o, &next); err != nil { // intent BEFORE effect
		return true, false, err
	}
	w.state = next
	if wrote, err = w.perform(&next); err != nil {
		return true, wrote, err
	}
	w.in, w.done = in, e.Done
	return true, wrote, nil
}

// perform does the pending effects of a state, output BEFORE message. It is
// the same for the first time and for any other.
func (w *Worker) perform(s *State) (wrote bool, err error) {
	for _, e := range s.Pending {
		switch e.Kind {
		case kindOutput:
			err = w.write(e)
		case kindMessage:
			wrote, err = w.box.Send(s.Out, []byte(e.Line))
		}
		if err != nil {
			return wrote, err
		}
	}
	if line := s.message(); line != "" {
		w.out = w.box.Sent(s.Out, []byte(line))
	}
	return wrote, nil
}

// write puts a span of values at its place.
func (w *Worker) write(e Effect) error {
	b := w.machine.Render(w.buf[:0], merge.Span{Off: e.Offset, From: e.From, To: e.To})
	w.buf = b
	if len(b) != e.Bytes || crc32.Checksum(b, castagnoli) != e.CRC32C {
		return inputErrorf(w.o.State, "the state says that %d bytes of output were to be written, this input gives %d other ones", e.Bytes, len(b))
	}
	size, err := w.output.Size()
	if err != nil {
		return err
	}
	if size < e.Offset {
		return inputErrorf(w.o.Output, "output truncated by someone else: it has %d bytes, and what follows belongs at byte %d", size, e.Offset)
	}
	return w.output.WriteAt(b, e.Offset)
}

// stalledBy notes a message that cannot be read, and gives any other error back.
func (w *Worker) stalledBy(err error) error {
	var stalled *StallError
	if errors.As(err, &stalled) {
		w.stall(stalled.Err)
		return nil
	}
	return err
}

func (w *Worker) stall(e *InputError) {
	if e != nil && w.stalled == nil {
		w.o.warn("%v: waiting for it to be put right", e)
	}
	w.stalled = e
}

// failure is what the worker ended with.
func (w *Worker) failure() error {
	if err := w.machine.Err(); err != nil {
		return &RunError{Worker: w.o.ID, Err: err}
	}
	return nil
}

// Stats are the requirement's counters, over all restarts.
func (w *Worker) Stats() merge.Stats {
	s := w.state.Snapshot.Stats
	s.MessagesSent += w.state.Acks
	return s
}

// State is the state as it was saved last.
func (w *Worker) State() State { return w.state }

// Stalled is the message of the inbox that cannot be read, or nil.
func (w *Worker) Stalled() *InputError { return w.stalled }
