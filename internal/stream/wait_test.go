package stream_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"holdfast/internal/stream"
)

// What ends the waiting for a writer: its coming, and the context.
func TestOpenFileWaits(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := stream.OpenFile(ctx, pipe)
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	go func() {
		_ = os.WriteFile(pipe, []byte("hello"), 0) // opening it waits for us
	}()
	s, err := stream.Open(t.Context(), pipe, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if text, err := io.ReadAll(s); string(text) != "hello" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := stream.OpenFile(t.Context(), pipe+"2"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// A reader gives what there is, whatever the sizes of reads, and nothing once
// the context is done.
func TestReader(t *testing.T) {
	t.Parallel()
	want := strings.Repeat("0123456789", 30_000)
	for _, in := range []io.Reader{strings.NewReader(want), iotest.DataErrReader(strings.NewReader(want)), iotest.HalfReader(strings.NewReader(want))} {
		var got bytes.Buffer
		r := stream.Reader(t.Context(), in)
		for n := 1; ; n = n*3%200_001 + 1 {
			b := make([]byte, n)
			m, err := r.Read(b)
			got.Write(b[:m])
			if err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if got.String() != want {
			t.Errorf("%d bytes, want %d", got.Len(), len(want))
		}
	}

	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	r := stream.Reader(ctx, in)
	ended := make(chan error)
	b := make([]byte, 10)
	go func() {
		_, err := r.Read(b)
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	clear(b)
	if _, err := out.WriteString("late"); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Read(b); n != 0 || !errors.Is(err, context.Canceled) || b[0] != 0 {
		t.Errorf("%d, %v, %q", n, err, b)
	}
	s, err := stream.Open(ctx, "-", strings.NewReader(want))
	if !errors.Is(err, context.Canceled) {
		t.Error(s, err)
	}
}
