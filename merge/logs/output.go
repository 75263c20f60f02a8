package logs

import (
	"io"

	"holdfast/internal/stream"
	"holdfast/internal/vfs"
)

// A sink takes records in their final order, several at once if they lie
// together, and gathers them for large writes.
type sink struct {
	w     io.Writer
	buf   []byte
	bytes int64 // written to w
}

// gathered is how many bytes a sink gathers. More would only drive records out
// of the processor's cache.
const gathered = 64 << 10

func newSink(w io.Writer) sink { return sink{w: w, buf: make([]byte, 0, gathered)} }

func (s *sink) add(b []byte) error {
	if len(b) > cap(s.buf)-len(s.buf) {
		return s.overflow(b)
	}
	s.buf = append(s.buf, b...)
	return nil
}

func (s *sink) overflow(b []byte) error {
	if err := s.flush(); err != nil {
		return err
	}
	if len(b) > cap(s.buf) {
		s.bytes += int64(len(b))
		_, err := s.w.Write(b)
		return err
	}
	s.buf = append(s.buf, b...)
	return nil
}

func (s *sink) flush() error {
	if len(s.buf) == 0 {
		return nil
	}
	s.bytes += int64(len(s.buf))
	_, err := s.w.Write(s.buf)
	s.buf = s.buf[:0]
	return err
}

// An output is OUT while it is written.
type output struct {
	sink
	file *vfs.Output // nil: standard output
	pack io.WriteCloser
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
	o.sink = newSink(o.pack)
	return o, nil
}

func (o *output) commit() error {
	if err := o.flush(); err != nil {
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
