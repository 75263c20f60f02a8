package logs

import (
	"bufio"
	"io"

	"holdfast/internal/stream"
	"holdfast/internal/vfs"
)

// An output is OUT while it is written.
type output struct {
	file  *vfs.Output // nil: standard output
	pack  io.WriteCloser
	buf   *bufio.Writer
	bytes int64
}

func (m *merge) create() (o *output, err error) {
	o = &output{}
	w := m.Stdout
	if m.Out != "-" {
		if o.file, err = vfs.Create(m.FS, m.Out); err != nil {
			return nil, err
		}
		w = o.file
	}
	if o.pack, err = stream.Pack(m.Out, w); err != nil {
		o.abort()
		return nil, err
	}
	o.buf = bufio.NewWriterSize(o.pack, 64<<10)
	return o, nil
}

func (o *output) Write(b []byte) (int, error) {
	o.bytes += int64(len(b))
	return o.buf.Write(b)
}

func (o *output) commit() error {
	if err := o.buf.Flush(); err != nil {
		return err
	}
	if err := o.pack.Close(); err != nil {
		return err
	}
	if o.file == nil {
		return nil
	}
	return o.file.Commit()
}

func (o *output) abort() {
	if o.file != nil {
		o.file.Abort()
	}
}
