// Package runner makes a worker of the two-worker merge (package merge) out of
// files: a list, an inbox and an outbox, a state file, and the output that both
// workers write.
//
// It promises that a worker may be killed at any instant, and with
// [Always] the machine may lose power, and a new worker with the same
// options goes on as if nothing had happened: the same output, the same
// messages, the same counts, and no message or value twice. It writes nothing
// but its outbox, its state (and, beside that, a lock and what slot mailboxes
// need) and its parts of the output, which it never reads. A file that somebody
// else changed is an [InputError], not a guess.
//
// It does not promise progress without the other worker, nor that a disk keeps
// what it has acknowledged.
//
// Call [NewWorker], then [Worker.Step] until it tells that there is no more, or
// [Worker.Run]. [NewPair] sets up two workers in a folder; [Simulate] runs them
// on a disk that crashes.
//
// The same holds for a worker of a job of two or more, [NewMember], whose
// messages and state are behind a [Link]: one log that all can read. Its state
// is a [Record], its output a part that is not seen before it is whole, and a
// [Manifest] makes one file of all parts.
package runner

import (
	"errors"
	"fmt"

	"holdfast/internal/vfs"
	"holdfast/merge"
)

// Durability says what a step has brought to the disk when it returns.
type Durability string

const (
	Always Durability = "always" // synced, in the order of the effects: survives a power cut
	None   Durability = "none"   // written in that order: survives a kill
)

// MailboxKind says what the two mailbox files look like.
type MailboxKind string

const (
	Log  MailboxKind = "log"  // one message a line, never removed
	Slot MailboxKind = "slot" // the last message alone, replaced as a whole and acknowledged
)

// Options say who a worker is and where its files are. The zero value of all
// but the first six is the documented default.
type Options struct {
	ID     string  // A or B
	Data   []int32 // in any order
	Inbox  string  // read only
	Outbox string  // written only
	Output string  // written only, by both workers, each at its place
	State  string  // written and read; State.lock and, with Slot, State.in lie beside it

	Mailbox    MailboxKind // default Log; must be the same at both workers
	Durability Durability  // default Always
	Duplicates merge.Dup
	Balance    merge.Mode
	Strategy   merge.Strategy
	Confirm    bool
	Append     bool // A: the output may hold something already, and it stays
	MaxValues  int  // of a list; 0 is merge.MaxValues

	Disk vfs.Disk     // nil is the operating system's
	Warn func(string) // told of what is odd; may be nil

	machine func(merge.Config) (merge.Machine, error) // nil is merge.New; for tests of the shell alone
}

func (o *Options) validate() error {
	if o.ID != "A" && o.ID != "B" {
		return fmt.Errorf("%w: worker %q is neither A nor B", merge.ErrConfig, o.ID)
	}
	if o.Mailbox == "" {
		o.Mailbox = Log
	}
	if o.Durability == "" {
		o.Durability = Always
	}
	if o.Disk == nil {
		o.Disk = vfs.OS{}
	}
	if o.machine == nil {
		o.machine = merge.New
	}
	return o.checkFiles()
}

// config is the machine of this worker. base is the byte of the output at
// which A begins.
func (o *Options) config(base int64) merge.Config {
	c := merge.Config{
		Data: o.Data, Duplicates: o.Duplicates, Balance: o.Balance, Strategy: o.Strategy,
		Confirm: o.Confirm, Base: base, MaxValues: o.MaxValues,
	}
	if o.ID == "B" {
		c.ID = 1
	}
	if o.Mailbox == Slot {
		c.Words = slotWords
	}
	return c
}

func (o *Options) sync() bool { return o.Durability == Always }

func (o *Options) warn(format string, args ...any) {
	if o.Warn != nil {
		o.Warn(fmt.Sprintf(format, args...))
	}
}

// maxOutput is how many bytes of output a step writes at most.
const maxOutput = 1 << 20

// errNotYet says that a message which was read before a crash has to be
// written again by the other worker first.
var errNotYet = errors.New("not there yet")
