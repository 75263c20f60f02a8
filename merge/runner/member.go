package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"holdfast/internal/vfs"
	"holdfast/merge"
)

// JobOptions say which worker of a job this is. The zero value of all but the
// first five is the documented default.
type JobOptions struct {
	Job    string
	ID, Of int     // worker 0..Of-1
	Data   []int32 // in any order
	Output string  // with range ownership a file of its own; else one file of both

	Words      int // integers a message; 0 is merge.Words; must be the same at all workers
	Duplicates merge.Dup
	Balance    merge.Mode // Coded is the pair protocol, Touch range ownership
	Confirm    bool
	Append     bool // Coded, worker 0: the output may hold something already, and it stays
	MaxValues  int  // of a list; 0 is merge.MaxValues
	Durability Durability
	Owner      string // names this process, and no other

	Disk vfs.Disk             // nil is the operating system's
	Tell func(merge.Snapshot) // how far it is, after each message; may be nil
}

// Spell is what must be equal at all workers of a job, as it is said on the
// command line.
func (o *JobOptions) Spell() string {
	words := o.Words
	if words == 0 {
		words = merge.Words
	}
	text := fmt.Sprintf("--of %d --words %d --duplicates %s --balance %s", o.Of, words, o.Duplicates, o.Balance)
	if o.Confirm {
		text += " --confirm"
	}
	return text
}

func (o *JobOptions) name() string { return fmt.Sprintf("job %s, worker %d", o.Job, o.ID) }

func (o *JobOptions) parts() bool { return o.Balance == merge.Touch }

func (o *JobOptions) config(base int64) merge.Config {
	return merge.Config{
		ID: o.ID, Of: o.Of, Data: o.Data, Words: o.Words, Duplicates: o.Duplicates, Balance: o.Balance,
		Confirm: o.Confirm, Parts: o.parts(), Base: base, MaxValues: o.MaxValues,
	}
}

// A Member is one worker of a job of two or more that talk through a [Link]. It
// may be killed at any moment; the next one goes on. It is used by one
// goroutine.
//
// It does everything that one message asks for before it reads the next, so
// what it sends and writes is decided by its list and by the order of the log,
// and a restart, or a second process that does not know yet that it was
// replaced, does the same again.
type Member struct {
	o    JobOptions
	link Link
	core *merge.Core
	file output

	rec     Record // as it was saved last
	in      uint64 // behind what was delivered
	out     []Sent
	unsaved int  // messages sent since
	loaded  bool // what the record says was read was read again
	done    bool
	buf     []byte
}

// An output is where a member writes.
type output interface {
	write(b []byte, off int64) error
	// finish is called when all is written, BEFORE anyone hears of it.
	finish() error
	Close() error
}

// NewMember takes the worker over from whatever process had it before. The
// caller closes it.
func NewMember(ctx context.Context, o JobOptions, link Link) (*Member, error) {
	if o.Disk == nil {
		o.Disk = vfs.OS{}
	}
	if o.Durability == "" {
		o.Durability = Always
	}
	m := &Member{o: o, link: link}
	if err := m.open(ctx); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// Close lets go of the output. What was done is done.
func (m *Member) Close() error {
	if m.file == nil {
		return nil
	}
	err := m.file.Close()
	m.file = nil
	return err
}

func (m *Member) open(ctx context.Context) error {
	o := &m.o
	there, err := plainFile(o.Disk, o.Output)
	if err != nil {
		return err
	}
	b, err := m.link.Load(ctx)
	if err != nil {
		return err
	}
	var old *Record
	if b != nil {
		if old, err = decodeRecord(b); err != nil {
			return inputErrorf(o.name(), "its record cannot be read: %v", err)
		}
	}
	base := int64(0)
	switch {
	case old != nil:
		base = old.Base
	case !o.parts() && o.ID == 0:
		if base, err = beginning(o.Disk, o.Output, o.Append); err != nil {
			return err
		}
	}
	if m.core, err = merge.NewCore(o.config(base)); err != nil {
		return err
	}
	m.rec = Record{Version: recordVersion, Worker: o.ID, Of: o.Of, Fingerprint: m.core.Fingerprint(), Options: o.Spell(), Snapshot: m.core.Snapshot()}
	if old != nil {
		if err := old.belongs(o, m.rec.Fingerprint); err != nil {
			return err
		}
		m.rec = *old
	}
	last, err := m.link.Last(ctx)
	if err != nil {
		return err
	}
	for _, s := range append(m.rec.Out, Sent{Seq: m.rec.In}) {
		if s.Seq > last {
			return inputErrorf(o.name(), "message %d was there before, and the log ends at %d: somebody removed it; use another --job", s.Seq, last)
		}
	}
	m.out = slices.Clone(m.rec.Out)
	if o.parts() {
		m.file = newPartFile(o, m.rec.Epoch)
	} else if m.file, err = newSharedFile(o); err != nil {
		return err
	}
	m.rec.Epoch++
	m.rec.Owner = o.Owner
	if err := m.put(ctx); err != nil { // from here on nobody else may
		return err
	}
	if p, ok := m.file.(*partFile); ok {
		if err := m.claim(ctx, p, there != nil); err != nil {
			return err
		}
	}
	if m.rec.In == 0 {
		return m.resume()
	}
	return nil
}

// claim takes the file of the part, unless another worker of the job has it: it
// writes there now, or did, has finished, and what is there is its part.
func (m *Member) claim(ctx context.Context, p *partFile, there bool) error {
	if err := p.claim(m.written()); err != nil {
		return err
	}
	if !there || m.rec.Part != nil {
		return nil
	}
	records, err := m.link.Records(ctx)
	if err != nil {
		return err
	}
	for i, b := range records {
		r, err := recordOf(m.o.Job, i, b)
		if i != m.o.ID && err == nil && r != nil && r.Part != nil && p.is(*r.Part) {
			return inputErrorf(m.o.Output, "it is the part of worker %d of the job: give each worker an --output of its own", i)
		}
	}
	return nil
}

// resume makes the core stand where the record says, once all that was read
// has been delivered.
func (m *Member) resume() error {
	if err := m.core.Resume(m.rec.Snapshot); err != nil {
		return inputErrorf(m.o.name(), "%v", err)
	}
	m.loaded = true
	if m.written() {
		return m.file.(*partFile).restore(m.core, *m.rec.Part)
	}
	return nil
}

// written reports whether the record says that the part was.
func (m *Member) written() bool { return m.rec.Part != nil && m.rec.Pos == m.rec.Part.Bytes }

// put stores the record.
func (m *Member) put(ctx context.Context) error {
	err := m.link.Save(ctx, m.rec.encode())
	if !errors.Is(err, ErrFenced) {
		return err
	}
	fenced := &FencedError{Job: m.o.Job, Worker: m.o.ID}
	if b, err := m.link.Load(ctx); err == nil {
		if r, err := decodeRecord(b); err == nil {
			fenced.Owner = r.Owner
		}
	}
	return fenced
}

// save stores where the core stood at s, with everything done before it.
func (m *Member) save(ctx context.Context, s merge.Snapshot, done bool) error {
	m.rec.Snapshot, m.rec.In, m.rec.Out, m.rec.Done = s, m.in, slices.Clone(m.out), done
	m.unsaved = 0
	return m.put(ctx)
}

// Step does what is to be done, then reads what has come, if anything has, and
// does what follows. It returns false when the worker has finished; the error
// is then what the run ended with. After another error the member is of no use;
// a new one may be.
func (m *Member) Step(ctx context.Context) (more bool, err error) {
	if m.loaded {
		if err := m.drain(ctx); err != nil {
			return false, err
		}
	}
	if m.done {
		return false, m.failure()
	}
	letters, err := m.link.Receive(ctx, m.in)
	if err != nil {
		return false, err
	}
	for _, l := range letters {
		if err := m.take(ctx, l); err != nil {
			return false, err
		}
		if m.done {
			return false, m.failure()
		}
	}
	return true, nil
}

// take delivers the next message and does all that follows from it.
func (m *Member) take(ctx context.Context, l Letter) error {
	words := m.o.Words
	if words == 0 {
		words = merge.Words
	}
	message, err := ParseMessage(l.Body, words)
	if err != nil {
		return inputErrorf(l.Name, "%v: somebody else wrote it; use another --job", err)
	}
	m.in = l.Seq
	_ = m.core.DeliverFrom(l.From, message) // an error stays in the core, and FAIL may follow
	if m.o.Tell != nil {
		m.o.Tell(m.core.Snapshot())
	}
	switch {
	case m.loaded:
	case l.Seq < m.rec.In:
		return nil
	case l.Seq > m.rec.In:
		return inputErrorf(m.o.name(), "message %d was read before, and is not there any more", m.rec.In)
	default:
		if err := m.resume(); err != nil {
			return err
		}
	}
	return m.drain(ctx)
}

// saveEvery is after how many messages sent the record is saved: so many at
// most are compared after a kill.
const saveEvery = 64

// drain does all that the core has to do.
func (m *Member) drain(ctx context.Context) error {
	for first := true; ; first = false {
		before := m.core.Snapshot()
		e := m.core.Next(maxOutput)
		if len(e.Output) == 0 && e.Send == nil {
			m.done = e.Done
			if first && e.Done == m.rec.Done {
				return nil
			}
			return m.save(ctx, before, e.Done)
		}
		if first || m.unsaved >= saveEvery {
			if err := m.save(ctx, before, false); err != nil {
				return err
			}
		}
		if err := m.perform(ctx, e); err != nil {
			return err
		}
	}
}

// perform does the effects of a step, output BEFORE message.
func (m *Member) perform(ctx context.Context, e merge.Effects) error {
	for _, s := range e.Output {
		m.buf = m.core.Render(m.buf[:0], s)
		if err := m.file.write(m.buf, s.Off); err != nil {
			return err
		}
	}
	if e.Send == nil {
		return nil
	}
	if e.Send.Type == merge.TypeDone && m.o.parts() {
		if err := m.publishPart(ctx); err != nil {
			return err
		}
	}
	at := m.sentTo(e.To)
	seq, err := m.link.Send(ctx, e.To, at.Messages, at.Seq, AppendMessage(nil, *e.Send, merge.MaxWords))
	if err != nil {
		return err
	}
	at.Messages, at.Seq = at.Messages+1, seq
	m.unsaved++
	return nil
}

// publishPart gives the part its name and tells of it, BEFORE others hear that
// it is there. The record stays as it was otherwise: a restart writes the same
// part.
func (m *Member) publishPart(ctx context.Context) error {
	p := m.file.(*partFile)
	if err := p.finish(); err != nil {
		return err
	}
	path := m.o.Output
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	from, to := m.core.Range()
	m.rec.Part = &Part{Path: path, From: from, To: to, Values: m.core.Snapshot().OutputCount, Bytes: p.size, CRC32C: p.crc}
	return m.put(ctx)
}

func (m *Member) sentTo(to int) *Sent {
	for i := range m.out {
		if m.out[i].To == to {
			return &m.out[i]
		}
	}
	m.out = append(m.out, Sent{To: to})
	return &m.out[len(m.out)-1]
}

// failure is what the run ended with.
func (m *Member) failure() error {
	if err := m.core.Err(); err != nil {
		return &RunError{Worker: fmt.Sprint(m.o.ID), Err: err}
	}
	return nil
}

// Run steps the member until it has finished. The context ends it between two
// messages.
func (m *Member) Run(ctx context.Context, p Patience) error {
	heard, at := time.Now(), m.in
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := m.Step(ctx)
		if !more || err != nil {
			return err
		}
		if m.in != at {
			heard, at = time.Now(), m.in
		}
		if waited := time.Since(heard); p.Idle > 0 && waited >= p.Idle {
			return &IdleError{fmt.Sprintf("the mailbox of worker %d of job %s", m.o.ID, m.o.Job), waited.Round(time.Millisecond)}
		}
	}
}

// Record is the record as it was saved last.
func (m *Member) Record() Record { return m.rec }

// beginning is the byte of an output at which a run begins (R16).
func beginning(disk vfs.Disk, path string, appended bool) (int64, error) {
	f, err := disk.OpenData(path, os.O_RDONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil || size == 0 {
		return 0, err
	}
	if !appended {
		return 0, inputErrorf(path, "the output holds something already, and there is no state to go on from: remove it, name another, or use --append")
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], size-1); err != nil {
		return 0, err
	}
	if last[0] != '\n' {
		return 0, inputErrorf(path, "its last line has no end: nothing can be appended to it")
	}
	return size, nil
}
