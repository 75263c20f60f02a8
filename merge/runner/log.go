package runner

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"holdfast/internal/vfs"
	"holdfast/merge"
)

// logBox is mailboxes that keep every message, one a line (R7). A line is
// written at its place, not appended: after a crash the same bytes go over what
// is there of them.
type logBox struct {
	disk    vfs.Disk
	inPath  string
	in      vfs.DataFile // nil until it is there
	outbox  *dataFile
	seen    int64 // bytes of the outbox when it was opened
	readBuf []byte
}

const logRead = 64 << 10 // bytes of the inbox that a step reads at most

func newLogBox(o *Options, saved *State) (Mailbox, error) {
	if saved != nil && saved.Out.Messages > 0 {
		there, err := exists(o.Disk, o.Outbox)
		if err != nil {
			return nil, err
		}
		if !there {
			return nil, inputErrorf(o.Outbox, "it is missing, but %d messages were sent: somebody removed it; restore it, or remove state, mailboxes and output to start anew", saved.Out.Messages)
		}
	}
	out, err := openData(o.Disk, o.Outbox, o.sync())
	if err != nil {
		return nil, err
	}
	return &logBox{disk: o.Disk, inPath: o.Inbox, outbox: out, readBuf: make([]byte, logRead)}, nil
}

func (b *logBox) Close() error {
	if b.in != nil {
		b.in.Close() // read only: nothing is lost
	}
	return b.outbox.Close()
}

func (b *logBox) Check(s *State) error {
	size, err := b.outbox.Size()
	if err != nil {
		return err
	}
	b.seen = size
	if s == nil {
		return nil
	}
	path, sent := b.outbox.path, s.Out
	switch {
	case size < sent.Offset:
		return inputErrorf(path, "it has %d bytes, but %d messages in %d bytes were sent: somebody removed or cut it; restore it, or remove state, mailboxes and output to start anew",
			size, sent.Messages, sent.Offset)
	case size > max(sent.Offset+int64(len(s.message())), s.Rebuilt):
		return inputErrorf(path, "it has %d bytes, but only %d messages in %d bytes were sent: somebody else wrote to it, or the state is an old one",
			size, sent.Messages, sent.Offset)
	}
	crc := crc32.New(castagnoli)
	if _, err := io.Copy(crc, io.NewSectionReader(b.outbox, 0, sent.Offset)); err != nil {
		return err
	}
	if crc.Sum32() != sent.CRC32C {
		return inputErrorf(path, "its first %d messages are not those that were sent: somebody changed it", sent.Messages)
	}
	return nil
}

func (b *logBox) Reread(upTo Mark) ([]merge.Message, error) {
	var all []merge.Message
	var at Mark
	for at.Messages < upTo.Messages {
		m, next, err := b.Receive(at)
		if err != nil && next.Messages < upTo.Messages {
			return nil, err
		}
		if len(m) == 0 {
			return nil, errNotYet
		}
		if more := next.Messages - upTo.Messages; more > 0 { // read beyond it
			m = m[:int64(len(m))-more]
			next = upTo
			if next.CRC32C, err = b.crc(upTo.Offset); err != nil {
				return nil, err
			}
		}
		all, at = append(all, m...), next
	}
	if at != upTo {
		return nil, inputErrorf(b.inPath, "the %d messages that were read before are not the same any more: somebody changed it", upTo.Messages)
	}
	return all, nil
}

func (b *logBox) crc(n int64) (uint32, error) {
	crc := crc32.New(castagnoli)
	_, err := io.Copy(crc, io.NewSectionReader(b.in, 0, n))
	return crc.Sum32(), err
}

func (b *logBox) Receive(from Mark) ([]merge.Message, Mark, error) {
	chunk, err := b.read(from.Offset)
	if err != nil || len(chunk) == 0 {
		return nil, from, err
	}
	var all []merge.Message
	for {
		end := bytes.IndexByte(chunk, '\n')
		if end < 0 && len(chunk) <= maxLine {
			return all, from, nil // no line yet
		}
		if end < 0 || end >= maxLine {
			return all, from, stall(b.inPath, from.Messages+1, fmt.Errorf("a line of more than %d bytes", maxLine))
		}
		m, err := ParseLine(chunk[:end+1])
		if err != nil {
			return all, from, stall(b.inPath, from.Messages+1, err)
		}
		all, from, chunk = append(all, m), from.add(chunk[:end+1]), chunk[end+1:]
	}
}

// read gives some of the inbox from a byte on; nothing if it is missing or
// shorter (R11).
func (b *logBox) read(from int64) ([]byte, error) {
	if b.in == nil {
		f, err := b.disk.OpenData(b.inPath, os.O_RDONLY, 0)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		b.in = f
	}
	n, err := b.in.ReadAt(b.readBuf, from)
	if err == io.EOF {
		err = nil
	}
	return b.readBuf[:n], err
}

func (b *logBox) Ready(Mark) bool { return true }

func (b *logBox) Line(m *merge.Message, _, _ Mark) []byte {
	if m == nil {
		return nil
	}
	return AppendLine(nil, *m)
}

func (b *logBox) Sent(out Mark, line []byte) Mark { return out.add(line) }

func (b *logBox) Save(*State) {}

func (b *logBox) Behind(out Mark) bool { return out.Offset < b.seen }

// Send compares what is there with the line. What a crash has left of it is
// written over; another message is not.
func (b *logBox) Send(out Mark, line []byte) (bool, error) {
	there, err := b.compare(out, line)
	if err != nil || there {
		if err == nil {
			err = b.outbox.Sync() // what was killed may not have got to it
		}
		return false, err
	}
	return true, b.outbox.WriteAt(line, out.Offset)
}

// Fits tells whether the line may be sent: no other one stands there.
func (b *logBox) Fits(out Mark, line []byte) error {
	_, err := b.compare(out, line)
	return err
}

// compare tells whether the line stands where it belongs.
func (b *logBox) compare(out Mark, line []byte) (there bool, err error) {
	buf := make([]byte, maxLine)
	n, err := b.outbox.ReadAt(buf, out.Offset)
	if err != nil && err != io.EOF {
		return false, err
	}
	if bytes.HasPrefix(buf[:n], line) {
		return true, nil
	}
	if _, err := ParseLine(firstLine(buf[:n])); err == nil {
		return false, &InputError{Path: b.outbox.path, Line: out.Messages + 1,
			Err: errors.New("another message stands where this input gives one: these mailboxes belong to another run")}
	}
	return false, nil
}

func firstLine(b []byte) []byte {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i+1]
	}
	return nil
}

// dataFile is a file that is written in place, and its name.
type dataFile struct {
	disk  vfs.Disk
	file  vfs.DataFile
	path  string
	sync  bool
	named bool // its name is durable
}

// openData makes the file if it is missing. It is not opened for appending:
// Linux would then ignore the places of positioned writes (R5).
func openData(disk vfs.Disk, path string, sync bool) (*dataFile, error) {
	f, err := disk.OpenData(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	return &dataFile{disk: disk, file: f, path: path, sync: sync}, nil
}

func (f *dataFile) Size() (int64, error)                          { return f.file.Size() }
func (f *dataFile) ReadAt(p []byte, off int64) (n int, err error) { return f.file.ReadAt(p, off) }
func (f *dataFile) Close() error                                  { return f.file.Close() }

// WriteAt writes all of p and brings it to the disk.
func (f *dataFile) WriteAt(p []byte, off int64) error {
	for len(p) > 0 {
		n, err := f.file.WriteAt(p, off)
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrShortWrite
		}
		p, off = p[n:], off+int64(n)
	}
	return f.Sync()
}

// Sync makes contents and name durable. The name is synced once a process, also
// that of a file which was there: the process that made it may have died before.
func (f *dataFile) Sync() error {
	if !f.sync {
		return nil
	}
	if err := f.file.SyncData(); err != nil {
		return err
	}
	if !f.named {
		if err := f.disk.SyncDir(filepath.Dir(f.path)); err != nil {
			return err
		}
		f.named = true
	}
	return nil
}
