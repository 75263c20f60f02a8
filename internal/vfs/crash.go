package vfs

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Crash is a file system in memory that can lose power. What was not synced
// then survives by chance, and as badly as a disk allows:
//
//   - a 4 KiB block that was written and not synced holds its new bytes, or its
//     old ones, or ones that it had in between, or new and old 512-byte sectors
//     mixed;
//   - the length of a file is the new one, the old one or one in between;
//   - a name that was made, moved or removed is durable only after SyncDir of
//     its folder; until then each such step survives or not, independently, a
//     rename within a folder wholly or not at all.
//
// After a sync that failed (see [Faulty]) a file shows bytes that the disk may
// not hold, and a later sync does not write them.
//
// Everything is decided by the seed and the order of the calls. Links, owners
// and times are not kept. It is safe for several goroutines, but their order is
// then theirs.
type Crash struct {
	mu    sync.Mutex // guards all that follows and all nodes
	rng   *rand.Rand
	p     float64
	root  *node
	nodes int // how many were made
	power int // how often Kill and Cut were called: files of an earlier time are dead
}

// NewCrash makes an empty file system. Each thing that was not synced survives
// a power cut with probability p: with 0 only what was synced does, with 1
// everything.
func NewCrash(seed uint64, p float64) *Crash {
	c := &Crash{rng: rand.New(rand.NewPCG(seed, 0)), p: p}
	c.root = c.newFolder(0o777)
	return c
}

// Kill ends all processes: open files and locks are gone, no byte is lost. The
// file system may forget, though, what it only remembers because a sync of it
// failed.
func (c *Crash) Kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end()
	c.each(func(n *node) { n.evict(c.rng) })
}

// Cut is a power cut: open files and locks are gone, and so is what was not
// synced, by chance.
func (c *Crash) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end()
	c.each(func(n *node) { n.cut(c.rng, c.p) })
}

// end ends all processes.
func (c *Crash) end() {
	c.power++
	c.each(func(n *node) {
		n.store(c.rng, c.p)
		n.mapped = nil
	})
}

// A node is a file or a folder; its name is kept by its folder.
type node struct {
	born   int // which one of the Crash it is
	mode   fs.FileMode
	locked int // power of the Crash at the time of the lock, and 1 more

	names   map[string]*node // of a folder, as processes see it; nil for a file
	durable map[string]*node // as the disk has it
	turns   []turn           // since the last SyncDir

	content // of a file
}

// A turn changes one or two names of a folder at once; no node means removed.
type turn [2]struct {
	name string
	node *node
}

func (c *Crash) newNode(mode fs.FileMode) *node {
	c.nodes++
	return &node{born: c.nodes, mode: mode}
}

func (c *Crash) newFolder(mode fs.FileMode) *node {
	n := c.newNode(fs.ModeDir | mode)
	n.names, n.durable = map[string]*node{}, map[string]*node{}
	return n
}

// each visits all nodes that have a name, to processes or on the disk, in the
// order in which they were made.
func (c *Crash) each(visit func(*node)) {
	seen := map[*node]bool{}
	var walk func(*node)
	walk = func(n *node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, names := range []map[string]*node{n.names, n.durable} {
			for _, n := range names {
				walk(n)
			}
		}
	}
	walk(c.root)
	for _, n := range slices.SortedFunc(maps.Keys(seen), func(a, b *node) int { return cmp.Compare(a.born, b.born) }) {
		visit(n)
	}
}

func (n *node) evict(rng *rand.Rand) {
	if n.names == nil {
		n.content.evict(rng)
	}
}

func (n *node) cut(rng *rand.Rand, p float64) {
	if n.names == nil {
		n.content.cut(rng, p)
		return
	}
	for _, s := range n.turns {
		if rng.Float64() < p {
			apply(n.durable, s)
		}
	}
	n.turns = nil
	n.names = maps.Clone(n.durable)
}

func (n *node) change(s turn) {
	apply(n.names, s)
	n.turns = append(n.turns, s)
}

func apply(names map[string]*node, s turn) {
	for _, e := range s {
		switch {
		case e.name == "":
		case e.node == nil:
			delete(names, e.name)
		default:
			names[e.name] = e.node
		}
	}
}

func set(name string, n *node) turn { return turn{{name, n}} }

// find gives the folder of a path, the last part of the path, and what is
// there, or nil. Relative and absolute paths begin at the same root.
func (c *Crash) find(path string) (dir *node, name string, n *node, err error) {
	path = filepath.ToSlash(filepath.Clean(path))
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	if len(parts) == 0 || path == "." {
		return nil, ".", c.root, nil
	}
	dir = c.root
	for _, part := range parts[:len(parts)-1] {
		next := dir.names[part]
		if next == nil {
			return nil, "", nil, fs.ErrNotExist
		}
		if next.names == nil {
			return nil, "", nil, syscall.ENOTDIR
		}
		dir = next
	}
	name = parts[len(parts)-1]
	return dir, name, dir.names[name], nil
}

// existing is find for what must be there.
func (c *Crash) existing(call, path string) (dir *node, name string, n *node, err error) {
	dir, name, n, err = c.find(path)
	if err == nil && n == nil {
		err = fs.ErrNotExist
	}
	if err != nil {
		err = &fs.PathError{Op: call, Path: path, Err: err}
	}
	return dir, name, n, err
}

func (c *Crash) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := c.OpenData(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (c *Crash) OpenData(name string, flag int, perm fs.FileMode) (DataFile, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.open(name, flag, perm)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &crashFile{c: c, node: n, name: name, flag: flag, power: c.power}, nil
}

func (c *Crash) open(path string, flag int, perm fs.FileMode) (*node, error) {
	dir, name, n, err := c.find(path)
	switch {
	case err != nil:
		return nil, err
	case n == nil && flag&os.O_CREATE == 0:
		return nil, fs.ErrNotExist
	case n == nil:
		n = c.newNode(perm)
		dir.change(set(name, n))
		return n, nil
	case flag&(os.O_CREATE|os.O_EXCL) == os.O_CREATE|os.O_EXCL:
		return nil, fs.ErrExist
	case n.names != nil && flag&(os.O_WRONLY|os.O_RDWR) != 0:
		return nil, syscall.EISDIR
	}
	if flag&os.O_TRUNC != 0 {
		n.truncate(0)
	}
	return n, nil
}

func (c *Crash) Stat(name string) (fs.FileInfo, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, base, n, err := c.existing("stat", name)
	if err != nil {
		return nil, err
	}
	return crashInfo{base, n.size, n.mode}, nil
}

// Readlink finds no links: there are none.
func (c *Crash) Readlink(name string) (string, error) {
	return "", &fs.PathError{Op: "readlink", Path: name, Err: syscall.EINVAL}
}

func (c *Crash) Link(oldname, newname string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _, n, err := c.existing("link", oldname)
	if err != nil {
		return err
	}
	dir, base, there, err := c.find(newname)
	if err == nil && there != nil {
		err = fs.ErrExist
	}
	if err != nil {
		return &os.LinkError{Op: "link", Old: oldname, New: newname, Err: err}
	}
	dir.change(set(base, n))
	return nil
}

func (c *Crash) Rename(oldname, newname string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	from, oldbase, n, err := c.existing("rename", oldname)
	if err != nil {
		return err
	}
	to, newbase, there, err := c.find(newname)
	switch {
	case err != nil:
		return &os.LinkError{Op: "rename", Old: oldname, New: newname, Err: err}
	case there == n:
		return nil
	case from == to:
		to.change(turn{{oldbase, nil}, {newbase, n}})
	default:
		to.change(set(newbase, n))
		from.change(set(oldbase, nil))
	}
	return nil
}

func (c *Crash) Remove(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	dir, base, n, err := c.existing("remove", name)
	if err != nil {
		return err
	}
	if len(n.names) > 0 {
		return &fs.PathError{Op: "remove", Path: name, Err: errors.New("the folder is not empty")}
	}
	dir.change(set(base, nil))
	return nil
}

func (c *Crash) SyncDir(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _, n, err := c.existing("syncdir", name)
	if err != nil {
		return err
	}
	n.durable, n.turns = maps.Clone(n.names), nil
	return nil
}

func (c *Crash) ReadDir(name string) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _, n, err := c.existing("readdir", name)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(n.names)), nil
}

func (c *Crash) MkdirAll(name string, perm fs.FileMode) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mkdirAll(name, perm)
}

func (c *Crash) mkdirAll(path string, perm fs.FileMode) error {
	dir, name, n, err := c.find(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = c.mkdirAll(filepath.Dir(path), perm); err == nil {
			dir, name, n, err = c.find(path)
		}
	}
	switch {
	case err != nil:
		return err
	case n == nil:
		dir.change(set(name, c.newFolder(perm)))
	case n.names == nil:
		return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
	}
	return nil
}

func (c *Crash) Lock(name string) (io.Closer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.open(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err == nil && n.locked == c.power+1 {
		err = ErrLocked
	}
	if err != nil {
		return nil, &fs.PathError{Op: "lock", Path: name, Err: err}
	}
	n.locked = c.power + 1
	return &crashLock{c, n, n.locked}, nil
}

type crashLock struct {
	c    *Crash
	node *node
	held int
}

func (l *crashLock) Close() error {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	if l.node.locked == l.held {
		l.node.locked = 0
	}
	return nil
}

type crashInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func (i crashInfo) Name() string       { return i.name }
func (i crashInfo) Size() int64        { return i.size }
func (i crashInfo) Mode() fs.FileMode  { return i.mode }
func (i crashInfo) ModTime() time.Time { return time.Time{} }
func (i crashInfo) IsDir() bool        { return i.mode.IsDir() }
func (i crashInfo) Sys() any           { return nil }
