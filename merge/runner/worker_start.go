package runner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"holdfast/internal/vfs"
	"holdfast/merge"
)

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
