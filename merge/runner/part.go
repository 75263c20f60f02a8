package runner

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"holdfast/internal/vfs"
	"holdfast/merge"
)

// A partFile is what one owner of a range writes: nobody sees it under its name
// before it is whole. It is written to PART.<job>.<worker>.<epoch>.tmp, so that
// no two processes ever write to the same file. That file is there from the
// start: it shows the other workers of the job that PART is taken.
type partFile struct {
	disk  vfs.Disk
	path  string
	job   string
	id    int
	epoch int64 // of the process before this one
	sync  bool
	file  vfs.File // nil unless it is being written
	size  int64
	crc   uint32
	whole bool // it has its name
}

func newPartFile(o *JobOptions, before int64) *partFile {
	return &partFile{disk: o.Disk, path: o.Output, job: o.Job, id: o.ID, epoch: before, sync: o.Durability == Always}
}

func (p *partFile) temp(epoch int64) string {
	return fmt.Sprintf("%s.%s.%d.%d.tmp", filepath.Clean(p.path), p.job, p.id, epoch)
}

// claim removes what processes before this one left, and takes PART unless it is
// written. If another worker of the job has done so, one of the two is refused,
// or both: each makes its file BEFORE it looks for others.
func (p *partFile) claim(written bool) error {
	if !written {
		if err := p.begin(); err != nil {
			return err
		}
	}
	dir, base := filepath.Split(p.path)
	names, err := p.disk.ReadDir(filepath.Clean(dir + "."))
	for _, name := range names {
		text, ok := strings.CutPrefix(strings.TrimSuffix(name, ".tmp"), base+"."+p.job+".")
		worker, start, _ := strings.Cut(text, ".")
		id, bad := strconv.Atoi(worker)
		epoch, bad2 := strconv.ParseInt(start, 10, 64)
		other := filepath.Join(dir, name)
		switch of := (&partFile{path: p.path, job: p.job, id: id}); {
		case !ok || bad != nil || bad2 != nil || of.temp(epoch) != other:
		case id != p.id:
			return inputErrorf(p.path, "worker %d of the job writes it: give each worker an --output of its own; if that one does not any more, remove %s", id, other)
		case epoch <= p.epoch:
			err = errors.Join(err, p.disk.Remove(other))
		}
	}
	return err
}

func (p *partFile) begin() (err error) {
	p.size, p.crc = 0, 0
	p.file, err = p.disk.OpenFile(p.temp(p.epoch+1), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	return err
}

func (p *partFile) write(b []byte, off int64) error {
	if off != p.size {
		panic(fmt.Sprintf("merge/runner: %s is written at %d, behind %d bytes", p.path, off, p.size))
	}
	p.size, p.crc = p.size+int64(len(b)), crc32.Update(p.crc, castagnoli, b)
	return writeAll(p.file, b)
}

// finish brings the part to the disk BEFORE it gets its name BEFORE the folder
// is synced.
func (p *partFile) finish() (err error) {
	if p.whole {
		return nil
	}
	if p.sync {
		err = p.file.Sync()
	}
	if closed := p.file.Close(); err == nil {
		err = closed
	}
	p.file = nil
	if err == nil {
		err = p.disk.Rename(p.temp(p.epoch+1), p.path)
	}
	if err == nil && p.sync {
		err = p.disk.SyncDir(filepath.Dir(p.path))
	}
	p.whole = err == nil
	return err
}

// Close removes what has not got its name.
func (p *partFile) Close() error {
	if p.file == nil {
		return nil
	}
	err := p.file.Close()
	p.file = nil
	return errors.Join(err, p.disk.Remove(p.temp(p.epoch+1)))
}

// is tells whether a finished part is what stands here.
func (p *partFile) is(part Part) bool {
	path, err := filepath.Abs(p.path)
	return err == nil && path == part.Path && sameFile(p.disk, p.path, part) == nil
}

// restore writes the part again if it is not what it was.
func (p *partFile) restore(core *merge.Core, want Part) error {
	switch err := sameFile(p.disk, p.path, want); {
	case err == nil:
		p.size, p.crc, p.whole = want.Bytes, want.CRC32C, true
		return nil
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errOtherBytes):
		return err
	}
	if err := p.begin(); err != nil {
		return err
	}
	const chunk = 1 << 16 // values
	for from := 0; from < int(want.Values); from += chunk {
		b := core.Render(nil, merge.Span{From: from, To: min(from+chunk, int(want.Values))})
		if err := p.write(b, p.size); err != nil {
			return err
		}
	}
	if p.size != want.Bytes || p.crc != want.CRC32C {
		return inputErrorf(p.path, "the record says that the part has %d bytes, this input gives %d other ones", want.Bytes, p.size)
	}
	return p.finish()
}

var errOtherBytes = errors.New("it is not what its worker wrote")

// sameFile compares a file with a part.
func sameFile(disk vfs.Disk, path string, want Part) error {
	f, err := disk.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return copyPart(io.Discard, f, want)
}

// copyPart copies a part and tells whether it is what its worker wrote.
func copyPart(w io.Writer, r io.Reader, want Part) error {
	crc := crc32.New(castagnoli)
	n, err := io.Copy(io.MultiWriter(w, crc), r)
	if err == nil && (n != want.Bytes || crc.Sum32() != want.CRC32C) {
		err = fmt.Errorf("%w: %d bytes with checksum %08x, not %d with %08x", errOtherBytes, n, crc.Sum32(), want.Bytes, want.CRC32C)
	}
	return err
}

// A sharedFile is the output of both workers of a pair, each at its place.
type sharedFile struct{ *dataFile }

func newSharedFile(o *JobOptions) (output, error) {
	f, err := openData(o.Disk, o.Output, o.Durability == Always)
	if err != nil {
		return nil, err
	}
	return sharedFile{f}, nil
}

func (f sharedFile) write(b []byte, off int64) error {
	size, err := f.Size()
	if err != nil {
		return err
	}
	if size < off {
		return inputErrorf(f.path, "it has %d bytes, and what follows belongs at byte %d: both workers must name the same file, and nobody else may cut it", size, off)
	}
	return f.WriteAt(b, off)
}

func (f sharedFile) finish() error { return nil }
