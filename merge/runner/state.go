package runner

import (
	"bytes"
	"encoding/json"
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

// State is all that a worker knows across restarts, constant in size. The file
// holds
//
//	{"crc":"9ae0daaf","state":{...}}\n
//
// where crc is the CRC-32C of the bytes of the object behind "state": as they
// stand there. The keys of merge.Snapshot lie directly in the object.
//
// The state is saved with the effects of a step in Pending BEFORE the first of
// them is performed, so a decision is never made twice; whoever opens the state
// performs them again, and twice is once because each has its place.
type State struct {
	Version     int               `json:"v"`
	Worker      string            `json:"worker"`
	Fingerprint merge.Fingerprint `json:"fingerprint"`
	Options     stateOptions      `json:"options"`
	merge.Snapshot

	In      Mark     `json:"in"`      // what was read of the inbox
	Out     Mark     `json:"out"`     // what was sent, without Pending
	Done    bool     `json:"done"`    // nothing is left but Pending
	Pending []Effect `json:"pending"` // to be performed again, in this order
	Steps   int64    `json:"steps"`   // that changed something

	Rebuilt int64  `json:"rebuilt,omitempty"` // bytes that the outbox had when a lost state was rebuilt
	Acks    int64  `json:"acks,omitempty"`    // slot: times that the outbox was written for an acknowledgement alone
	Slot    string `json:"slot,omitempty"`    // slot: what the outbox holds before Pending
}

const stateVersion = 1

// stateOptions are what must not change between starts.
type stateOptions struct {
	Duplicates string `json:"duplicates"`
	Balance    string `json:"balance"`
	Strategy   string `json:"strategy"`
	Mailbox    string `json:"mailbox"`
	Confirm    bool   `json:"confirm"`
}

// A Mark is a place in a stream of messages: behind so many bytes and messages
// with this CRC-32C.
type Mark struct {
	Offset   int64  `json:"offset"`
	Messages int64  `json:"messages"`
	CRC32C   uint32 `json:"crc32c"`
}

func (m Mark) add(line []byte) Mark {
	return Mark{m.Offset + int64(len(line)), m.Messages + 1, crc32.Update(m.CRC32C, castagnoli, line)}
}

// An Effect is what a step does to a file.
type Effect struct {
	Kind   string `json:"kind"`             // "output" or "message"
	Offset int64  `json:"offset"`           // in the output or the outbox
	From   int    `json:"from,omitempty"`   // output: first value
	To     int    `json:"to,omitempty"`     // output: behind the last value
	Bytes  int    `json:"bytes,omitempty"`  // output: length
	CRC32C uint32 `json:"crc32c,omitempty"` // output: of the bytes
	Line   string `json:"line,omitempty"`   // message: its bytes
}

const (
	kindOutput  = "output"
	kindMessage = "message"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// message is the pending line, or "".
func (s *State) message() string {
	for _, e := range s.Pending {
		if e.Kind == kindMessage {
			return e.Line
		}
	}
	return ""
}

func (o *Options) stateOptions() stateOptions {
	return stateOptions{o.Duplicates.String(), o.Balance.String(), o.Strategy.String(), string(o.Mailbox), o.Confirm}
}

// belongs refuses the state of another worker, list or kind of run (R13).
func (s *State) belongs(o *Options, f merge.Fingerprint) error {
	switch was, is := s.Options, o.stateOptions(); {
	case s.Version != stateVersion:
		return inputErrorf(o.State, "the state is of version %d, this program knows %d", s.Version, stateVersion)
	case s.Worker != o.ID:
		return inputErrorf(o.State, "the state is that of worker %s, not %s", s.Worker, o.ID)
	case s.Fingerprint != f:
		return inputErrorf(o.State, "the input changed since the run started (%d values then, %d now): restore it, or remove state, mailboxes and output to start anew",
			s.Fingerprint.Count, f.Count)
	case was != is:
		return inputErrorf(o.State, "the options changed since the run started (%s then, %s now): use the same, or remove state, mailboxes and output to start anew", was, is)
	}
	return nil
}

func (o stateOptions) String() string {
	text := fmt.Sprintf("--duplicates %s --balance %s --strategy %s --mailbox %s", o.Duplicates, o.Balance, o.Strategy, o.Mailbox)
	if o.Confirm {
		text += " --confirm"
	}
	return text
}

type stateFile struct {
	CRC   string          `json:"crc"`
	State json.RawMessage `json:"state"`
}

func (s *State) encode() []byte {
	body, err := json.Marshal(s)
	if err != nil {
		panic(err) // numbers and plain strings
	}
	return fmt.Appendf(nil, "{\"crc\":\"%08x\",\"state\":%s}\n", crc32.Checksum(body, castagnoli), body)
}

// decodeState accepts what encode gives and nothing else.
func decodeState(b []byte) (*State, error) {
	var file stateFile
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, fmt.Errorf("the state is damaged: %w", err)
	}
	if got := fmt.Sprintf("%08x", crc32.Checksum(file.State, castagnoli)); got != file.CRC {
		return nil, fmt.Errorf("the state is damaged: checksum %s, not %.20q", got, file.CRC)
	}
	var s State
	d := json.NewDecoder(bytes.NewReader(file.State))
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("the state is damaged: %w", err)
	}
	return &s, nil
}

// maxState bounds what is read: a state has about 2 KiB.
const maxState = 1 << 20

// ReadState reads the state file of a worker. The error is fs.ErrNotExist if
// there is none.
func ReadState(disk vfs.Disk, path string) (*State, error) {
	b, err := readFile(disk, path, maxState)
	if err != nil {
		return nil, err
	}
	s, err := decodeState(b)
	if err != nil {
		return nil, &InputError{Path: path, Err: err}
	}
	return s, nil
}

// saveState replaces the state file: written aside BEFORE it is synced BEFORE
// it gets its name BEFORE the folder is synced.
func saveState(o *Options, s *State) error {
	return replaceFile(o.Disk, o.State, s.encode(), o.sync())
}

func replaceFile(disk vfs.Disk, path string, content []byte, sync bool) error {
	temp := path + ".tmp"
	f, err := disk.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	err = writeAll(f, content)
	if err == nil && sync {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = disk.Rename(temp, path)
	}
	if err == nil && sync {
		err = disk.SyncDir(filepath.Dir(path))
	}
	return err
}

func writeAll(w io.Writer, b []byte) error {
	n, err := w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}

// keepDamaged sets a state aside that cannot be read.
func keepDamaged(disk vfs.Disk, path string) error {
	err := disk.Rename(path, path+".bad")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func readFile(disk vfs.Disk, path string, limit int64) ([]byte, error) {
	f, err := disk.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = inputErrorf(path, "longer than %d bytes", limit)
	}
	return b, err
}
