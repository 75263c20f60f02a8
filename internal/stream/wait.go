package stream

import (
	"context"
	"io"
	"os"
)

// OpenFile opens a file for reading. Of a named pipe that nobody writes it gives
// ctx's error when ctx is done: the system's own open would wait for ever.
func OpenFile(ctx context.Context, path string) (*os.File, error) {
	if info, err := os.Stat(path); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return os.Open(path)
	}
	// Not O_NONBLOCK: with it a pipe that nobody writes yet is at its end.
	type opened struct {
		f   *os.File
		err error
	}
	c := make(chan opened)
	go func() {
		f, err := os.Open(path)
		select {
		case c <- opened{f, err}:
		case <-ctx.Done():
			f.Close() // it may be nil: then this does nothing
		}
	}()
	select {
	case o := <-c:
		return o.f, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Reader gives a reader of r whose Read returns ctx's error when ctx is done,
// also while it waits for whoever writes a pipe or types at a terminal. The rest
// of r is lost then.
func Reader(ctx context.Context, r io.Reader) io.Reader {
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return r // never waits
		}
	}
	if ctx.Done() == nil {
		return r
	}
	return &waiting{ctx: ctx, r: r, c: make(chan int, 1)}
}

// waiting reads in a goroutine, into a buffer of its own: a read that is given
// up may come to something later, when the caller's belongs to others.
type waiting struct {
	ctx context.Context
	r   io.Reader
	buf []byte
	c   chan int
	err error // of the last read; the goroutine's until it has sent its count
}

// atOnce is what a pipe holds, in bytes.
const atOnce = 64 << 10

func (w *waiting) Read(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	most := min(len(b), atOnce)
	if len(w.buf) < most {
		w.buf = make([]byte, most)
	}
	go func() {
		n, err := w.r.Read(w.buf[:most])
		w.err = err
		w.c <- n
	}()
	select {
	case n := <-w.c:
		return copy(b, w.buf[:n]), w.err
	case <-w.ctx.Done():
		return 0, w.ctx.Err()
	}
}
