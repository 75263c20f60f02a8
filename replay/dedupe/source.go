package dedupe

import (
	"bytes"
	"context"
	"errors"
	"holdfast/internal/stream"
	"io"
	"os"

	"holdfast/internal/vfs"
	"holdfast/replay/ingest"
)

// source is the input as text that can be read anywhere, any number of times:
// the file itself if it is plain, else a temporary copy, decompressed.
type source struct {
	io.ReaderAt
	size int64

	header ingest.Header
	start  int64 // offset of the first data record

	headerLines int64 // physical lines before it

	id      ingest.Identity
	closers []io.Closer
}

func (s *source) Close() error {
	for _, c := range s.closers {
		c.Close() // opened for reading, or temporary
	}
	return nil
}

// opener opens a source.
type opener struct {
	fs   vfs.FS
	tmp  string
	read ingest.Options
	name string // as the user wrote it
	path string // of what is read: name, or a copy of a pipe
}

// open reads pipes to their end, and the header.
func (o *opener) open(ctx context.Context) (_ *source, err error) {
	s := &source{}
	defer func() {
		if err != nil {
			s.Close()
			err = o.renamed(err)
		}
	}()
	o.path = o.name
	piped, err := o.isPipe()
	if err != nil {
		return nil, err
	}
	if piped {
		spooled, err := o.spoolPipe(ctx)
		if err != nil {
			return nil, err
		}
		s.closers = append(s.closers, spooled)
	} else if s.id, err = ingest.Identify(o.name); err != nil {
		return nil, err
	}
	if err := o.readHeader(ctx, s); err != nil {
		return nil, err
	}
	if err := o.openText(ctx, s); err != nil {
		return nil, err
	}
	return s, s.countHeader()
}

// countHeader counts the lines before the first data record. The header is at
// most as long as ingest lets it be.
func (s *source) countHeader() error {
	head := make([]byte, s.header.Size)
	if _, err := s.ReadAt(head, s.start-s.header.Size); err != nil && err != io.EOF {
		return err
	}
	s.headerLines = countLineEnds(head)
	return nil
}

// countLineEnds counts LF, CRLF and lone CR.
func countLineEnds(b []byte) int64 {
	return int64(bytes.Count(b, []byte{'\n'}) + bytes.Count(b, []byte{'\r'}) - bytes.Count(b, []byte("\r\n")))
}

// renamed makes an error about a temporary copy one about what it is a copy of.
func (o *opener) renamed(err error) error {
	var input *ingest.InputError
	if o.path != o.name && errors.As(err, &input) {
		input.File = o.name
		if o.name == "-" {
			input.File = "standard input"
		}
	}
	return err
}

func (o *opener) isPipe() (bool, error) {
	if o.name == "-" {
		return true, nil
	}
	info, err := os.Stat(o.name)
	if err != nil {
		return false, nil // ingest says why, better
	}
	return !info.Mode().IsRegular() && !info.IsDir(), nil
}

// spoolPipe copies what can be read only once. The copy keeps its name as long
// as it is open, since it may have to be opened once more to decompress it.
func (o *opener) spoolPipe(ctx context.Context) (io.Closer, error) {
	in := o.read.Stdin
	switch {
	case o.name != "-":
		f, err := stream.OpenFile(ctx, o.name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	case in == nil:
		in = os.Stdin
	}
	out, err := newNamedSpool(o.fs, o.tmp)
	if err != nil {
		return nil, err
	}
	if err := spoolAll(ctx, out, stream.Reader(ctx, in)); err != nil {
		out.Close()
		return nil, err
	}
	o.path = out.name
	return out, nil
}

func (o *opener) readHeader(ctx context.Context, s *source) error {
	rows, err := ingest.OpenRows(ctx, o.path, o.read)
	if err != nil {
		return err
	}
	s.header = rows.Header()
	return rows.Close()
}

// probeSize is how much of the text is compared with the bytes of the file to
// find out whether it was compressed.
const probeSize = 4 << 10

var byteOrderMark = []byte("\xef\xbb\xbf")

// openText sets where the text is read from.
func (o *opener) openText(ctx context.Context, s *source) error {
	text, err := ingest.Open(ctx, o.path)
	if err != nil {
		return err
	}
	defer text.Close()
	file, err := os.Open(o.path)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, file)
	info, err := file.Stat()
	if err != nil {
		return err
	}
	plain, raw := make([]byte, probeSize), make([]byte, probeSize+len(byteOrderMark))
	n, err := io.ReadFull(text, plain)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	m, err := file.ReadAt(raw, 0)
	if err != nil && err != io.EOF {
		return err
	}
	plain, raw = plain[:n], raw[:m]
	mark := int64(len(raw) - len(bytes.TrimPrefix(raw, byteOrderMark)))
	if bytes.HasPrefix(raw[mark:], plain) && (n > 0 || info.Size() == mark) {
		s.ReaderAt, s.size = file, info.Size()
		s.start = mark + s.header.Size
		return nil
	}
	return o.unpack(ctx, s, io.MultiReader(bytes.NewReader(plain), text))
}

// unpack makes a copy of what a compressed file holds.
func (o *opener) unpack(ctx context.Context, s *source, text io.Reader) error {
	out, err := newSpool(o.fs, o.tmp)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, out)
	if err := spoolAll(ctx, out, text); err != nil {
		return err
	}
	s.ReaderAt, s.size, s.start = out, out.size, s.header.Size
	return nil
}

// spoolAll copies until the end, or until ctx is done. A read that waits for
// somebody to type is then left behind.
func spoolAll(ctx context.Context, out *spool, in io.Reader) error {
	done := make(chan error, 1)
	go func() {
		_, err := io.CopyBuffer(out, untilDone{ctx, in}, make([]byte, copySize))
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// untilDone reads until ctx is done.
type untilDone struct {
	ctx context.Context
	in  io.Reader
}

func (u untilDone) Read(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.in.Read(b)
}
