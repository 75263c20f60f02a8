package stream_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"holdfast/internal/stream"
)

// What Pack packs Open gives back, from a file and from a pipe.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("\ufeffnot all lines are alike\n", 5000)
	for _, name := range []string{"x", "x.gz", "x.zst"} {
		var packed bytes.Buffer
		w, err := stream.Pack(name, &packed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if plain := packed.String() == text; plain != (name == "x") {
			t.Errorf("%s: packed: %v", name, !plain)
		}
		size := int64(packed.Len())
		path := filepath.Join(t.TempDir(), "file") // the content counts, not the name
		if err := os.WriteFile(path, packed.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, in := range []string{path, "-"} {
			s, err := stream.Open(t.Context(), in, iotest.OneByteReader(&packed))
			if err != nil {
				t.Fatal(err)
			}
			if start, err := s.Peek(6); err != nil || string(start) != text[:6] {
				t.Errorf("%s: begins with %q, %v", name, start, err)
			}
			if got, err := io.ReadAll(s); err != nil || string(got) != text {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
			if s.Consumed() != size || (s.Info() == nil) != (in == "-") {
				t.Errorf("%s: consumed %d of %d", name, s.Consumed(), size)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	s, err := stream.Open(t.Context(), "-", strings.NewReader("\ufeffabc"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Text(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(s); err != nil || string(got) != "abc" {
		t.Errorf("%q, %v", got, err)
	}
	s, err = stream.Open(t.Context(), "-", strings.NewReader("\xff\xfea\x00"))
	if err != nil {
		t.Fatal(err)
	}
	var e *stream.Error
	if err := s.Text(); !errors.As(err, &e) || e.Error() != "standard input: is UTF-16LE: convert it first: iconv -t UTF-8" {
		t.Errorf("%v", err)
	}
}

func TestNotThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := stream.Open(t.Context(), filepath.Join(dir, "x"), nil)
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasSuffix(err.Error(), "x: no such file") {
		t.Errorf("%v", err)
	}
	if _, err := stream.Open(t.Context(), dir, nil); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("%v", err)
	}
}
