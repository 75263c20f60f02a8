package dedupe

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"holdfast/internal/stream"
	"holdfast/internal/vfs"
	"holdfast/replay/ingest"
)

// outputs are the files of a run. They appear together, or not at all; only
// what goes to standard output cannot be taken back.
type outputs struct {
	set      *vfs.Set
	later    bool          // the caller commits or aborts set
	out      *bufio.Writer // nil: not wanted
	packer   io.WriteCloser
	removed  *removedList // nil: not wanted
	analysis io.Writer    // nil: not wanted
}

func openOutputs(c Config) (_ *outputs, err error) {
	o := &outputs{set: c.Set, later: c.Set != nil}
	if !o.later {
		o.set = vfs.NewSet(c.FS)
	}
	defer func() {
		if err != nil {
			o.abort()
		}
	}()
	if c.Out != "" {
		if err := o.openOut(c); err != nil {
			return nil, err
		}
	}
	if c.Removed != "" {
		f, err := o.set.Create(c.Removed)
		if err != nil {
			return nil, err
		}
		o.removed = newRemovedList(f, c.CSVSafe)
	}
	if c.Analysis != "" {
		f, err := o.set.Create(c.Analysis)
		if err != nil {
			return nil, err
		}
		o.analysis = f
	}
	return o, nil
}

// openOut opens the deduplicated output, compressed if its name says so (R66).
func (o *outputs) openOut(c Config) error {
	var w io.Writer = c.Stdout
	if c.Out != "-" {
		f, err := o.set.Create(c.Out)
		if err != nil {
			return err
		}
		w = f
	}
	packer, err := stream.Pack(c.Out, w)
	if err != nil {
		return err
	}
	o.packer, o.out = packer, bufio.NewWriterSize(packer, copySize)
	return nil
}

// commit makes everything visible.
func (o *outputs) commit() error {
	if o.out != nil {
		if err := o.out.Flush(); err != nil {
			return err
		}
	}
	if o.packer != nil {
		if err := o.packer.Close(); err != nil {
			return err
		}
	}
	if o.removed != nil {
		if err := o.removed.out.Flush(); err != nil {
			return err
		}
	}
	if o.later {
		return nil
	}
	return o.set.Commit()
}

func (o *outputs) abort() {
	if !o.later {
		o.set.Abort()
	}
}

// checkPaths refuses files that would overwrite the input or each other.
func (c Config) checkPaths() error {
	written := []struct{ path, what string }{{c.Out, "OUT"}, {c.Removed, "the list of removed rows"}, {c.Analysis, "the analysis"}}
	for i, w := range written {
		if w.path == "" {
			continue
		}
		if c.In != "-" && c.sameFile(c.In, w.path) {
			return &ingest.UsageError{Reason: fmt.Sprintf("%s is also the input", w.path), Hint: fmt.Sprintf("name another file for %s", w.what)}
		}
		for _, v := range written[:i] {
			if v.path != "" && c.sameFile(v.path, w.path) {
				return &ingest.UsageError{Reason: fmt.Sprintf("%s is named twice", w.path), Hint: fmt.Sprintf("name another file for %s", w.what)}
			}
		}
	}
	return nil
}

// sameFile reports whether two names lead to one file, by whatever links.
func (c Config) sameFile(a, b string) bool {
	x, err := c.stat(a)
	if err != nil {
		return a == b
	}
	y, err := c.stat(b)
	return err == nil && os.SameFile(x, y) && x.Mode().IsRegular()
}

// stat is that of a file, or of the standard output if it is one.
func (c Config) stat(path string) (os.FileInfo, error) {
	if path != "-" {
		return os.Stat(path)
	}
	if f, ok := c.Stdout.(*os.File); ok {
		return f.Stat()
	}
	return nil, os.ErrNotExist
}
