package incident

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"path/filepath"

	"holdfast/internal/vfs"
)

// folder is a set of files that are being written.
type folder struct {
	dir   string
	set   *vfs.Set
	files []*file
	err   error // the first failure to write
}

// file is one of them, buffered and summed up.
type file struct {
	folder *folder
	name   string
	out    *bufio.Writer
	sum    hash.Hash
}

func newFolder(fsys vfs.FS, dir string) *folder { return &folder{dir: dir, set: vfs.NewSet(fsys)} }

// bufferSize makes writes large enough that their number does not matter.
const bufferSize = 256 << 10

func (d *folder) create(name string) (*file, error) {
	out, err := d.set.Create(filepath.Join(d.dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	f := &file{folder: d, name: name, sum: sha256.New()}
	f.out = bufio.NewWriterSize(summed{out, f.sum}, bufferSize)
	d.files = append(d.files, f)
	return f, nil
}

// summed hashes what it passes on.
type summed struct {
	out *vfs.Output
	sum hash.Hash
}

func (s summed) Write(p []byte) (int, error) {
	s.sum.Write(p)
	return s.out.Write(p)
}

// write adds b. Its failure is kept for commit: the writers between are many.
func (f *file) write(b []byte) {
	if _, err := f.out.Write(b); err != nil && f.folder.err == nil {
		f.folder.err = err
	}
}

// commit makes all files visible and returns their SHA-256.
func (d *folder) commit() (map[string]string, error) {
	sums := map[string]string{}
	for _, f := range d.files {
		if err := f.out.Flush(); err != nil && d.err == nil {
			d.err = err
		}
		sums[f.name] = hex.EncodeToString(f.sum.Sum(nil))
	}
	if d.err != nil {
		return nil, d.err
	}
	return sums, d.set.Commit()
}
