package lossy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"holdfast/internal/vfs"
)

// state is the three files of a source:
//
//	.ms_SEED_packets.json     the stream, written once
//	.ms_SEED_position.txt     deliveries taken from the queue, decimal
//	.ms_SEED_retransmit.json  requests not yet answered, [3, 17]
//
// The first is synced. The other two are replaced at every receive and are not:
// the fault that they must outlive is the end of the process.
type state struct {
	fs                          vfs.FS
	seed                        string
	packets, position, requests string // paths

	savedPosition, savedRequests []byte // contents of the files; nil if there are none
	text                         []byte // scratch
}

func newState(c Config) *state {
	dir, seed := c.StateDir, c.Seed.String()
	if dir == "" {
		dir = os.TempDir()
	}
	path := func(what string) string { return filepath.Join(dir, ".ms_"+seed+"_"+what) }
	return &state{
		fs:       c.FS,
		seed:     seed,
		packets:  path("packets.json"),
		position: path("position.txt"),
		requests: path("retransmit.json"),
	}
}

// create writes the files of a stream of which nothing was delivered.
func (st *state) create(s *Stream) error {
	out, err := vfs.Create(st.fs, st.packets)
	if err != nil {
		return err
	}
	defer out.Abort()
	if err := s.writeFile(out); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	return st.save(0, nil)
}

// save brings position and requests to the disk, as far as they changed. A
// receive changes one of them, so that it is done or not done, never half.
func (st *state) save(position int, requests []uint64) error {
	st.text = strconv.AppendInt(st.text[:0], int64(position), 10)
	if err := st.replace(st.position, &st.savedPosition); err != nil {
		return err
	}
	st.text = appendList(st.text[:0], requests)
	return st.replace(st.requests, &st.savedRequests)
}

// replace writes st.text to a file unless it holds it already.
func (st *state) replace(path string, saved *[]byte) error {
	if *saved != nil && bytes.Equal(*saved, st.text) {
		return nil
	}
	// The temporary name is always the same, so that killed processes leave at most one.
	temp := path + ".tmp"
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := st.fs.OpenFile(temp, flags, 0o666)
	if errors.Is(err, fs.ErrExist) {
		if err = st.fs.Remove(temp); err == nil {
			f, err = st.fs.OpenFile(temp, flags, 0o666)
		}
	}
	if err != nil {
		return err
	}
	_, err = f.Write(st.text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = st.fs.Rename(temp, path)
	}
	if err != nil {
		st.fs.Remove(temp) // best effort: the first error is what counts
		return err
	}
	*saved = append((*saved)[:0], st.text...)
	return nil
}

// remove deletes the files, in the order of the reference.
func (st *state) remove() error {
	for _, path := range []string{st.packets, st.position, st.requests, st.position + ".tmp", st.requests + ".tmp"} {
		if err := st.fs.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// read reads one of the files, and keeps its bytes in saved unless that is nil.
// What is wrong with its contents becomes an [InputError], what is wrong with
// the disk stays what it is.
func (st *state) read(path string, saved *[]byte, contents func(io.Reader) error) error {
	f, err := st.fs.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if saved == nil {
		err = contents(f)
	} else {
		var text bytes.Buffer
		err = contents(io.TeeReader(f, &text))
		*saved = text.Bytes()
	}
	var disk *readError
	if err == nil || errors.As(err, &disk) {
		return err
	}
	return &InputError{path, err, st.seed}
}

// errNoNumber and errEmpty are what a writer leaves that was killed between
// emptying its file and filling it.
var (
	errNoNumber = errors.New("it holds no number")
	errEmpty    = errors.New("it is empty")
)

// maxPositionText is more than any position needs.
const maxPositionText = 64

func readPosition(r io.Reader, end int) (int, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxPositionText))
	if err != nil {
		return 0, &readError{err}
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, errNoNumber
	}
	if n > uint64(end) {
		return 0, fmt.Errorf("position %d is beyond the queue of %d", n, end)
	}
	return int(n), nil
}

// readRequests reads the pending list. Integers that are no sequences are left
// out and counted: no packet has them, so the reference passes over them too.
func readRequests(r io.Reader) (list []uint64, left int, err error) {
	d := newDecoder(r)
	d.UseNumber()
	err = d.list(func() error {
		t, err := d.Token()
		if err != nil {
			return err
		}
		text, ok := t.(json.Number)
		if !ok || strings.ContainsAny(text.String(), ".eE") {
			return errors.New("not a list of integers")
		}
		n, err := strconv.ParseUint(text.String(), 10, 64)
		if err != nil {
			left++
			return nil
		}
		list = append(list, n)
		return nil
	})
	if err == nil {
		err = d.end()
	} else if d.src.err == nil && d.src.n == 0 {
		err = errEmpty
	}
	return list, left, err
}
