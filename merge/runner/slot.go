package runner

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"holdfast/merge"
)

// slotBox is mailboxes that hold one message each, replaced as a whole (R8).
//
// values[0] is seq<<15 + ack, both modulo 2^15: this is message seq of this
// outbox, and ack messages of the inbox were read. A message is sent only when
// the one before it is acknowledged. A step that reads one and sends none writes
// the slot again for the acknowledgement: with the message in it if that was not
// acknowledged, else as ACK.
//
// A slot has no history, so what was read is first copied to a file of the form
// of a log mailbox, State.in.
type slotBox struct {
	o    *Options
	kept *logBox // State.in, as inbox and outbox of itself

	slot  string        // what the outbox holds
	last  merge.Message // the one sent last
	acked int64         // messages that the other worker has acknowledged, modulo 2^15

	rebuild *slotContent // what the outbox held when a lost state was rebuilt, until that is reached
}

const (
	slotWords = merge.Words - 1
	seqBits   = 15
	seqMask   = 1<<seqBits - 1
)

func newSlotBox(o *Options) (Mailbox, error) {
	path := o.State + ".in"
	file, err := openData(o.Disk, path, o.sync())
	if err != nil {
		return nil, err
	}
	kept := &logBox{disk: o.Disk, inPath: path, outbox: file, in: file.file, readBuf: make([]byte, logRead)}
	// Whether the outbox can be replaced shows before anything is sent.
	if err := probe(o); err != nil {
		file.Close()
		return nil, err
	}
	return &slotBox{o: o, kept: kept}, nil
}

func probe(o *Options) error {
	f, err := openData(o.Disk, o.Outbox+".tmp", false)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return o.Disk.Remove(o.Outbox + ".tmp")
}

func (b *slotBox) Close() error { return b.kept.outbox.Close() }

// slotContent is a slot taken apart.
type slotContent struct {
	seq, ack int64
	message  merge.Message // without the header
}

// readSlot gives nil for a slot that is not there yet.
func (b *slotBox) readSlot(path string) (*slotContent, []byte, error) {
	line, err := readFile(b.o.Disk, path, maxLine)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	m, err := ParseLine(line)
	if err == nil && (len(m.Values) == 0 || m.Values[0] < 0 || m.Values[0] >= 1<<(2*seqBits)) {
		err = errors.New("the first value is no sequence and acknowledgement: is it a slot mailbox?")
	}
	if err != nil {
		return nil, line, stall(path, 1, err)
	}
	header := int64(m.Values[0])
	return &slotContent{header >> seqBits, header & seqMask, merge.Message{Type: m.Type, Values: m.Values[1:]}}, line, nil
}

func (b *slotBox) Check(s *State) error {
	c, line, err := b.readSlot(b.o.Outbox)
	var stalled *StallError
	if err != nil && !errors.As(err, &stalled) {
		return err
	}
	if s == nil {
		b.rebuild = c
		return nil
	}
	pending := s.message()
	switch {
	case string(line) == pending, string(line) == s.Slot:
	case s.Rebuilt > 0 && c != nil:
		b.rebuild = c
	case line == nil:
		return inputErrorf(b.o.Outbox, "it is missing, but %d messages were sent: somebody removed it; restore it, or remove state, mailboxes and output to start anew", s.Out.Messages)
	case c == nil && pending != "": // cut off by a power loss
	default:
		return inputErrorf(b.o.Outbox, "it does not hold what was sent last: somebody else wrote to it, or the state is an old one")
	}
	b.slot = s.Slot
	for _, l := range []string{s.Slot, pending} {
		if m, err := ParseLine([]byte(l)); err == nil && m.Type != merge.TypeAck {
			b.last = merge.Message{Type: m.Type, Values: m.Values[1:]}
		}
	}
	return nil
}

func (b *slotBox) Reread(upTo Mark) ([]merge.Message, error) { return b.kept.Reread(upTo) }

// Receive gives one message at most: each is acknowledged by itself.
func (b *slotBox) Receive(from Mark) ([]merge.Message, Mark, error) {
	c, _, err := b.readSlot(b.o.Inbox)
	if c != nil {
		b.acked = c.ack
	}
	// What was copied before a crash counts as read, as it would have been.
	m, _, keptErr := b.kept.Receive(from)
	var stalled *StallError
	switch {
	case len(m) > 0:
		return m[:1], from.add(AppendLine(nil, m[0])), b.kept.outbox.Sync()
	case keptErr != nil && !errors.As(keptErr, &stalled): // a cut off line is written over
		return nil, from, keptErr
	}
	switch {
	case err != nil || c == nil:
		return nil, from, err
	case c.seq == from.Messages&seqMask && c.message.Type != merge.TypeFail:
		return nil, from, nil
	case c.message.Type == merge.TypeAck:
		return nil, from, stall(b.o.Inbox, 1, fmt.Errorf("an acknowledgement with number %d behind message %d", c.seq, from.Messages))
	case c.seq != (from.Messages+1)&seqMask && c.message.Type != merge.TypeFail:
		return nil, from, stall(b.o.Inbox, 1, fmt.Errorf("message %d follows message %d", c.seq, from.Messages))
	}
	line := AppendLine(nil, c.message)
	if err := b.kept.outbox.WriteAt(line, from.Offset); err != nil {
		return nil, from, err
	}
	return []merge.Message{c.message}, from.add(line), nil
}

// Ready: the message before is acknowledged, or was when the state was lost.
func (b *slotBox) Ready(out Mark) bool {
	return b.rebuild != nil || b.acked == out.Messages&seqMask
}

// Line repeats the last message, which has the number out, for as long as it
// may not have been read.
func (b *slotBox) Line(m *merge.Message, in, out Mark) []byte {
	seq, is := out.Messages, merge.Message{Type: merge.TypeAck}
	switch {
	case m != nil:
		seq, is = seq+1, *m
		b.last = is
	case seq > 0 && b.acked != seq&seqMask:
		is = b.last
	}
	header := int32((seq&seqMask)<<seqBits | in.Messages&seqMask)
	return AppendLine(nil, merge.Message{Type: is.Type, Values: append([]int32{header}, is.Values...)})
}

// Sent counts messages and no acknowledgements.
func (b *slotBox) Sent(out Mark, line []byte) Mark {
	if m, err := ParseLine(line); err == nil && int64(m.Values[0])>>seqBits != out.Messages&seqMask {
		out.Messages++
	}
	return out
}

func (b *slotBox) Behind(Mark) bool { return b.rebuild != nil }

func (b *slotBox) Save(s *State) { s.Slot = b.slot }

// Fits has nothing to say: a slot is replaced.
func (b *slotBox) Fits(Mark, []byte) error { return nil }

// Send replaces the outbox, unless it holds the line already.
func (b *slotBox) Send(_ Mark, line []byte) (bool, error) {
	if b.rebuild != nil && !b.rebuild.reachedBy(line) {
		return false, nil // it was there, and another took its place
	}
	b.rebuild = nil
	_, there, err := b.readSlot(b.o.Outbox)
	var bad *InputError
	if err != nil && !errors.As(err, &bad) {
		return false, err
	}
	b.slot = string(line)
	same := bytes.Equal(there, line)
	if same && !b.o.sync() {
		return false, nil
	}
	return !same, replaceFile(b.o.Disk, b.o.Outbox, line, b.o.sync())
}

// reachedBy tells whether line is the one that the outbox holds, but for
// acknowledgements.
func (c *slotContent) reachedBy(line []byte) bool {
	m, err := ParseLine(line)
	if err != nil || int64(m.Values[0])>>seqBits != c.seq {
		return false
	}
	return m.Type == merge.TypeAck || c.message.Type == merge.TypeAck ||
		m.Type == c.message.Type && slices.Equal(m.Values[1:], c.message.Values)
}
