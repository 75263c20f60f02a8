package vfs

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
)

const (
	crashBlock  = 4096 // what a file system writes back at once
	crashSector = 512  // what a disk writes whole or not at all
)

// content is the bytes of a file, as processes see them and as the disk has
// them.
type content struct {
	size  int64
	cache []byte // the first bytes; the rest, up to size, is zeros

	disk     []byte // likewise
	diskSize int64

	dirty map[int64]bool // blocks that a sync has to write
	lost  map[int64]bool // blocks that a failed sync has given up

	mapped []byte // the first bytes as a process has them in its memory; nil if none has
}

// store takes over what a process has stored in its memory.
func (c *content) store(rng *rand.Rand, prob float64) {
	if c.mapped == nil {
		return
	}
	c.cache = extend(c.cache, int64(len(c.mapped)))
	for at := 0; at < len(c.mapped); at += crashBlock {
		end := min(at+crashBlock, len(c.mapped))
		if !bytes.Equal(c.mapped[at:end], c.cache[at:end]) {
			c.writeAt(c.mapped[at:end], int64(at), rng, prob)
		}
	}
}

func (c *content) readAt(p []byte, off int64) (int, error) {
	if off >= c.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), c.size-off))
	var err error
	if n < len(p) {
		err = io.EOF
	}
	p = p[:n]
	clear(p)
	if off < int64(len(c.cache)) {
		copy(p, c.cache[off:])
	}
	return n, err
}

// writeAt may first write back what a block held so far: the system does that
// whenever it likes.
func (c *content) writeAt(p []byte, off int64, rng *rand.Rand, prob float64) {
	const early = 1.0 / 8 // chance of it, when everything survives
	if len(p) == 0 {
		return
	}
	end := off + int64(len(p))
	for b := off / crashBlock; b*crashBlock < end; b++ {
		if c.dirty[b] && rng.Float64() < prob*early {
			c.writeBack(b)
		}
		c.touch(b)
	}
	c.cache = extend(c.cache, end)
	copy(c.cache[off:], p)
	c.size = max(c.size, end)
}

func (c *content) touch(block int64) {
	if c.dirty == nil {
		c.dirty = map[int64]bool{}
	}
	c.dirty[block] = true
	delete(c.lost, block)
}

func (c *content) truncate(size int64) {
	if size < int64(len(c.cache)) {
		for b := size / crashBlock; b*crashBlock < int64(len(c.cache)); b++ {
			c.touch(b)
		}
		clear(c.cache[size:])
		c.cache = c.cache[:size]
	}
	c.size = size
}

func (c *content) sync() {
	for b := range c.dirty {
		c.writeBack(b)
	}
	c.dirty, c.diskSize = nil, c.size
}

// loseUnsynced is a sync that failed: the file looks as before, and nobody will
// try again to write it.
func (c *content) loseUnsynced(rng *rand.Rand) {
	for _, b := range slices.Sorted(maps.Keys(c.dirty)) {
		if rng.IntN(2) == 0 {
			c.writeBack(b)
			continue
		}
		if c.lost == nil {
			c.lost = map[int64]bool{}
		}
		c.lost[b] = true
	}
	c.dirty = nil
}

// evict forgets blocks that processes see and the disk does not have.
func (c *content) evict(rng *rand.Rand) {
	for _, b := range slices.Sorted(maps.Keys(c.lost)) {
		if rng.IntN(2) == 0 {
			c.cache = moveBytes(c.cache, c.disk, b*crashBlock, crashBlock)
			c.cache = c.cache[:min(int64(len(c.cache)), c.size)]
			delete(c.lost, b)
		}
	}
}

// writeBack brings a block to the disk.
func (c *content) writeBack(block int64) {
	c.disk = moveBytes(c.disk, c.cache, block*crashBlock, crashBlock)
}

// cut leaves what the disk has, after some last writes.
func (c *content) cut(rng *rand.Rand, p float64) {
	for _, b := range slices.Sorted(maps.Keys(c.dirty)) {
		switch {
		case rng.Float64() < p:
			c.writeBack(b)
		case rng.Float64() < p: // torn
			for at := b * crashBlock; at < (b+1)*crashBlock; at += crashSector {
				if rng.IntN(2) == 0 {
					c.disk = moveBytes(c.disk, c.cache, at, crashSector)
				}
			}
		}
	}
	if c.size != c.diskSize {
		c.diskSize = someSize(rng, p, c.diskSize, c.size)
	}
	c.disk = c.disk[:min(int64(len(c.disk)), c.diskSize)]
	*c = content{size: c.diskSize, diskSize: c.diskSize, disk: c.disk, cache: slices.Clone(c.disk)}
}

// someSize is the length of a file whose new length was not synced.
func someSize(rng *rand.Rand, p float64, was, is int64) int64 {
	switch {
	case rng.Float64() < p:
		return is
	case rng.Float64() < p && is > was:
		return min(is, was+rng.Int64N(is-was)/crashSector*crashSector)
	}
	return was
}

// moveBytes copies n bytes at off from src, which is followed by zeros, to dst.
func moveBytes(dst, src []byte, off, n int64) []byte {
	from := src[min(off, int64(len(src))):min(off+n, int64(len(src)))]
	if len(from) > 0 {
		dst = extend(dst, off+int64(len(from)))
	}
	if old := int64(len(dst)); old > off {
		clear(dst[off:min(off+n, old)])
		copy(dst[off:], from)
	}
	return dst
}

// extend makes b at least n bytes long.
func extend(b []byte, n int64) []byte {
	if more := n - int64(len(b)); more > 0 {
		b = append(b, make([]byte, more)...)
	}
	return b
}

// crashFile is an open file of a [Crash].
type crashFile struct {
	c     *Crash
	node  *node
	name  string
	flag  int
	power int
	pos   int64
	shut  bool
}

// use makes a call on the file under the lock of the file system.
func (f *crashFile) use(call string, do func() error) error {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	f.node.store(f.c.rng, f.c.p)
	var err error
	switch {
	case f.shut || f.power != f.c.power:
		err = fs.ErrClosed
	case call == "write" && f.flag&(os.O_WRONLY|os.O_RDWR) == 0:
		err = fs.ErrPermission
	default:
		err = do()
	}
	if err == nil || err == io.EOF {
		return err
	}
	return &fs.PathError{Op: call, Path: f.name, Err: err}
}

func (f *crashFile) Read(p []byte) (n int, err error) {
	err = f.use("read", func() error {
		n, err = f.node.readAt(p, f.pos)
		f.pos += int64(n)
		if n > 0 {
			return nil
		}
		return err
	})
	return n, err
}

func (f *crashFile) ReadAt(p []byte, off int64) (n int, err error) {
	err = f.use("read", func() error {
		n, err = f.node.readAt(p, off)
		return err
	})
	return n, err
}

func (f *crashFile) Write(p []byte) (n int, err error) {
	err = f.use("write", func() error {
		if f.flag&os.O_APPEND != 0 {
			f.pos = f.node.size
		}
		f.node.writeAt(p, f.pos, f.c.rng, f.c.p)
		f.pos += int64(len(p))
		n = len(p)
		return nil
	})
	return n, err
}

func (f *crashFile) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.use("write", func() error {
		f.node.writeAt(p, off, f.c.rng, f.c.p)
		n = len(p)
		return nil
	})
	return n, err
}

func (f *crashFile) Size() (size int64, err error) {
	err = f.use("stat", func() error { size = f.node.size; return nil })
	return size, err
}

func (f *crashFile) Truncate(size int64) error {
	return f.use("write", func() error { f.node.truncate(size); return nil })
}

func (f *crashFile) Preallocate(size int64) error {
	return f.use("write", func() error { f.node.size = max(f.node.size, size); return nil })
}

// Map serves one process at a time, which does not see what another one writes
// meanwhile, and must not store while another one reads: where real memory would
// give some of it, this is a race.
func (f *crashFile) Map(size int) (mem []byte, unmap func() error, err error) {
	err = f.use("map", func() error {
		if f.node.mapped != nil || int64(size) > f.node.size {
			return fs.ErrInvalid
		}
		mem = make([]byte, size)
		f.node.readAt(mem, 0)
		f.node.mapped = mem
		return nil
	})
	return mem, func() error { return f.use("unmap", func() error { f.node.mapped = nil; return nil }) }, err
}

func (f *crashFile) Chmod(mode fs.FileMode) error {
	return f.use("chmod", func() error { f.node.mode = f.node.mode.Type() | mode.Perm(); return nil })
}

func (f *crashFile) Sync() error {
	return f.use("sync", func() error { f.node.sync(); return nil })
}

func (f *crashFile) SyncData() error { return f.Sync() }

func (f *crashFile) loseUnsynced() {
	f.use("sync", func() error { f.node.loseUnsynced(f.c.rng); return nil })
}

func (f *crashFile) Close() error {
	return f.use("close", func() error { f.shut = true; return nil })
}
