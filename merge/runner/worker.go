package runner

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"holdfast/internal/vfs"
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

// patience is how long a start waits for a lock whose owner was just killed.
const patience = 500 * time.Millisecond

// NewWorker takes the worker's lock, checks its files against its state and
// performs the effects of its last step again, which a crash may have cut off.
// Without a state, or with a damaged one, it begins anew and comes, message by
// message, to where the outbox is. The caller closes it.
func NewWorker(o Options) (*Worker, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	w := &Worker{o: o}
	if err := w.open(); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
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

func (w *Worker) open() (err error) {
	o := &w.o
	w.lock, err = vfs.LockWithin(o.Disk, o.State+".lock", patience)
	if errors.Is(err, vfs.ErrLocked) {
		return fmt.Errorf("%s: another process runs worker %s: %w", o.State, o.ID, ErrLocked)
	}
	if err != nil {
		return err
	}
	saved, err := ReadState(o.Disk, o.State)
	var damaged *InputError
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
	case errors.As(err, &damaged):
		o.warn("%v: it is kept as %s.bad and made again from the mailboxes", err, o.State)
		if err := keepDamaged(o.Disk, o.State); err != nil {
			return err
		}
		saved = nil
	default:
		return err
	}
	base, err := w.base(saved)
	if err != nil {
		return err
	}
	if w.machine, err = o.machine(o.config(base)); err != nil {
		return err
	}
	fingerprint := w.machine.Fingerprint()
	if saved != nil {
		// The process that gave it its name may have been killed before it
		// synced the folder: that is made good BEFORE anything builds on it.
		if o.sync() {
			if err := o.Disk.SyncDir(filepath.Dir(o.State)); err != nil {
				return err
			}
		}
		if err := saved.belongs(o, fingerprint); err != nil {
			return err
		}
	}
	if w.box, err = openMailbox(o, saved); err != nil {
		return err
	}
	if err := w.box.Check(saved); err != nil {
		return err
	}
	if w.output, err = openData(o.Disk, o.Output, o.sync()); err != nil {
		return err
	}
	if saved == nil {
		w.state = State{Version: stateVersion, Worker: o.ID, Fingerprint: fingerprint, Options: o.stateOptions(), Snapshot: w.machine.Snapshot()}
		w.loaded = true
		return w.rebuild()
	}
	w.state = *saved
	w.in, w.out = saved.In, saved.Out
	return w.load()
}

func openMailbox(o *Options, saved *State) (Mailbox, error) {
	switch o.Mailbox {
	case Log:
		return newLogBox(o, saved)
	case Slot:
		return newSlotBox(o)
	}
	return nil, fmt.Errorf("%w: mailbox %q is neither log nor slot", merge.ErrConfig, o.Mailbox)
}

// base is the byte of the output at which A begins (R16). B hears of it.
func (w *Worker) base(saved *State) (int64, error) {
	o := &w.o
	if saved != nil {
		return saved.Base, nil
	}
	if o.ID != "A" {
		return 0, nil
	}
	first, err := firstSent(o)
	if err != nil {
		return 0, err
	}
	if first != nil {
		return baseOf(o, *first)
	}
	if o.Mailbox == Slot && !o.Append {
		if there, err := exists(o.Disk, o.Outbox); there || err != nil {
			return 0, err // a later message: what was begun without Append began at 0
		}
	}
	return beginning(o.Disk, o.Output, o.Append)
}

func exists(disk vfs.Disk, path string) (bool, error) {
	_, err := disk.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func baseOf(o *Options, first merge.Message) (int64, error) {
	if o.Strategy != merge.Default {
		if o.Append {
			return 0, inputErrorf(o.State, "the state that says where the output begins is lost: remove state, mailboxes and output to start anew")
		}
		return 0, nil
	}
	base, err := merge.BaseOf(first)
	if err != nil {
		return 0, inputErrorf(o.Outbox, "its first message is none of this program: %w", err)
	}
	return base, nil
}

// firstSent is the first message of the own outbox, if it is there whole.
func firstSent(o *Options) (*merge.Message, error) {
	f, err := o.Disk.OpenData(o.Outbox, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	buf := make([]byte, maxLine)
	n, err := f.ReadAt(buf, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	m, err := ParseLine(firstLine(buf[:n]))
	if err != nil {
		return nil, nil // cut off by a crash
	}
	if o.Mailbox == Slot {
		switch {
		case len(m.Values) > 0 && m.Values[0]>>seqBits == 1 && m.Type != merge.TypeAck:
		case o.Append:
			return nil, inputErrorf(o.State, "the state that says where the output begins is lost: remove state, mailboxes and output to start anew")
		default:
			return nil, nil
		}
		m.Values = m.Values[1:]
	}
	return &m, nil
}

// load reads again what the state says was read, and performs its pending
// effects again. It can be tried again for as long as messages are missing
// that the other worker has to write again.
func (w *Worker) load() error {
	messages, err := w.box.Reread(w.state.In)
	if err != nil {
		if errors.Is(err, errNotYet) {
			err = nil
		}
		return w.stalledBy(err)
	}
	w.stall(nil)
	for _, m := range messages {
		w.machine.Deliver(m) // an error stays in the machine
	}
	if err := w.machine.Resume(w.state.Snapshot); err != nil {
		return &InputError{Path: w.o.State, Err: err}
	}
	w.loaded, w.done = true, w.state.Done
	w.redone, err = w.perform(&w.state)
	return err
}

// rebuild takes steps until the outbox of a run whose state is lost is reached.
func (w *Worker) rebuild() error {
	if !w.box.Behind(w.out) {
		return nil
	}
	w.o.warn("%s is missing: it is made again from the mailboxes", w.o.State)
	size, err := w.outboxSize()
	if err != nil {
		return err
	}
	w.state.Rebuilt = size
	for w.box.Behind(w.out) && !w.done {
		progress, wrote, err := w.transition()
		if err != nil {
			return err
		}
		if wrote {
			w.redone = true
			return nil
		}
		if !progress {
			return nil // the inbox is not what it was: wait for it
		}
	}
	return nil
}

func (w *Worker) outboxSize() (int64, error) {
	info, err := w.o.Disk.Stat(w.o.Outbox)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
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
