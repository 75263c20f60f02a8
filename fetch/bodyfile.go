package fetch

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"holdfast/internal/vfs"
)

// A bodyStore keeps bodies as files of a folder: DIR/<line>-<fingerprint>.body.
// A body is written under a temporary name, synced, given its name and that is
// made durable, all before the record that tells of it (R12.1). A file that is
// there already is never overwritten, unless it holds the same bytes.
type bodyStore struct {
	disk vfs.Disk
	dir  string   // empty: bodies are not kept
	mark string   // of our temporary names: no other run's
	none bodySink // without a folder
	sync groupSync
}

func newBodyStore(disk vfs.Disk, dir, log string) *bodyStore {
	abs, err := filepath.Abs(log)
	if err != nil {
		abs = log
	}
	sum := sha256.Sum256([]byte(abs))
	s := &bodyStore{disk: disk, dir: dir, mark: fmt.Sprintf("-%x.part", sum[:4])}
	s.sync.do = func() error { return disk.SyncDir(dir) }
	return s
}

// prepare makes the folder and removes what a killed run left in it.
func (s *bodyStore) prepare() error {
	if s.dir == "" {
		return nil
	}
	if err := s.makeFolder(); err != nil {
		return err
	}
	names, err := s.disk.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, ".") && strings.HasSuffix(name, s.mark) {
			if err := s.disk.Remove(filepath.Join(s.dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// makeFolder makes the folder and those above it, each with a durable name.
func (s *bodyStore) makeFolder() error {
	var above []string // of the folders that are missing
	for dir := filepath.Clean(s.dir); ; dir = filepath.Dir(dir) {
		if _, err := s.disk.Stat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			break
		}
		above = append(above, filepath.Dir(dir))
	}
	if err := s.disk.MkdirAll(s.dir, 0o777); err != nil {
		return err
	}
	for _, dir := range above {
		if err := s.disk.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// A bodySink takes the bytes of one body. One without a file drops them.
type bodySink struct {
	store *bodyStore
	file  vfs.File
	temp  string
	name  string // as it is to be
}

// open begins a body, or goes on with one after its first bytes.
func (s *bodyStore) open(j *job, after int64) (*bodySink, error) {
	if s.dir == "" {
		return &s.none, nil
	}
	k := &bodySink{store: s}
	k.name = fmt.Sprintf("%09d-%s.body", j.line, j.fingerprint.hex())
	k.temp = filepath.Join(s.dir, "."+strings.TrimSuffix(k.name, ".body")+s.mark)
	flag := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if after == 0 {
		flag |= os.O_TRUNC
	}
	var err error
	k.file, err = s.disk.OpenFile(k.temp, flag, 0o666)
	return k, err
}

func (k *bodySink) write(p []byte) error {
	if k.file == nil {
		return nil
	}
	_, err := k.file.Write(p)
	return err
}

// pause closes the file and leaves it for a range request to go on with.
func (k *bodySink) pause() error {
	err := k.file.Close()
	k.file = nil
	return err
}

func (k *bodySink) drop() {
	if k.file != nil {
		k.file.Close()
		k.file = nil
		k.store.disk.Remove(k.temp)
	}
}

// commit makes the body durable under its name, which it returns: complete
// BEFORE named BEFORE the name is durable.
func (k *bodySink) commit(point func(string)) (string, error) {
	if k.file == nil {
		return "", nil
	}
	err := k.file.Sync()
	if closed := k.file.Close(); err == nil {
		err = closed
	}
	k.file = nil
	if err != nil {
		return "", err
	}
	point("after fsync")
	name, err := k.give()
	if err != nil {
		return "", err
	}
	point("after rename")
	return name, k.store.sync.wait()
}

// give finds a name that is free: a hard link, not a rename, because it never
// replaces what somebody else made in between.
func (k *bodySink) give() (string, error) {
	disk := k.store.disk
	for n := 0; ; n++ {
		name := filepath.Join(k.store.dir, k.name)
		if n > 0 {
			name += fmt.Sprintf(".%d", n)
		}
		err := disk.Link(k.temp, name)
		switch {
		case err == nil:
			return name, disk.Remove(k.temp)
		case errors.Is(err, fs.ErrExist):
			if same, err := k.same(name); err != nil || !same {
				continue
			}
			return name, disk.Rename(k.temp, name) // of a run that was killed before it could tell
		}
		if _, statErr := disk.Stat(name); errors.Is(statErr, fs.ErrNotExist) {
			return name, disk.Rename(k.temp, name) // a file system without links
		}
		if n > 1000 {
			return "", err
		}
	}
}

// same reports whether a file holds the bytes of the body.
func (k *bodySink) same(name string) (bool, error) {
	a, err := digest(k.store.disk, k.temp)
	if err != nil {
		return false, err
	}
	b, err := digest(k.store.disk, name)
	return a == b, err
}

func digest(disk vfs.Disk, name string) (sum [sha256.Size]byte, err error) {
	f, err := disk.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return [sha256.Size]byte(h.Sum(nil)), err
}

// groupSync lets those who wait for the same sync share one: whoever comes
// while one is running waits for the next.
type groupSync struct {
	do   func() error
	mu   sync.Mutex
	next *syncRound // gathers company
	busy sync.Mutex // held while a sync runs
}

type syncRound struct {
	once sync.Once
	err  error
}

func (g *groupSync) wait() error {
	g.mu.Lock()
	if g.next == nil {
		g.next = &syncRound{}
	}
	round := g.next
	g.mu.Unlock()

	g.busy.Lock()
	defer g.busy.Unlock()
	round.once.Do(func() {
		g.mu.Lock()
		g.next = nil
		g.mu.Unlock()
		round.err = g.do()
	})
	return round.err
}
